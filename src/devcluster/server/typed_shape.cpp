#include "devcluster/server/typed_shape.hpp"

#include <fmt/format.h>

#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

using Form = Shape::Kind;

Shape untyped(const Json& value) {
  Shape shape;
  if (value.is_array())
    shape.kind = Form::kAtomicList;
  else if (value.is_object())
    shape.kind = Form::kMap;
  return shape;
}

Shape shape_of(const TypeRef& type, const Field* field, const Json& value) {
  Shape shape;
  shape.type = &type;
  shape.field = field;
  const bool atomic = field != nullptr && field->list == Field::List::kAtomic;
  switch (type.kind) {
    case TypeRef::Kind::kStruct:
      shape.kind = atomic || type.type->atomic ? Form::kAtomicMap : Form::kStruct;
      break;
    case TypeRef::Kind::kMap:
      shape.kind = atomic ? Form::kAtomicMap : Form::kMap;
      break;
    case TypeRef::Kind::kList:
      shape.kind = Form::kAtomicList;
      if (field == nullptr || atomic) break;
      if (field->list == Field::List::kMap)
        shape.kind = Form::kKeyed;
      else if (field->list == Field::List::kSet)
        shape.kind = Form::kSet;
      else if (field->merge)  // strategic merge's rule stands in for a missing list type
        shape.kind = field->merge_key.empty() ? Form::kSet : Form::kKeyed;
      break;
    case TypeRef::Kind::kAny:
      return untyped(value);
    default:
      break;
  }
  return shape;
}

// A key that may be left out of an item because the API gives it a value: "TCP", or the zero value of a field that is
// always written.
std::optional<Json> default_of_key(const Shape& list, const std::string& key) {
  if (key == "protocol") return Json("TCP");
  const TypeRef* item = list.type == nullptr ? nullptr : list.type->element.get();
  if (item == nullptr || item->kind != TypeRef::Kind::kStruct) return std::nullopt;
  const Field* field = item->type->find(key);
  if (field == nullptr || field->pointer || field->omit_empty) return std::nullopt;
  if (field->type.kind == TypeRef::Kind::kString) return Json("");
  if (field->type.kind == TypeRef::Kind::kInt32 || field->type.kind == TypeRef::Kind::kInt64) return Json(0);
  return std::nullopt;
}

}  // namespace

const StructType* Shape::structure() const {
  if (root != nullptr) return root;
  return type != nullptr && type->kind == TypeRef::Kind::kStruct ? type->type : nullptr;
}

bool Shape::declares(const std::string& name) const {
  const StructType* own = structure();
  return own != nullptr && own->find(name) != nullptr;
}

Shape Shape::item(const Json& value) const {
  return type == nullptr || !type->element ? untyped(value) : shape_of(*type->element, nullptr, value);
}

Shape Shape::entry(const std::string& name, const Json& value) const {
  if (const StructType* own = structure()) {
    const Field* declared = own->find(name);
    return declared == nullptr ? untyped(value) : shape_of(declared->type, declared, value);
  }
  return item(value);
}

Shape root_shape(const StructType& type) {
  Shape shape;
  shape.kind = Form::kStruct;
  shape.root = &type;
  return shape;
}

Result<PathElement> item_element(const Shape& list, const Json& item) {
  const auto lacking = [](std::string why) { return make_error(ErrorCode::kInvalid, std::move(why)); };
  if (list.kind == Form::kSet) {
    if (item.is_object()) return lacking("associative list without keys has an element that's a map type");
    if (item.is_array()) return lacking("not supported: associative list with lists as elements");
    if (item.is_null()) return lacking("associative list without keys has an element that's an explicit null");
    return PathElement{PathElement::Kind::kValue, "", item};
  }
  if (item.is_null()) return lacking("associative list with keys may not have a null element");
  if (!item.is_object()) return lacking("associative list with keys may not have non-map elements");
  Json key = Json::object();
  const auto take = [&](const std::string& name) {
    if (const Json* value = find(item, name)) {
      key[name] = *value;
    } else if (auto preset = default_of_key(list, name)) {
      key[name] = std::move(*preset);
    } else {
      return false;
    }
    return true;
  };
  std::vector<std::string> names = list.field->list_keys;
  if (names.empty()) names.push_back(list.field->merge_key);
  for (const std::string& name : names) {
    if (!take(name)) {
      return lacking(
          fmt::format("associative list with keys has an element that omits key field {} (and doesn't have default "
                      "value)",
                      go_quote(name)));
    }
  }
  return PathElement{PathElement::Kind::kKey, "", std::move(key)};
}

}  // namespace fracta::devcluster
