#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "agent/build/labels.hpp"
#include "agent/build/plan.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::agent {
namespace {

// core/v1 MaxSecretSize: the API server counts the values of a ConfigMap or Secret against it.
constexpr std::size_t kMaxBytes = 1u << 20;

template <class Data>
Result<void> check_size(const char* kind, const std::string& name, const Data& data) {
  std::size_t total = 0;
  std::pair<std::string, std::size_t> largest;
  for (const auto& [key, value] : data) {
    total += value.size();
    if (value.size() >= largest.second) largest = {key, value.size()};
  }
  if (total <= kMaxBytes) return {};
  return make_error(
      ErrorCode::kResourceExhausted,
      fmt::format("{} {} would hold {} bytes, Kubernetes allows {}: shorten \"{}\" ({} bytes) or put it on a volume",
                  kind, name, total, kMaxBytes, largest.first, largest.second));
}

Json metadata_of(const Plan& plan, const std::string& name) {
  return {{"name", name},
          {"namespace", plan.config.kubernetes.ns},
          {"labels", object_labels(plan)},
          {"annotations", {{annotations::kName, plan.spec.name}}}};
}

}  // namespace

Result<Json> make_config_map(const Plan& plan) {
  config::StringMap data;
  if (plan.config.snapshot && !plan.config.snapshot->empty()) data[kSnapshotKey] = dump_yaml(*plan.config.snapshot);
  for (const WorkspaceFile& file : plan.files) data[file.config_map_key] = file.content;
  if (!plan.stored_credentials.manifest.empty()) data[kCredentialManifestKey] = plan.stored_credentials.manifest;
  FRACTA_TRY(check_size("ConfigMap", config_map_name(plan.id), data));
  // Nobody changes it after the start, and immutable spares every kubelet a watch.
  return Json{{"apiVersion", "v1"},
              {"kind", "ConfigMap"},
              {"metadata", metadata_of(plan, config_map_name(plan.id))},
              {"immutable", true},
              {"data", data}};
}

Result<Json> make_secret(const Plan& plan) {
  if (plan.secret_data.empty()) return Json();
  FRACTA_TRY(check_size("Secret", auth_secret_name(plan.id), plan.secret_data));
  Json data = Json::object();
  for (const auto& [key, value] : plan.secret_data) data[key] = base64_encode(value);
  Json metadata = metadata_of(plan, auth_secret_name(plan.id));
  for (const auto& [key, value] : plan.secret_annotations) metadata["annotations"][key] = value;
  return Json{{"apiVersion", "v1"},
              {"kind", "Secret"},
              {"metadata", std::move(metadata)},
              {"type", "Opaque"},
              {"data", std::move(data)}};
}

}  // namespace fracta::agent
