#include <array>

#include "config/decode.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"
#include "fracta/config/credential_paths.hpp"

namespace fracta::config {
namespace {

std::optional<SecretKeyRef> decode_secret_ref(const View& view) {
  if (!view.is_map()) return std::nullopt;
  return SecretKeyRef{view["name"].text(), view["key"].text(), false};
}

void check_origin_type(const View& view, const std::string& owner, const AuthOrigin& origin) {
  const auto needs = [&](const char* what) { view.error_as(owner, origin.type + " requires " + what); };
  if (origin.type == "http_header_token") {
    if (!view["request"].is_map()) needs("request");
    if (!view["extract"].is_map()) needs("extract");
  } else if (origin.type == "command_output") {
    if (origin.command.empty()) needs("command");
  } else if (origin.type == "secret_env") {
    if (origin.env_name.empty()) needs("env_name");
    if (!origin.secret_ref) needs("secret_ref");
  } else if (origin.type.empty()) {
    view.error_as(owner, "type must not be empty");
  } else {
    view["type"].error_as(owner, "unknown source type " + in_quotes(origin.type) +
                                     "; valid: http_header_token, command_output, secret_env");
  }
}

void check_origin_scope(const View& view, const std::string& owner, const AuthOrigin& origin) {
  if (origin.scope.empty()) {
    view.error_as(owner, "scope must not be empty");
  } else if (origin.scope != "agent_runtime" && origin.scope != "host_edge" && origin.scope != "any") {
    view["scope"].error_as(owner,
                           "unknown scope " + in_quotes(origin.scope) + "; valid: agent_runtime, host_edge, any");
  }
}

void check_variable(const View& view, const std::string& name) {
  if (name.empty()) return;
  for (const std::string& reason : env_name_errors(name))
    view.error("Invalid value: " + in_quotes(name) + ": " + reason);
}

// What the API server would refuse at every spawn.
void check_origin_values(const View& view, const AuthOrigin& origin, const std::string& workspace) {
  check_variable(view["env_name"], origin.env_name);
  for (const std::string& name : origin.pass_env) check_variable(view["pass_env"], name);
  if (origin.ttl_ms < 0) view["ttl_ms"].error("must not be negative");
  if (origin.timeout_ms < 0) view["timeout_ms"].error("must not be negative");
  if (!origin.delivery.empty() && origin.delivery != "file_mount" && origin.delivery != "env" &&
      origin.delivery != "staged_secret")
    view["delivery"].warning("unknown delivery " + in_quotes(origin.delivery) +
                             "; valid: file_mount, env, staged_secret");
  if (origin.type == "http_header_token" && view["request"].is_map() && view["extract"].is_map()) {
    if (!origin.request_url.starts_with("http://") && !origin.request_url.starts_with("https://"))
      view["request"]["url"].error("must begin with http:// or https://");
    if (origin.extract_header.empty()) view["extract"]["header"].error("names no header of the answer");
  }
  if (origin.secret_ref) {
    const View ref = view["secret_ref"];
    for (const std::string& reason : dns1123_subdomain_errors(origin.secret_ref->name))
      ref["name"].error("Invalid value: " + in_quotes(origin.secret_ref->name) + ": " + reason);
    for (const std::string& reason : config_map_key_errors(origin.secret_ref->key))
      ref["key"].error("Invalid value: " + in_quotes(origin.secret_ref->key) + ": " + reason);
  }
  if (origin.path.empty()) return;
  if (const std::string problem = credential_path_problem(origin.path, workspace); !problem.empty())
    view["path"].error(in_quotes(origin.path) + ": " + problem);
}

AuthOrigin decode_origin(const View& view) {
  AuthOrigin origin;
  origin.type = view["type"].text();
  origin.scope = view["scope"].text();
  origin.command = view["command"].string_list();
  origin.delivery = view["delivery"].text();
  origin.path = view["path"].text();
  origin.required = view["required"].boolean(true);
  origin.request_method = view["request"]["method"].text();
  origin.request_url = view["request"]["url"].text();
  origin.request_headers = view["request"]["headers"].string_map();
  origin.extract_header = view["extract"]["header"].text();
  origin.env_name = view["env_name"].text();
  origin.secret_ref = decode_secret_ref(view["secret_ref"]);
  origin.ttl_ms = view["ttl_ms"].integer();
  origin.timeout_ms = view["timeout_ms"].integer();
  origin.pass_env = view["pass_env"].string_list();
  return origin;
}

AuthResolver decode_resolver(const View& view) {
  AuthResolver resolver;
  resolver.type = view["type"].text("command");
  resolver.command = view["command"].string_list();
  resolver.ttl_ms = view["ttl_ms"].integer();
  resolver.order = view["order"].string_list();
  return resolver;
}

void check_resolver(const View& view, const std::string& owner, const AuthResolver& resolver,
                    const AuthProfile& profile) {
  if (resolver.command.empty() || resolver.command[0].empty()) view.error_as(owner, "command must not be empty");
  if (resolver.type != "command") {
    view["type"].warning("unknown resolver type " + in_quotes(resolver.type) + "; it is treated as \"command\"");
  }
  for (const std::string& name : resolver.order) {
    if (profile.auth_origins.count(name) != 0) continue;
    view["order"].error_as(owner, "order references auth_origin " + in_quotes(name) + " which is not defined");
  }
  if (!resolver.order.empty()) view["order"].warning("deprecated; name the origin in the binding instead");
}

AuthAssertions decode_assertions(const View& view) {
  return {view["require_env"].string_list(), view["forbid_env"].string_list(), view["require_source"].string_list(),
          view["warn_if_missing_env"].string_list()};
}

AuthProfile decode_profile(const View& view, const std::string& owner, const std::string& workspace) {
  AuthProfile profile;
  profile.env = view["env"].string_map();
  for (const auto& [name, value] : profile.env) check_variable(view["env"][name], name);
  profile.assertions = decode_assertions(view["assertions"]);
  for (const auto& [name, item] : view["auth_origins"].entries()) {
    if (!item.is_map()) continue;
    AuthOrigin origin = decode_origin(item);
    const std::string place = owner + ".auth_origins." + name;
    check_origin_type(item, place, origin);
    check_origin_scope(item, place, origin);
    check_origin_values(item, origin, workspace);
    profile.auth_origins.emplace(name, std::move(origin));
  }
  for (const auto& [name, item] : view["runtime_auth_resolvers"].entries()) {
    if (!item.is_map()) continue;
    AuthResolver resolver = decode_resolver(item);
    check_resolver(item, owner + ".runtime_auth_resolvers." + name, resolver, profile);
    profile.runtime_auth_resolvers.emplace(name, std::move(resolver));
  }
  profile.default_binding = decode_binding(view["default_binding"]);
  if (profile.default_binding) check_binding(view["default_binding"], owner, *profile.default_binding, profile);
  for (const std::string& name : profile.assertions.require_source) {
    if (profile.auth_origins.count(name) != 0) continue;
    view["assertions"]["require_source"].error_as(
        owner + ".assertions", "require_source references auth_origin " + in_quotes(name) + " which is not defined");
  }
  return profile;
}

}  // namespace

std::optional<AuthBinding> decode_binding(const View& view) {
  if (!view.is_map()) return std::nullopt;
  return AuthBinding{view["type"].text(), view["runtime_auth_resolver"].text(), view["auth_origin"].text(),
                     view["env_name"].text()};
}

void check_binding(const View& view, const std::string& owner, const AuthBinding& binding, const AuthProfile& profile) {
  const auto fail = [&](const std::string& message) { view.error_as(owner, message); };
  const bool bearer = binding.type == "bearer_env";
  if (binding.type.empty()) return fail("binding type must not be empty");
  if (binding.type != "claude_api_key_helper" && !bearer && binding.type != "token_file") {
    return fail("unknown binding type " + in_quotes(binding.type));
  }
  if (binding.type == "claude_api_key_helper" && binding.runtime_auth_resolver.empty()) {
    fail("claude_api_key_helper binding requires runtime_auth_resolver");
  }
  if (bearer && !binding.auth_origin.empty() && !binding.runtime_auth_resolver.empty()) {
    fail("bearer_env binding must have exactly one of auth_origin or runtime_auth_resolver");
  }
  if (bearer && binding.env_name.empty()) fail("bearer_env binding requires env_name");
  if (bearer) check_variable(view["env_name"], binding.env_name);
  if (binding.type == "token_file" && binding.auth_origin.empty()) fail("token_file binding requires auth_origin");
  if (!binding.runtime_auth_resolver.empty() &&
      profile.runtime_auth_resolvers.count(binding.runtime_auth_resolver) == 0) {
    fail("binding references runtime_auth_resolver " + in_quotes(binding.runtime_auth_resolver) +
         " which is not defined");
  }
  if (!binding.auth_origin.empty() && profile.auth_origins.count(binding.auth_origin) == 0) {
    fail("binding references auth_origin " + in_quotes(binding.auth_origin) + " which is not defined");
  }
}

void decode_auth(const View& root, Config& config) {
  for (const auto& [name, item] : root["auth"]["credentials"]["profiles"].entries()) {
    config.auth_profiles.emplace(
        name, decode_profile(item, "auth.credentials.profiles." + name, config.kubernetes.pvc_mount_path));
  }
}

}  // namespace fracta::config
