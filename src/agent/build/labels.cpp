#include "agent/build/labels.hpp"

#include "fracta/base/text.hpp"

namespace fracta::agent {
namespace {

constexpr std::string_view kOurPrefix = "fracta.io/";
constexpr std::string_view kRecommendedPrefix = "app.kubernetes.io/";

// apimachinery's IsQualifiedName without the prefix and IsValidLabelValue differ in the empty text only.
bool is_label_word(std::string_view text) {
  const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 63 || !alnum(text.front()) || !alnum(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_label_key(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return is_label_word(key);
  return is_dns1123_subdomain(key.substr(0, slash)) && is_label_word(key.substr(slash + 1));
}

bool is_reserved(std::string_view key) {
  return key == labels::kApp || key == labels::kAgentId || key == labels::kStreamPod || key.starts_with(kOurPrefix) ||
         key.starts_with(kRecommendedPrefix);
}

}  // namespace

Result<void> check_user_labels(const config::StringMap& user) {
  for (const auto& [key, value] : user) {
    if (is_reserved(key)) return make_error(ErrorCode::kInvalid, "label \"" + key + "\" is set by Fracta itself");
    if (!is_label_key(key)) {
      return make_error(ErrorCode::kInvalid, "label \"" + shorten(key, 80) + "\" is not a valid Kubernetes label key");
    }
    if (!value.empty() && !is_label_word(value)) {
      return make_error(ErrorCode::kInvalid,
                        "label \"" + key + "\": \"" + shorten(value, 80) + "\" is not a valid Kubernetes label value");
    }
  }
  return {};
}

config::StringMap object_labels(const Plan& plan) {
  config::StringMap merged = {{"app.kubernetes.io/name", "fracta-agent"}, {"app.kubernetes.io/component", "agent"}};
  for (const auto& [key, value] : plan.config.kubernetes.labels) merged[key] = value;
  for (const auto& [key, value] : plan.spec.labels) merged[key] = value;
  merged[labels::kApp] = labels::kAppValue;
  merged[labels::kAgentId] = plan.id;
  merged[labels::kManagedBy] = "fracta";
  merged["app.kubernetes.io/instance"] = plan.id;
  merged.erase(labels::kStreamPod);
  if (plan.stream) merged[labels::kStreamPod] = "true";
  return merged;
}

config::StringMap pod_annotations(const Plan& plan) {
  config::StringMap merged;
  for (const auto& [key, value] : plan.config.kubernetes.annotations) {
    // fracta.io/stop-requested-at from a config would stop every agent at birth.
    if (!key.starts_with(kOurPrefix)) merged[key] = value;
  }
  merged[annotations::kName] = plan.spec.name;
  merged[annotations::kRuntime] = plan.spec.runtime;
  merged[annotations::kMode] = std::string(to_string(plan.spec.mode));
  if (!plan.spec.model.empty()) merged[annotations::kModel] = plan.spec.model;
  if (!plan.stored_credentials.bound.empty()) merged[annotations::kCredentials] = plan.stored_credentials.bound;
  return merged;
}

config::StringMap owner_annotations(const Plan& plan) {
  config::StringMap merged = pod_annotations(plan);
  if (!plan.config.hash.empty()) merged[annotations::kConfigHash] = plan.config.hash;
  if (!plan.spawned_at.empty()) merged[annotations::kSpawnedAt] = plan.spawned_at;
  if (plan.deadline) merged[annotations::kDeadline] = *plan.deadline;
  if (!plan.spec.requested_by.empty()) merged[annotations::kRequestedBy] = plan.spec.requested_by;
  return merged;
}

}  // namespace fracta::agent
