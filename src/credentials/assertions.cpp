#include <algorithm>

#include "fracta/credentials/materialize.hpp"

namespace fracta::credentials {
namespace {

// Variables the agent gets although their values are known to the kubelet only.
bool comes_from_secret(const Plan& plan, const std::string& name) {
  return plan.host_secrets.contains(name) ||
         std::any_of(plan.origins.begin(), plan.origins.end(), [&](const PlannedOrigin& p) { return p.env == name; }) ||
         (plan.binding.type == "bearer_env" && !plan.binding.runtime_auth_resolver.empty() &&
          plan.binding.env_name == name);
}

bool is_set(const Plan& plan, const std::string& name) {
  const auto found = plan.env.find(name);
  return (found != plan.env.end() && !found->second.empty()) || comes_from_secret(plan, name);
}

bool is_available(const Plan& plan, const std::string& origin) {
  return std::any_of(plan.origins.begin(), plan.origins.end(),
                     [&](const PlannedOrigin& p) { return p.name == origin && p.phase != Phase::kUnavailable; });
}

}  // namespace

std::vector<AssertionOutcome> check_assertions(const Plan& plan) {
  std::vector<AssertionOutcome> all;
  for (const std::string& name : plan.assertions.require_env)
    all.push_back({"require_env " + name, is_set(plan, name), false, "is not set or empty"});
  for (const std::string& name : plan.assertions.forbid_env)
    all.push_back({"forbid_env " + name, !plan.env.contains(name) && !comes_from_secret(plan, name), false, "is set"});
  for (const std::string& name : plan.assertions.require_source)
    all.push_back({"require_source " + name, is_available(plan, name), false, "is unavailable"});
  for (const std::string& name : plan.assertions.warn_if_missing_env)
    all.push_back({"warn_if_missing_env " + name, is_set(plan, name), true, "is not set or empty"});
  return all;
}

}  // namespace fracta::credentials
