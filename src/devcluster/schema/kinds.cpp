#include "devcluster/schema/kinds.hpp"

#include <map>

#include "fracta/base/check.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

using Words = std::vector<std::string>;

Kind make(std::string_view type, std::string group, std::string plural, std::string singular, Words short_names = {}) {
  Kind kind;
  kind.type = schema().find(type);
  check(kind.type != nullptr, "a kind without a type");
  kind.kind = kind.type->name;
  kind.group = std::move(group);
  kind.version = "v1";
  kind.plural = std::move(plural);
  kind.singular = std::move(singular);
  kind.short_names = std::move(short_names);
  return kind;
}

Kind cluster(Kind kind) {
  kind.namespaced = false;
  return kind;
}
Kind with_status(Kind kind) {
  kind.has_status = true;
  return kind;
}
Kind in_all(Kind kind) {
  kind.categories = {"all"};
  return kind;
}
Kind view(Kind kind, std::string of) {
  kind.view_of = std::move(of);
  return kind;
}
Kind empty(Kind kind) {
  kind.read_only = true;
  return kind;
}
Kind transient(Kind kind) {
  kind.stored = false;
  return kind;
}

std::vector<Kind> build_kinds() {
  const std::string rbac = "rbac.authorization.k8s.io";
  const std::string authz = "authorization.k8s.io";
  return {
      transient(make("core.Binding", "", "bindings", "binding")),
      make("core.ConfigMap", "", "configmaps", "configmap", {"cm"}),
      empty(make("core.Endpoints", "", "endpoints", "endpoints", {"ep"})),
      make("core.Event", "", "events", "event", {"ev"}),
      make("core.LimitRange", "", "limitranges", "limitrange", {"limits"}),
      with_status(cluster(make("core.Namespace", "", "namespaces", "namespace", {"ns"}))),
      with_status(cluster(make("core.Node", "", "nodes", "node", {"no"}))),
      with_status(make("core.PersistentVolumeClaim", "", "persistentvolumeclaims", "persistentvolumeclaim", {"pvc"})),
      empty(cluster(make("core.PersistentVolume", "", "persistentvolumes", "persistentvolume", {"pv"}))),
      in_all(with_status(make("core.Pod", "", "pods", "pod", {"po"}))),
      in_all(empty(make("core.ReplicationController", "", "replicationcontrollers", "replicationcontroller", {"rc"}))),
      with_status(make("core.ResourceQuota", "", "resourcequotas", "resourcequota", {"quota"})),
      make("core.Secret", "", "secrets", "secret"),
      make("core.ServiceAccount", "", "serviceaccounts", "serviceaccount", {"sa"}),
      in_all(with_status(make("core.Service", "", "services", "service", {"svc"}))),
      in_all(empty(make("apps.DaemonSet", "apps", "daemonsets", "daemonset", {"ds"}))),
      in_all(with_status(make("apps.Deployment", "apps", "deployments", "deployment", {"deploy"}))),
      in_all(with_status(make("apps.ReplicaSet", "apps", "replicasets", "replicaset", {"rs"}))),
      in_all(empty(make("apps.StatefulSet", "apps", "statefulsets", "statefulset", {"sts"}))),
      view(make("events.Event", "events.k8s.io", "events", "event", {"ev"}), "events"),
      transient(cluster(make("authn.TokenReview", "authentication.k8s.io", "tokenreviews", "tokenreview"))),
      transient(make("authz.LocalSubjectAccessReview", authz, "localsubjectaccessreviews", "localsubjectaccessreview")),
      transient(
          cluster(make("authz.SelfSubjectAccessReview", authz, "selfsubjectaccessreviews", "selfsubjectaccessreview"))),
      transient(
          cluster(make("authz.SelfSubjectRulesReview", authz, "selfsubjectrulesreviews", "selfsubjectrulesreview"))),
      transient(cluster(make("authz.SubjectAccessReview", authz, "subjectaccessreviews", "subjectaccessreview"))),
      in_all(empty(make("batch.CronJob", "batch", "cronjobs", "cronjob", {"cj"}))),
      in_all(with_status(make("batch.Job", "batch", "jobs", "job"))),
      make("coord.Lease", "coordination.k8s.io", "leases", "lease"),
      empty(make("net.Ingress", "networking.k8s.io", "ingresses", "ingress", {"ing"})),
      with_status(make("net.NetworkPolicy", "networking.k8s.io", "networkpolicies", "networkpolicy", {"netpol"})),
      cluster(make("rbac.ClusterRoleBinding", rbac, "clusterrolebindings", "clusterrolebinding")),
      cluster(make("rbac.ClusterRole", rbac, "clusterroles", "clusterrole")),
      make("rbac.RoleBinding", rbac, "rolebindings", "rolebinding"),
      make("rbac.Role", rbac, "roles", "role"),
      cluster(make("sched.PriorityClass", "scheduling.k8s.io", "priorityclasses", "priorityclass", {"pc"})),
  };
}

