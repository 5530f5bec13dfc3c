// The roles and bindings a fresh cluster has, as far as people use them with the kinds served here.
#include "devcluster/auth/authorizer.hpp"
#include "devcluster/server/in_process_api.hpp"

namespace fracta::devcluster {

namespace {

Json rule(std::vector<std::string> groups, std::vector<std::string> resources, std::vector<std::string> verbs) {
  return {{"apiGroups", std::move(groups)}, {"resources", std::move(resources)}, {"verbs", std::move(verbs)}};
}

Json path_rule(std::vector<std::string> paths) { return {{"nonResourceURLs", std::move(paths)}, {"verbs", {"get"}}}; }

const std::vector<std::string> kRead = {"get", "list", "watch"};
const std::vector<std::string> kWrite = {"create", "delete", "deletecollection", "patch", "update"};
const std::vector<std::string> kCoreRead = {
    "configmaps", "persistentvolumeclaims", "pods",        "pods/log",  "pods/status", "serviceaccounts", "services",
    "events",     "resourcequotas",         "limitranges", "namespaces"};
const std::vector<std::string> kCoreWrite = {
    "configmaps", "persistentvolumeclaims", "pods",     "pods/eviction", "pods/exec",
    "secrets",    "serviceaccounts",        "services", "events"};
const std::vector<std::string> kAppsResources = {"deployments", "deployments/scale", "replicasets",
                                                 "replicasets/scale"};

Json view_rules() {
  return Json::array({rule({""}, kCoreRead, kRead), rule({"apps"}, kAppsResources, kRead),
                      rule({"batch"}, {"jobs", "jobs/status"}, kRead),
                      rule({"networking.k8s.io"}, {"networkpolicies"}, kRead)});
}

Json edit_rules() {
  Json rules = view_rules();
  rules.push_back(rule({""}, {"secrets", "pods/exec"}, kRead));
  rules.push_back(rule({""}, kCoreWrite, kWrite));
  rules.push_back(rule({""}, {"serviceaccounts/token"}, {"create"}));
  rules.push_back(rule({"apps"}, kAppsResources, kWrite));
  rules.push_back(rule({"batch"}, {"jobs"}, kWrite));
  rules.push_back(rule({"networking.k8s.io"}, {"networkpolicies"}, kWrite));
  std::vector<std::string> all = kRead;
  all.insert(all.end(), kWrite.begin(), kWrite.end());
  rules.push_back(rule({"coordination.k8s.io"}, {"leases"}, all));
  return rules;
}

Json admin_rules() {
  Json rules = edit_rules();
  std::vector<std::string> all = kRead;
  all.insert(all.end(), kWrite.begin(), kWrite.end());
  rules.push_back(rule({"rbac.authorization.k8s.io"}, {"roles", "rolebindings"}, all));
  rules.push_back(rule({"authorization.k8s.io"}, {"localsubjectaccessreviews"}, {"create"}));
  return rules;
}

void add_role(Registry& registry, const std::string& name, Json rules) {
  const Kind& kind = kind_of("clusterroles.rbac.authorization.k8s.io");
  auto role =
      adopt(kind, {{"metadata", {{"name", name}, {"labels", {{"kubernetes.io/bootstrapping", "rbac-defaults"}}}}},
                   {"rules", std::move(rules)}});
  if (role.ok()) static_cast<void>(registry.create(kind, "", std::move(*role), {}));
}

void add_binding(Registry& registry, const std::string& name, const std::vector<std::string>& groups) {
  const Kind& kind = kind_of("clusterrolebindings.rbac.authorization.k8s.io");
  Json subjects = Json::array();
  for (const std::string& group : groups)
    subjects.push_back({{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Group"}, {"name", group}});
  auto binding =
      adopt(kind, {{"metadata", {{"name", name}, {"labels", {{"kubernetes.io/bootstrapping", "rbac-defaults"}}}}},
                   {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", name}}},
                   {"subjects", std::move(subjects)}});
  if (binding.ok()) static_cast<void>(registry.create(kind, "", std::move(*binding), {}));
}

}  // namespace

void create_default_policy(Registry& registry) {
  const Json everything = Json::array({rule({"*"}, {"*"}, {"*"}), {{"nonResourceURLs", {"*"}}, {"verbs", {"*"}}}});
  add_role(registry, "cluster-admin", everything);
  add_role(registry, "admin", admin_rules());
  add_role(registry, "edit", edit_rules());
  add_role(registry, "view", view_rules());
  add_role(registry, "system:discovery",
           Json::array({path_rule({"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*",
                                   "/readyz", "/version", "/version/"})}));
  add_role(registry, "system:public-info-viewer",
           Json::array({path_rule({"/healthz", "/livez", "/readyz", "/version", "/version/"})}));
  add_role(registry, "system:basic-user",
           Json::array(
               {rule({"authorization.k8s.io"}, {"selfsubjectaccessreviews", "selfsubjectrulesreviews"}, {"create"})}));
  add_role(registry, "system:auth-delegator",
           Json::array({rule({"authentication.k8s.io"}, {"tokenreviews"}, {"create"}),
                        rule({"authorization.k8s.io"}, {"subjectaccessreviews"}, {"create"})}));
  add_binding(registry, "cluster-admin", {"system:masters"});
  add_binding(registry, "system:discovery", {"system:authenticated"});
  add_binding(registry, "system:public-info-viewer", {"system:authenticated", "system:unauthenticated"});
  add_binding(registry, "system:basic-user", {"system:authenticated"});
}

}  // namespace fracta::devcluster
