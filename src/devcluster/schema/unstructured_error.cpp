#include "devcluster/schema/unstructured_error.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

using Type = TypeRef::Kind;

// Go's kind of a decoded JSON value.
const char* go_kind(const Json& value) {
  if (value.is_object()) return "map";
  if (value.is_array()) return "slice";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "bool";
  return value.is_number_float() ? "float64" : "int64";
}

const char* go_scalar(Type kind) {
  switch (kind) {
    case Type::kInt32:
      return "int32";
    case Type::kInt64:
      return "int64";
    case Type::kFloat:
      return "float64";
    case Type::kBool:
      return "bool";
    default:
      return "string";
  }
}

bool is_number(Type kind) { return kind == Type::kInt32 || kind == Type::kInt64 || kind == Type::kFloat; }

// Go converts between numbers, and integers to strings: those mistakes are named as conversions.
std::string scalar_error(const Json& value, const TypeRef& type) {
  const bool fits =
      (type.kind == Type::kString && value.is_string()) || (type.kind == Type::kBool && value.is_boolean()) ||
      (is_number(type.kind) && value.is_number_integer()) || (type.kind == Type::kFloat && value.is_number());
  if (fits) return "";
  const bool whole = value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>();
  if (is_number(type.kind) && whole) return "";
  const bool convertible =
      (is_number(type.kind) && value.is_number()) || (type.kind == Type::kString && value.is_number_integer());
  if (!convertible) return fmt::format("unrecognized type: {}", go_scalar(type.kind));
  return fmt::format("cannot convert {} to {}", go_kind(value),
                     type.alias.empty() ? go_scalar(type.kind) : "v1." + type.alias);
}

std::string error_of(const Json& value, const TypeRef& type) {
  if (value.is_null()) return "";
  switch (type.kind) {
    case Type::kString:
    case Type::kBool:
    case Type::kInt32:
    case Type::kInt64:
    case Type::kFloat:
      return scalar_error(value, type);
    case Type::kBytes:
      return value.is_string() ? "" : fmt::format("cannot restore slice from {}", go_kind(value));
    case Type::kStruct:
      return value.is_object() ? unstructured_error(value, *type.type)
                               : fmt::format("cannot restore struct from: {}", go_kind(value));
    case Type::kList:
      if (!value.is_array()) return fmt::format("cannot restore slice from {}", go_kind(value));
      break;
    case Type::kMap:
      if (!value.is_object()) return fmt::format("cannot restore map from {}", go_kind(value));
      break;
    default:
      return "";  // decoded by themselves
  }
  for (const Json& item : value)
    if (std::string error = error_of(item, *type.element); !error.empty()) return error;
  return "";
}

}  // namespace

std::string unstructured_error(const Json& object, const StructType& type) {
  for (const Field& field : type.fields) {
    const Json* value = find(object, field.name);
    if (value == nullptr) continue;
    if (std::string error = error_of(*value, field.type); !error.empty()) return error;
  }
  return "";
}

}  // namespace fracta::devcluster