std::vector<Subresource> build_subresources() {
  std::vector<Subresource> result;
  for (const Kind& kind : kinds()) {
    if (kind.has_status)
      result.push_back({kind.plural, kind.group, "status", kind.kind, "", "", {"get", "patch", "update"}});
  }
  const Words get_post = {"create", "get"};
  result.push_back({"namespaces", "", "finalize", "Namespace", "", "", {"update"}});
  result.push_back({"pods", "", "attach", "PodAttachOptions", "", "", get_post});
  result.push_back({"pods", "", "binding", "Binding", "", "", {"create"}});
  result.push_back({"pods", "", "eviction", "Eviction", "policy", "v1", {"create"}});
  result.push_back({"pods", "", "exec", "PodExecOptions", "", "", get_post});
  const Words all_methods = {"create", "delete", "get", "patch", "update"};
  result.push_back({"pods", "", "proxy", "PodProxyOptions", "", "", all_methods});
  result.push_back({"services", "", "proxy", "ServiceProxyOptions", "", "", all_methods});
  result.push_back({"pods", "", "log", "Pod", "", "", {"get"}});
  result.push_back({"serviceaccounts", "", "token", "TokenRequest", "authentication.k8s.io", "v1", {"create"}});
  result.push_back({"deployments", "apps", "scale", "Scale", "autoscaling", "v1", {"get", "patch", "update"}});
  result.push_back({"replicasets", "apps", "scale", "Scale", "autoscaling", "v1", {"get", "patch", "update"}});
  return result;
}

}  // namespace

std::vector<std::string> Kind::verbs() const {
  if (!stored) return {"create"};
  if (read_only) return {"get", "list", "watch"};
  if (plural == "namespaces") return {"create", "delete", "get", "list", "patch", "update", "watch"};
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = build_kinds();
  return all;
}

const std::vector<Subresource>& subresources() {
  static const std::vector<Subresource> all = build_subresources();
  return all;
}

const Kind* find_kind(std::string_view group, std::string_view version, std::string_view plural) {
  for (const Kind& kind : kinds()) {
    if (kind.group == group && kind.version == version && kind.plural == plural) return &kind;
  }
  return nullptr;
}

const Kind* find_resource(std::string_view resource) {
  const auto dot = resource.find('.');
  const std::string_view plural = resource.substr(0, dot);
  const std::string_view group = dot == std::string_view::npos ? std::string_view() : resource.substr(dot + 1);
  for (const Kind& kind : kinds()) {
    if (kind.plural == plural && kind.group == group) return &kind;
  }
  return nullptr;
}

const Kind& kind_of(std::string_view resource) {
  const Kind* kind = find_resource(resource);
  check(kind != nullptr, "unknown resource " + std::string(resource));
  return *kind;
}

}  // namespace fracta::devcluster
