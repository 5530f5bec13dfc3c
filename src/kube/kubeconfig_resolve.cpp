// Context -> cluster, user, namespace.
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/text.hpp"
#include "kube/kubeconfig.hpp"
#include "kube/kubeconfig_fields.hpp"
#include "kube/kubeconfig_user.hpp"

namespace fracta::kube {
namespace {

using Entries = std::map<std::string, KubeconfigEntry, std::less<>>;

std::string in_quotes(std::string_view text) { return "\"" + shorten(text, 64) + "\""; }

std::string names_of(const Entries& entries) {
  constexpr std::size_t kShown = 10;
  if (entries.empty()) return " (there is none)";
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries) {
    if (names.size() == kShown) {
      names.emplace_back("...");
      break;
    }
    names.push_back(shorten(name, 64));
  }
  return " (there is: " + join(names, ", ") + ")";
}

Result<Fields> chosen_context(const Kubeconfig& merged, const std::string& wanted) {
  const std::string& name = wanted.empty() ? merged.current_context : wanted;
  const std::string files = "kubeconfig " + join(merged.files, ":");
  if (name.empty())
    return make_error(ErrorCode::kInvalid,
                      files + ": current-context: is missing; name a context" + names_of(merged.contexts));
  const auto found = merged.contexts.find(name);
  if (found == merged.contexts.end()) {
    const std::string place =
        wanted.empty() ? "kubeconfig " + merged.current_context_file + ": current-context: " : files + ": ";
    return make_error(ErrorCode::kInvalid, place + "no context " + in_quotes(name) + names_of(merged.contexts));
  }
  return Fields(found->second.file, "contexts[" + in_quotes(name) + "].context", found->second.value);
}

// The cluster or user a context names. An empty user is nobody: anonymous.
Result<Fields> referenced(const Fields& context, std::string_view key, std::string_view list, const Entries& entries) {
  auto name = context.text(key);
  if (!name) return name.error();
  if (name->empty()) return context.error(key, "is missing");
  const auto found = entries.find(*name);
  if (found == entries.end())
    return context.error(key, "no " + std::string(key) + " " + in_quotes(*name) + names_of(entries));
  return Fields(found->second.file, std::string(list) + "[" + in_quotes(*name) + "]." + std::string(key),
                found->second.value);
}

Result<void> apply_cluster(const Fields& cluster, const FileReader& read, ClientConfig& out) {
  auto server = cluster.text("server");
  if (!server) return server.error();
  if (server->empty()) return cluster.error("server", "is missing");
  auto url = net::parse_url(*server);
  if (!url) return cluster.error("server", url.error().message);
  if (!url->query.empty()) return cluster.error("server", "may not hold a query");
  out.server = std::move(*url);
  auto proxy = cluster.text("proxy-url");
  if (!proxy) return proxy.error();
  if (!proxy->empty()) {
    return cluster.error("proxy-url",
                         "proxies are not supported; name an address that is reachable without one in `server`");
  }
  auto name = cluster.text("tls-server-name");
  if (!name) return name.error();
  out.tls.server_name = std::move(*name);
  auto insecure = cluster.flag("insecure-skip-tls-verify");
  if (!insecure) return insecure.error();
  out.tls.insecure_skip_verify = *insecure;
  auto ca = data_or_file(cluster, "certificate-authority", read);
  if (!ca) return ca.error();
  if (*insecure && !ca->empty()) {
    return cluster.error("insecure-skip-tls-verify", "and a certificate authority are both there; keep one");
  }
  out.tls.ca_pem = std::move(*ca);
  return {};
}

}  // namespace

Result<ClientConfig> resolve_kubeconfig(const Kubeconfig& merged, const std::string& wanted, const FileReader& read,
                                        const Clock& clock) {
  auto context = chosen_context(merged, wanted);
  if (!context) return context.error();
  auto cluster = referenced(*context, "cluster", "clusters", merged.clusters);
  if (!cluster) return cluster.error();
  ClientConfig out;
  FRACTA_TRY(apply_cluster(*cluster, read, out));
  auto user_name = context->text("user");
  if (!user_name) return user_name.error();
  if (!user_name->empty()) {
    auto user = referenced(*context, "user", "users", merged.users);
    if (!user) return user.error();
    FRACTA_TRY(apply_user(*user, *cluster, read, clock, out));
  }
  auto ns = context->text("namespace");
  if (!ns) return ns.error();
  if (!ns->empty() && !is_dns1123_label(*ns))
    return context->error("namespace", in_quotes(*ns) + " is no name of a namespace (RFC 1123 label)");
  if (!ns->empty()) out.default_namespace = std::move(*ns);
  const std::string& name = wanted.empty() ? merged.current_context : wanted;
  out.description = "kubeconfig " + context->file() + ", context " + shorten(name, 128);
  return out;
}

}  // namespace fracta::kube
