// What server-side apply says of a configuration that does not fit its type.
#include <fmt/format.h>

#include <set>

#include "devcluster/server/typed_shape.hpp"
#include "devcluster/server/typed_value.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "devcluster/validation/go_text.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

using Form = Shape::Kind;

std::string go_type(const Json& value) {
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "bool";
  if (value.is_number_float()) return "float64";
  if (value.is_number()) return "int64";
  if (value.is_array()) return "[]interface {}";
  return value.is_null() ? "<nil>" : "map[string]interface {}";
}

// Go's %#v.
std::string detailed(const Json& value) {
  if (value.is_string()) return go_quote(value.get_ref<const std::string&>());
  std::vector<std::string> parts;
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) parts.push_back(go_quote(key) + ":" + detailed(item));
    return "map[string]interface {}{" + join(parts, ", ") + "}";
  }
  if (value.is_array()) {
    for (const Json& item : value) parts.push_back(detailed(item));
    return "[]interface {}{" + join(parts, ", ") + "}";
  }
  return value.is_null() ? "interface {}(nil)" : dump_json(value);
}

class Checker {
 public:
  std::vector<std::string> errors;

  void check(const Shape& shape, const Json& value, const std::string& path) {
    if (value.is_null()) return;
    if (shape.kind == Form::kScalar)
      scalar(shape, value, path);
    else if (shape.map_like())
      map(shape, value, path);
    else
      list(shape, value, path);
  }

 private:
  void fail(const std::string& path, const std::string& why) {
    errors.push_back(path.empty() ? why : path + ": " + why);
  }

  void scalar(const Shape& shape, const Json& value, const std::string& path) {
    if (shape.type == nullptr) return;
    switch (shape.type->kind) {
      case TypeRef::Kind::kInt32:
      case TypeRef::Kind::kInt64:
      case TypeRef::Kind::kFloat:
        if (!value.is_number()) fail(path, "expected numeric (int or float), got " + go_type(value));
        return;
      case TypeRef::Kind::kString:
      case TypeRef::Kind::kBytes:
        if (!value.is_string())
          fail(path, fmt::format("expected string, got &value.valueUnstructured{{Value:{}}}", detailed(value)));
        return;
      case TypeRef::Kind::kBool:
        if (!value.is_boolean()) fail(path, fmt::format("expected boolean, got &{{{}}}", go_plain(value)));
        return;
      default:
        return;
    }
  }

  void map(const Shape& shape, const Json& value, const std::string& path) {
    if (!value.is_object()) return fail(path, fmt::format("expected map, got &{{{}}}", go_plain(value)));
    const bool declared_only = shape.structure() != nullptr;
    for (const auto& [name, entry] : value.items()) {
      const std::string own = path + "." + name;
      // A real server looks no further into a map with such a field.
      if (declared_only && !shape.declares(name)) return fail(own, "field not declared in schema");
      check(shape.entry(name, entry), entry, own);
    }
  }

  void list(const Shape& shape, const Json& value, const std::string& path) {
    if (!value.is_array()) return fail(path, fmt::format("expected list, got &{{{}}}", go_plain(value)));
    std::set<PathElement> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      PathElement element{PathElement::Kind::kIndex, "", i};
      if (shape.kind != Form::kAtomicList) {
        auto keyed = item_element(shape, value[i]);
        if (!keyed) return fail(path, fmt::format("element {}: {}", i, keyed.error().message));
        element = std::move(*keyed);
        if (!seen.insert(element).second) fail(path, fmt::format("duplicate entries for key {}", element.text()));
      }
      check(shape.item(value[i]), value[i], path + element.text());
    }
  }
};

}  // namespace

std::string type_errors(const Json& object, const StructType& type) {
  Checker checker;
  checker.check(root_shape(type), object, "");
  if (checker.errors.empty()) return "";
  if (checker.errors.size() == 1) return checker.errors.front();
  std::string result = "errors:";
  for (const std::string& error : checker.errors) result += "\n  " + error;
  return result;
}

}  // namespace fracta::devcluster
