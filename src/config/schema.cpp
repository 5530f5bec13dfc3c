#include "config/schema.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/structure.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/quantity.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::config {
namespace {

bool wrong_kind(const std::string& path, const char* wanted, const Json& value, FieldErrors& errors) {
  std::string message = std::string("must be ") + wanted + ", not " + kind_name(value);
  if (std::string_view(wanted) == "a string" && value.is_primitive()) message += "; write it in quotes";
  errors.error(path, std::move(message));
  return false;
}

bool check_integer(const Json& value, bool narrow, const std::string& path, FieldErrors& errors) {
  if (!value.is_number_integer()) return wrong_kind(path, "a whole number", value, errors);
  const bool huge = value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  const std::int64_t number = huge ? INT64_MAX : value.get<std::int64_t>();
  if (!huge && (!narrow || (number >= INT32_MIN && number <= INT32_MAX))) return true;
  errors.error(path, std::string("the number does not fit into ") + (narrow ? "32" : "64") + " bits");
  return false;
}

bool check_quantity(const Json& value, const std::string& path, FieldErrors& errors) {
  if (value.is_number()) return true;  // printed as JSON, every number is a quantity
  if (!value.is_string()) return wrong_kind(path, "a quantity", value, errors);
  const auto parsed = Quantity::parse(trim(value.get_ref<const std::string&>()));
  if (parsed) return true;
  errors.error(path, parsed.error().message);
  return false;
}

template <class Check>
bool check_list(const Json& value, const std::string& path, FieldErrors& errors, const Check& check) {
  if (!value.is_array()) return wrong_kind(path, "a list", value, errors);
  bool fits = true;
  for (std::size_t i = 0; i < value.size(); ++i) fits = check(value[i], join_path(path, i)) && fits;
  return fits;
}

template <class Check>
bool check_map(const Json& value, const std::string& path, FieldErrors& errors, const Check& check) {
  if (!value.is_object()) return wrong_kind(path, "a map", value, errors);
  bool fits = true;
  for (const auto& [key, item] : value.items()) fits = check(item, join_path(path, key)) && fits;
  return fits;
}

bool check_string(const Json& value, const std::string& path, FieldErrors& errors) {
  return value.is_string() || value.is_null() || wrong_kind(path, "a string", value, errors);
}

bool check_field(const Json& value, const FieldSchema& field, const std::string& path, FieldErrors& errors) {
  if (value.is_null()) return true;  // null is the same as absent
  const auto text = [&](const Json& item, const std::string& at) { return check_string(item, at, errors); };
  switch (field.kind) {
    case FieldKind::kString:
      return text(value, path);
    case FieldKind::kBool:
      return value.is_boolean() || wrong_kind(path, "true or false", value, errors);
    case FieldKind::kInt32:
    case FieldKind::kInt64:
      return check_integer(value, field.kind == FieldKind::kInt32, path, errors);
    case FieldKind::kQuantity:
      return check_quantity(value, path, errors);
    case FieldKind::kStringMap:
      return check_map(value, path, errors, text);
    case FieldKind::kQuantityMap:
      return check_map(value, path, errors, [&](const Json& item, const std::string& at) {
        return item.is_null() || check_quantity(item, at, errors);
      });
    case FieldKind::kStringList:
      return check_list(value, path, errors, text);
    case FieldKind::kInt64List:
      return check_list(value, path, errors, [&](const Json& item, const std::string& at) {
        return item.is_null() || check_integer(item, false, at, errors);
      });
    case FieldKind::kObject:
      return check_schema(value, *field.object, path, errors);
    case FieldKind::kObjectList:
      return check_list(value, path, errors, [&](const Json& item, const std::string& at) {
        return item.is_null() || check_schema(item, *field.object, at, errors);
      });
    case FieldKind::kAnything:
      return true;
  }
  return true;
}

void unknown_field(const std::string& key, const ObjectSchema& schema, const std::string& path, FieldErrors& errors) {
  std::vector<std::string> names;
  for (const FieldSchema& field : schema.fields) names.emplace_back(field.name);
  std::string close;
  const auto same =
      std::find_if(names.begin(), names.end(), [&](const std::string& name) { return iequals(name, key); });
  if (same != names.end()) close = *same;
  if (close.empty() && key.size() <= 64) close = closest_match(key, names);
  std::string message = "unknown field \"" + shorten(key, 60) + "\"";
  if (!close.empty()) message += "; did you mean \"" + close + "\"?";
  errors.error(path, std::move(message));
}

}  // namespace

bool check_schema(const Json& value, const ObjectSchema& schema, const std::string& path, FieldErrors& errors) {
  if (!value.is_object()) return wrong_kind(path, "a map", value, errors);
  bool fits = true;
  for (const auto& [key, item] : value.items()) {
    const auto field = std::find_if(schema.fields.begin(), schema.fields.end(),
                                    [&name = key](const FieldSchema& candidate) { return candidate.name == name; });
    if (field == schema.fields.end()) {
      unknown_field(key, schema, join_path(path, key), errors);
    } else {
      fits = check_field(item, *field, join_path(path, key), errors) && fits;
    }
  }
  return fits;
}

}  // namespace fracta::config
