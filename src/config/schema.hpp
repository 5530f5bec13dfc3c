// Field tables of Kubernetes objects and the check that a value fits one: kinds and unknown fields, in the spirit of
// the API server's strict decoding. What the values may be is checked elsewhere.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/field_errors.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::config {

enum class FieldKind {
  kString,
  kBool,
  kInt32,
  kInt64,
  kQuantity,
  kStringMap,
  kQuantityMap,
  kStringList,
  kInt64List,
  kObject,
  kObjectList,
  kAnything,
};

struct ObjectSchema;

struct FieldSchema {
  std::string_view name;
  FieldKind kind = FieldKind::kString;
  const ObjectSchema* object = nullptr;  // of kObject and kObjectList
};

struct ObjectSchema {
  std::string_view name;  // Kubernetes' type name
  std::span<const FieldSchema> fields;
};

// False when a kind is wrong somewhere, so that reading the values makes no sense. Unknown fields are errors too, but
// do not make it false.
bool check_schema(const Json& value, const ObjectSchema& schema, const std::string& path, FieldErrors& errors);

// schema_*.cpp
extern const ObjectSchema kVolumeSchema;
extern const ObjectSchema kVolumeMountSchema;
extern const ObjectSchema kLabelSelectorSchema;
extern const ObjectSchema kTolerationSchema;
extern const ObjectSchema kAffinitySchema;
extern const ObjectSchema kPodSecurityContextSchema;
extern const ObjectSchema kSecurityContextSchema;

}  // namespace fracta::config
