// Plans from a few lines, and an origin source that answers from a table.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fracta/credentials/materialize.hpp"
#include "fracta/credentials/plan.hpp"

namespace fracta::credentials::testing {

inline config::AuthOrigin command_origin(const std::string& scope, const std::string& path = "") {
  config::AuthOrigin origin;
  origin.type = "command_output";
  origin.scope = scope;
  origin.command = {"fetch"};
  origin.path = path;
  return origin;
}

inline config::AuthOrigin secret_origin(const std::string& scope = "any") {
  config::AuthOrigin origin;
  origin.type = "secret_env";
  origin.scope = scope;
  origin.env_name = "API_KEY";
  origin.secret_ref = config::SecretKeyRef{"provider", "api-key", false};
  return origin;
}

inline config::AuthResolver resolver(std::vector<std::string> command = {"fetch-token"}, std::int64_t ttl_ms = 0) {
  config::AuthResolver resolver;
  resolver.type = "command";
  resolver.command = std::move(command);
  resolver.ttl_ms = ttl_ms;
  return resolver;
}

inline config::AuthBinding helper_binding() { return {"claude_api_key_helper", "helper", "", ""}; }
inline config::AuthBinding bearer(const std::string& origin, const std::string& resolver = "") {
  return {"bearer_env", resolver, origin, "BEARER"};
}
inline config::AuthBinding file(const std::string& origin) { return {"token_file", "", origin, ""}; }

inline config::AuthProfile profile_with(config::AuthBinding binding) {
  config::AuthProfile profile;
  profile.runtime_auth_resolvers["helper"] = resolver();
  profile.default_binding = std::move(binding);
  return profile;
}

inline Result<Plan> plan_of(const config::AuthProfile& profile, std::vector<config::EnvVar> host_env = {},
                            Topology topology = Topology::kHostEdge) {
  return build_plan({.runtime = "shell",
                     .adapter = "command",
                     .profile_name = "p",
                     .profile = &profile,
                     .runtime_binding = {},
                     .host_env = std::move(host_env),
                     .workspace_mount_path = "/workspace",
                     .topology = topology});
}

class FakeSource final : public OriginSource {
 public:
  std::map<std::string, Result<Token>> answers;
  std::vector<std::string> asked;
  void give(const std::string& origin, const std::string& value, std::optional<SystemTime> expires_at = {}) {
    Token token;
    token.value = value;
    token.expires_at = expires_at;
    answers.insert_or_assign(origin, token);
  }
  void fail(const std::string& origin, const std::string& why) {
    answers.insert_or_assign(origin, make_error(ErrorCode::kInvalid, why));
  }
  Result<Token> resolve(const OriginRequest& request, const std::stop_token&) override {
    asked.push_back(request.name);
    const auto found = answers.find(request.name);
    return found == answers.end() ? Result<Token>(make_error(ErrorCode::kInternal, "nobody expects this"))
                                  : found->second;
  }
};

}  // namespace fracta::credentials::testing
