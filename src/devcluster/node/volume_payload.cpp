#include "devcluster/node/volume_payload.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

constexpr mode_t kDefaultMode = 0644;

mode_t mode_at(const Json& object, std::string_view key, mode_t fallback) {
  const auto value = int_at(object, key);
  return value ? static_cast<mode_t>(*value) & 0777U : fallback;
}

Json list_at(const Json& object, std::string_view key) {
  const Json* found = find(object, key);
  return found != nullptr && found->is_array() ? *found : Json::array();
}

class Collector {
 public:
  explicit Collector(const PayloadRequest& request)
      : request_(request), namespace_(string_at(*request.pod, "metadata/namespace")) {}

  Result<void> config_map(const Json& source, mode_t mode) {
    return keyed(source, string_at(source, "name"), false, mode);
  }
  Result<void> secret(const Json& source, std::string_view name_key, mode_t mode) {
    return keyed(source, string_at(source, name_key), true, mode);
  }

  Result<void> downward(const Json& source, mode_t mode) {
    for (const auto& item : list_at(source, "items")) {
      Result<std::string> value = std::string();
      if (const Json* field = find(item, "fieldRef"))
        value = field_value(*request_.pod, string_at(*field, "fieldPath"), *request_.node, request_.pod_ip);
      else if (const Json* resource = find(item, "resourceFieldRef"))
        value = resource_value(*request_.pod, *resource, "", *request_.node);
      if (!value) return value.error();
      payload[string_at(item, "path")] = {std::move(*value), mode_at(item, "mode", mode), {}};
    }
    return {};
  }

  Result<void> token(const Json& source) {
    const std::string account = string_at(*request_.pod, "spec/serviceAccountName", "default");
    const std::string path = string_at(source, "path", "token"), audience = string_at(source, "audience");
    const std::int64_t lifetime = int_at(source, "expirationSeconds").value_or(3600);
    auto& cached = (*request_.tokens)[audience + " " + std::to_string(lifetime)];
    if (cached.text.empty() || request_.now >= cached.renew_at) {
      Json spec{{"expirationSeconds", lifetime},
                {"audiences", audience.empty() ? Json::array() : Json::array({audience})},
                {"boundObjectRef",
                 {{"apiVersion", "v1"},
                  {"kind", "Pod"},
                  {"name", string_at(*request_.pod, "metadata/name")},
                  {"uid", string_at(*request_.pod, "metadata/uid")}}}};
      auto made = request_.api->create_token(
          namespace_, account, {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", spec}});
      if (!made) return made.error().with_context("failed to fetch token");
      cached = {string_at(**made, "status/token"), request_.now + std::chrono::seconds{lifetime * 8 / 10}};
    }
    const auto user = int_at(*request_.pod, "spec/securityContext/runAsUser");
    // 0600 for the one user all containers run as, else readable by all (pkg/volume/projected).
    payload[path] = {cached.text, user ? mode_t{0600} : mode_t{0644},
                     user ? std::optional<uid_t>(static_cast<uid_t>(*user)) : std::nullopt};
    return {};
  }

  Payload payload;

 private:
  Result<void> keyed(const Json& source, const std::string& name, bool secret, mode_t mode) {
    const bool optional = bool_at(source, "optional");
    auto got = request_.api->get(secret ? "secrets" : "configmaps", namespace_, name);
    if (!got) {
      if (got.error().code != ErrorCode::kNotFound) return got.error();
      if (optional) return {};
      return make_error(ErrorCode::kNotFound,
                        fmt::format("{} \"{}\" not found", secret ? "secret" : "configmap", name));
    }
    std::map<std::string, std::string> data;
    for (const char* key : {"data", "binaryData"}) {
      const Json* values = find(**got, key);
      if (values == nullptr || !values->is_object()) continue;
      const bool encoded = secret || std::string_view(key) == "binaryData";
      for (const auto& [k, v] : values->items())
        if (v.is_string()) data[k] = encoded ? base64_decode(v.get<std::string>()).value_or("") : v.get<std::string>();
    }
    const Json items = list_at(source, "items");
    if (items.empty())
      for (auto& [key, content] : data) payload[key] = {std::move(content), mode, {}};
    for (const auto& item : items) {
      const std::string key = string_at(item, "key");
      const auto found = data.find(key);
      if (found != data.end()) {
        payload[string_at(item, "path")] = {found->second, mode_at(item, "mode", mode), {}};
      } else if (!optional) {
        return make_error(ErrorCode::kNotFound,
                          secret ? fmt::format("references non-existent secret key: {}", key)
                                 : fmt::format("configmap references non-existent config key: {}", key));
      }
    }
    return {};
  }

  const PayloadRequest& request_;
  std::string namespace_;
};

Result<void> projected(Collector& collector, const Json& source) {
  const mode_t mode = mode_at(source, "defaultMode", kDefaultMode);
  for (const auto& part : list_at(source, "sources")) {
    if (const Json* s = find(part, "configMap")) FRACTA_TRY(collector.config_map(*s, mode));
    if (const Json* s = find(part, "secret")) FRACTA_TRY(collector.secret(*s, "name", mode));
    if (const Json* s = find(part, "downwardAPI")) FRACTA_TRY(collector.downward(*s, mode));
    if (const Json* s = find(part, "serviceAccountToken")) FRACTA_TRY(collector.token(*s));
  }
  return {};
}

}  // namespace

bool has_payload(const Json& volume) {
  for (const char* kind : {"configMap", "secret", "downwardAPI", "projected"})
    if (volume.contains(kind)) return true;
  return false;
}

Result<Payload> make_payload(const PayloadRequest& request, const Json& volume) {
  Collector collector(request);
  if (const Json* s = find(volume, "configMap"))
    FRACTA_TRY(collector.config_map(*s, mode_at(*s, "defaultMode", kDefaultMode)));
  if (const Json* s = find(volume, "secret"))
    FRACTA_TRY(collector.secret(*s, "secretName", mode_at(*s, "defaultMode", kDefaultMode)));
  if (const Json* s = find(volume, "downwardAPI"))
    FRACTA_TRY(collector.downward(*s, mode_at(*s, "defaultMode", kDefaultMode)));
  if (const Json* s = find(volume, "projected")) FRACTA_TRY(projected(collector, *s));
  return std::move(collector.payload);
}

}  // namespace fracta::devcluster
