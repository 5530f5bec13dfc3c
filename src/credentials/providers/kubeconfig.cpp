// A whole kubeconfig: the agent gets it as a private file, KUBECONFIG points there, and the MCP server reads it.
#include <nlohmann/json.hpp>

#include "credentials/providers/common.hpp"
#include "credentials/providers/kubeconfig_text.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::credentials {
namespace {

std::string names_of(const NamedEntries& entries) {
  constexpr std::size_t kShown = 8;
  if (entries.empty()) return "there is none";
  std::vector<std::string> names;
  for (const auto& [name, value] : entries) {
    names.push_back(names.size() == kShown ? "..." : shorten(name, 64));
    if (names.size() > kShown) break;
  }
  return "there is: " + join(names, ", ");
}

struct Lists {
  NamedEntries contexts, clusters, users;
};

Result<Lists> lists_of(const Json& kubeconfig) {
  auto contexts = named_entries(kubeconfig, "contexts", "context");
  if (!contexts) return contexts.error();
  auto clusters = named_entries(kubeconfig, "clusters", "cluster");
  if (!clusters) return clusters.error();
  auto users = named_entries(kubeconfig, "users", "user");
  if (!users) return users.error();
  return Lists{*std::move(contexts), *std::move(clusters), *std::move(users)};
}

// What is wrong with a context; empty when it resolves.
std::string flaw_of(const Json& context, const Lists& lists) {
  const std::string cluster = string_at(context, "cluster");
  const std::string user = string_at(context, "user");
  if (cluster.empty()) return "names no cluster";
  if (lists.clusters.count(cluster) == 0)
    return "names cluster \"" + shorten(cluster, 64) + "\", but " + names_of(lists.clusters);
  if (user.empty()) return "names no user";
  if (lists.users.count(user) == 0) return "names user \"" + shorten(user, 64) + "\", but " + names_of(lists.users);
  return "";
}

Result<std::string> current_context(const Json& kubeconfig, const Lists& lists) {
  const Json* value = find(kubeconfig, "current-context");
  if (value != nullptr && !value->is_null() && !value->is_string())
    return invalid_field("token", "current-context must be a string");
  const std::string name = string_at(kubeconfig, "current-context");
  if (name.empty())
    return invalid_field(
        "token", "the kubeconfig has no current-context (" + names_of(lists.contexts) + "); choose one with --context");
  const auto found = lists.contexts.find(name);
  if (found == lists.contexts.end())
    return invalid_field("token", "current-context is \"" + shorten(name, 64) + "\", but " + names_of(lists.contexts));
  if (const std::string flaw = flaw_of(*found->second, lists); !flaw.empty())
    return invalid_field("token", "context \"" + shorten(name, 64) + "\" " + flaw);
  return name;
}

bool can_identify(const Json& user) {
  for (const char* key : {"token", "client-certificate-data", "password"})
    if (!string_at(user, key).empty()) return true;
  return false;
}

// Every entry is checked, not only those of the current context: the agent can switch contexts.
Result<Inspection> check_entries(const Lists& lists, const std::string& current, const ValidationOptions& options) {
  Inspection out;
  const Json& context = *lists.contexts.at(current);
  const std::string current_user = string_at(context, "user");
  for (const auto& [name, cluster] : lists.clusters) {
    EntryCheck check{options, out.warnings, {}};
    FRACTA_TRY(check_cluster(name, *cluster, check));
  }
  for (const auto& [name, user] : lists.users) {
    EntryCheck check{options, out.warnings, {}};
    FRACTA_TRY(check_user(name, *user, check));
    if (name == current_user && check.expires_at) out.expires_at = format_rfc3339(*check.expires_at);
  }
  if (!can_identify(*lists.users.at(current_user)))
    return invalid_field("token", place_of("users", current_user, "user", "") +
                                      " has neither token nor client-certificate-data nor password; make one text of "
                                      "it: " +
                                      std::string(kFlattenHint));
  for (const auto& [name, other] : lists.contexts)
    if (const std::string flaw = flaw_of(*other, lists); !flaw.empty())
      out.warnings.push_back("context \"" + shorten(name, 64) + "\" " + flaw);
  return out;
}

Result<Inspection> inspect_kubeconfig(const StoredCredential& credential, const ValidationOptions& options) {
  const auto parsed = parse_kubeconfig(credential.token);
  if (!parsed) return parsed.error();
  const auto lists = lists_of(**parsed);
  if (!lists) return lists.error();
  const auto current = current_context(**parsed, *lists);
  if (!current) return current.error();
  return check_entries(*lists, *current, options);
}

Result<Delivery> deliver_kubeconfig(const StoredCredential& credential, const DeliveryPaths& paths) {
  Delivery out;
  out.files.push_back({paths.kubeconfig, credential.token});
  out.env["KUBECONFIG"] = paths.kubeconfig;
  out.secrets = secrets_in(credential);
  return out;
}

std::optional<McpServer> kubeconfig_mcp_server(const DeliveryPaths& paths) {
  return McpServer{
      "openshift", "kubernetes-mcp-server", {"--kubeconfig", paths.kubeconfig, "--disable-multi-cluster"}, {}, {}};
}

}  // namespace

const Provider& kubeconfig_provider() {
  static const Provider provider{"kubeconfig",
                                 "whole kubeconfig of a Kubernetes or OpenShift cluster, with everything inlined",
                                 {"token"},
                                 {"KUBECONFIG"},
                                 inspect_kubeconfig,
                                 deliver_kubeconfig,
                                 kubeconfig_mcp_server};
  return provider;
}

}  // namespace fracta::credentials
