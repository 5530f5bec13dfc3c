// ConfigMap and Secret.
#include <fmt/format.h>

#include <array>

#include "devcluster/schema/json_error.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::size_t kMostBytes = 1024 * 1024;

std::size_t decoded_size(const Json& value) {
  if (!value.is_string()) return 0;
  const auto bytes = base64_decode(value.get_ref<const std::string&>());
  return bytes ? bytes->size() : 0;
}

void immutable_data(const Json& object, const Json& old, std::initializer_list<const char*> fields,
                    FieldErrors& errors) {
  if (!bool_at(old, "immutable")) return;
  if (!bool_at(object, "immutable")) errors.forbidden("immutable", "field is immutable when `immutable` is set");
  for (const char* field : fields) {
    if (object.value(field, Json()) != old.value(field, Json()))
      errors.forbidden(field, "field is immutable when `immutable` is set");
  }
}

void required_key(const Json& secret, const char* key, FieldErrors& errors) {
  const Json* data = find(secret, "data");
  if (data == nullptr || !data->contains(key)) errors.required(fmt::format("data[{}]", key));
}

void validate_docker_config(const Json& secret, const char* key, FieldErrors& errors) {
  const Json* data = find(secret, "data");
  if (data == nullptr || !data->contains(key)) {
    errors.required(fmt::format("data[{}]", key));
    return;
  }
  const auto text = base64_decode(string_at(*data, key));
  std::string why = text ? json_syntax_error(*text) : "illegal base64 data";
  if (why.empty()) {
    const auto parsed = parse_json(*text);
    if (!parsed || parsed->is_object() || parsed->is_null()) return;
    const char* word = parsed->is_array()     ? "array"
                       : parsed->is_string()  ? "string"
                       : parsed->is_boolean() ? "bool"
                                              : "number";
    why = fmt::format("json: cannot unmarshal {} into Go value of type map[string]interface {{}}", word);
  }
  errors.invalid_text(fmt::format("data[{}]", key), "\"<secret contents redacted>\"", why);
}

}  // namespace

void validate_config_map(const Json& object, FieldErrors& errors) {
  std::size_t total = 0;
  const Json* binary = find(object, "binaryData");
  if (const Json* data = find(object, "data")) {
    for (const auto& [key, value] : data->items()) {
      const std::string path = fmt::format("data[{}]", key);
      for (const std::string& problem : config_map_key_errors(key)) errors.invalid(path, key, problem);
      if (binary != nullptr && binary->contains(key))
        errors.invalid(path, key, "duplicate of key present in binaryData");
      total += value.is_string() ? value.get_ref<const std::string&>().size() : 0;
    }
  }
  if (binary != nullptr) {
    for (const auto& [key, value] : binary->items()) {
      for (const std::string& problem : config_map_key_errors(key))
        errors.invalid(fmt::format("binaryData[{}]", key), key, problem);
      total += decoded_size(value);
    }
  }
  if (total > kMostBytes) errors.too_long("[]", kMostBytes);
}

void validate_config_map_update(const Json& object, const Json& old, FieldErrors& errors) {
  immutable_data(object, old, {"data", "binaryData"}, errors);
  validate_config_map(object, errors);
}

void validate_secret(const Json& object, FieldErrors& errors) {
  std::size_t total = 0;
  if (const Json* data = find(object, "data")) {
    for (const auto& [key, value] : data->items()) {
      for (const std::string& problem : config_map_key_errors(key))
        errors.invalid(fmt::format("data[{}]", key), key, problem);
      total += decoded_size(value);
    }
  }
  if (total > kMostBytes) errors.too_long("data", kMostBytes);
  const std::string type = string_at(object, "type");
  if (type == "kubernetes.io/service-account-token") {
    const Json* annotations = find_path(object, "metadata/annotations");
    const Json* name = annotations == nullptr ? nullptr : find(*annotations, "kubernetes.io/service-account.name");
    if (name == nullptr || *name == "") errors.required("metadata.annotations[kubernetes.io/service-account.name]");
  } else if (type == "kubernetes.io/dockerconfigjson") {
    validate_docker_config(object, ".dockerconfigjson", errors);
  } else if (type == "kubernetes.io/dockercfg") {
    validate_docker_config(object, ".dockercfg", errors);
  } else if (type == "kubernetes.io/basic-auth") {
    const Json* data = find(object, "data");
    if (data == nullptr || (!data->contains("username") && !data->contains("password"))) {
      errors.required("data[username]");
      errors.required("data[password]");
    }
  } else if (type == "kubernetes.io/ssh-auth") {
    required_key(object, "ssh-privatekey", errors);
  } else if (type == "kubernetes.io/tls") {
    required_key(object, "tls.crt", errors);
    required_key(object, "tls.key", errors);
  }
}

void validate_secret_update(const Json& object, const Json& old, FieldErrors& errors) {
  const std::string type = string_at(object, "type");
  if (type != string_at(old, "type")) errors.invalid("type", type, "field is immutable");
  immutable_data(object, old, {"data"}, errors);
  validate_secret(object, errors);
}

}  // namespace fracta::devcluster
