#include "devcluster/node/environment.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

bool is_variable_name(std::string_view name) {  // C_IDENTIFIER and '-' '.', as IsEnvVarName
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
             std::string_view::npos &&
         name != "." && name != ".." && name.substr(0, 2) != "..";
}

// Of one Environment; remembers objects so that one container reads each ConfigMap and Secret once.
class Maker {
 public:
  Maker(const Api& api, const EnvironmentRequest& request)
      : api_(api), request_(request), namespace_(string_at(*request.pod, "metadata/namespace")) {}

  Result<Environment> make() {
    service_variables();
    for (const auto& source : list("envFrom")) FRACTA_TRY(add_source(source));
    for (const auto& variable : list("env")) FRACTA_TRY(add_variable(variable));
    return std::move(result_);
  }

 private:
  [[nodiscard]] Json list(std::string_view key) const {
    const Json* found = find(*request_.container, key);
    return found != nullptr && found->is_array() ? *found : Json::array();
  }

  // The `kubernetes` Service of the default namespace, which every pod gets (envvars.FromServices).
  void service_variables() {
    if (request_.api_host.empty()) return;
    auto& v = result_.variables;
    const std::string port = std::to_string(request_.api_port),
                      url = fmt::format("tcp://{}:{}", request_.api_host, port);
    v["KUBERNETES_SERVICE_HOST"] = request_.api_host;
    v["KUBERNETES_SERVICE_PORT"] = port;
    v["KUBERNETES_SERVICE_PORT_HTTPS"] = port;
    v["KUBERNETES_PORT"] = url;
    v[fmt::format("KUBERNETES_PORT_{}_TCP", port)] = url;
    v[fmt::format("KUBERNETES_PORT_{}_TCP_PROTO", port)] = "tcp";
    v[fmt::format("KUBERNETES_PORT_{}_TCP_PORT", port)] = port;
    v[fmt::format("KUBERNETES_PORT_{}_TCP_ADDR", port)] = request_.api_host;
  }

  Result<Object> object(const std::string& resource, const std::string& name) {
    auto& slot = seen_[resource + "/" + name];
    if (slot) return slot;
    auto got = api_.get(resource, namespace_, name);
    if (got) slot = *got;
    return got;
  }

  Result<void> add_source(const Json& source) {
    const bool secret = source.contains("secretRef");
    const Json* reference = find(source, secret ? "secretRef" : "configMapRef");
    if (reference == nullptr) return {};
    auto got = object(secret ? "secrets" : "configmaps", string_at(*reference, "name"));
    if (!got) {
      if (got.error().code == ErrorCode::kNotFound && bool_at(*reference, "optional")) return {};
      return missing(secret ? "secret" : "configmap", string_at(*reference, "name"), got.error());
    }
    const Json* data = find(**got, "data");
    if (data == nullptr || !data->is_object()) return {};
    for (const auto& [key, value] : data->items()) {
      const std::string name = string_at(source, "prefix") + key;
      if (!is_variable_name(name))
        result_.skipped.push_back(key);
      else if (value.is_string())
        result_.variables[name] =
            secret ? base64_decode(value.get<std::string>()).value_or("") : value.get<std::string>();
    }
    return {};
  }

  static Error missing(std::string_view kind, std::string_view name, const Error& error) {
    if (error.code != ErrorCode::kNotFound) return error;
    return make_error(ErrorCode::kNotFound, fmt::format("{} \"{}\" not found", kind, name));
  }

  Result<void> add_variable(const Json& variable) {
    const std::string name = string_at(variable, "name");
    const Json* from = find(variable, "valueFrom");
    if (from == nullptr || from->is_null()) {
      result_.variables[name] = expand(string_at(variable, "value"), result_.variables);
      return {};
    }
    if (const Json* field = find(*from, "fieldRef"))
      return set(name, field_value(*request_.pod, string_at(*field, "fieldPath"), *request_.node, request_.pod_ip));
    if (const Json* resource = find(*from, "resourceFieldRef"))
      return set(name,
                 resource_value(*request_.pod, *resource, string_at(*request_.container, "name"), *request_.node));
    if (const Json* key = find(*from, "secretKeyRef")) return add_key(name, *key, true);
    if (const Json* key = find(*from, "configMapKeyRef")) return add_key(name, *key, false);
    return {};
  }

  Result<void> set(const std::string& name, Result<std::string> value) {
    if (!value) return value.error();
    result_.variables[name] = std::move(*value);
    return {};
  }

  Result<void> add_key(const std::string& name, const Json& reference, bool secret) {
    const std::string from = string_at(reference, "name"), key = string_at(reference, "key");
    const bool optional = bool_at(reference, "optional");
    auto got = object(secret ? "secrets" : "configmaps", from);
    if (!got) {
      if (got.error().code == ErrorCode::kNotFound && optional) return {};
      return missing(secret ? "secret" : "configmap", from, got.error());
    }
    const Json* data = find(**got, "data");
    const Json* value = data != nullptr ? find(*data, key) : nullptr;
    if (value == nullptr || !value->is_string()) {
      if (optional) return {};
      return make_error(ErrorCode::kNotFound, fmt::format("couldn't find key {} in {} {}/{}", key,
                                                          secret ? "Secret" : "ConfigMap", namespace_, from));
    }
    result_.variables[name] =
        secret ? base64_decode(value->get<std::string>()).value_or("") : value->get<std::string>();
    return {};
  }

  const Api& api_;
  const EnvironmentRequest& request_;
  std::string namespace_;
  Environment result_;
  std::map<std::string, Object> seen_;
};

}  // namespace

Result<Environment> make_environment(const Api& api, const EnvironmentRequest& request) {
  return Maker(api, request).make();
}

std::string expand(std::string_view text, const Variables& variables) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 >= text.size()) {
      result += text[i];
    } else if (text[i + 1] == '$') {
      result += '$', ++i;
    } else if (const auto end = text.find(')', i); text[i + 1] == '(' && end != std::string_view::npos) {
      const std::string name(text.substr(i + 2, end - i - 2));
      const auto found = variables.find(name);
      result += found != variables.end() ? found->second : fmt::format("$({})", name);
      i = end;
    } else {
      result += '$';
    }
  }
  return result;
}

}  // namespace fracta::devcluster
