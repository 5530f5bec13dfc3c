#include "devcluster/auth/authorizer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

constexpr const char* kRoles = "roles.rbac.authorization.k8s.io";
constexpr const char* kClusterRoles = "clusterroles.rbac.authorization.k8s.io";
constexpr const char* kRoleBindings = "rolebindings.rbac.authorization.k8s.io";
constexpr const char* kClusterRoleBindings = "clusterrolebindings.rbac.authorization.k8s.io";

bool holds(const Json& rule, const char* field, std::string_view wanted, bool empty_is_all = false) {
  const Json* list = find(rule, field);
  if (list == nullptr || list->empty()) return empty_is_all;
  return std::any_of(list->begin(), list->end(), [&](const Json& item) { return item == "*" || item == wanted; });
}

bool resource_matches(const Json& rule, const Attributes& attributes) {
  const std::string full =
      attributes.subresource.empty() ? attributes.resource : attributes.resource + "/" + attributes.subresource;
  if (holds(rule, "resources", full)) return true;
  return !attributes.subresource.empty() && holds(rule, "resources", "*/" + attributes.subresource);
}

bool names_match(const Json& rule, const std::string& name) {
  const Json* list = find(rule, "resourceNames");
  if (list == nullptr || list->empty()) return true;
  return std::any_of(list->begin(), list->end(), [&](const Json& item) { return item == name; });
}

bool path_matches(const Json& rule, const std::string& path) {
  const Json* list = find(rule, "nonResourceURLs");
  if (list == nullptr) return false;
  return std::any_of(list->begin(), list->end(), [&](const Json& item) {
    const std::string pattern = item.is_string() ? item.get<std::string>() : "";
    if (pattern.ends_with('*')) return path.starts_with(pattern.substr(0, pattern.size() - 1));
    return pattern == path;
  });
}

bool rule_allows(const Json& rule, const Attributes& attributes) {
  if (!holds(rule, "verbs", attributes.verb)) return false;
  if (!attributes.resource_request) return path_matches(rule, attributes.path);
  return holds(rule, "apiGroups", attributes.group) && resource_matches(rule, attributes) &&
         names_match(rule, attributes.name);
}

bool subject_is(const Json& subject, const User& user, const std::string& binding_namespace) {
  const std::string kind = string_at(subject, "kind");
  const std::string name = string_at(subject, "name");
  if (kind == "User") return user.name == name;
  if (kind == "Group") return std::find(user.groups.begin(), user.groups.end(), name) != user.groups.end();
  if (kind != "ServiceAccount") return false;
  const std::string ns = string_at(subject, "namespace", binding_namespace);
  return user.name == fmt::format("system:serviceaccount:{}:{}", ns, name);
}

RecordPtr role_of(const Store& store, const Json& binding) {
  const std::string name = string_at(binding, "roleRef/name");
  if (string_at(binding, "roleRef/kind") == "Role")
    return store.get(kRoles, object_key(string_at(binding, "metadata/namespace"), name));
  return store.get(kClusterRoles, name);
}

// Calls `visit(rule, binding, subject)` for every rule that binds the user; true ends the walk.
template <class Visit>
bool visit_rules(const Store& store, const User& user, std::string_view ns, const Visit& visit) {
  const auto walk = [&](const char* bindings, const std::string& prefix) {
    const auto snapshot = store.list(bindings, prefix);
    for (const auto& [key, record] : snapshot->records) {
      const Json* subjects = find(record->object, "subjects");
      if (subjects == nullptr) continue;
      const std::string binding_namespace = string_at(record->object, "metadata/namespace");
      const auto mine = std::find_if(subjects->begin(), subjects->end(),
                                     [&](const Json& subject) { return subject_is(subject, user, binding_namespace); });
      if (mine == subjects->end()) continue;
      const RecordPtr role = role_of(store, record->object);
      const Json* rules = role ? find(role->object, "rules") : nullptr;
      if (rules == nullptr) continue;
      for (const Json& rule : *rules) {
        if (visit(rule, record->object, *mine)) return true;
      }
    }
    return false;
  };
  if (walk(kClusterRoleBindings, "")) return true;
  return !ns.empty() && walk(kRoleBindings, std::string(ns) + "/");
}

bool is_master(const User& user) {
  return std::find(user.groups.begin(), user.groups.end(), "system:masters") != user.groups.end();
}

}  // namespace

Decision authorize(const Store& store, const User& user, const Attributes& attributes) {
  if (is_master(user)) return {true, ""};
  Decision decision;
  visit_rules(store, user, attributes.ns, [&](const Json& rule, const Json& binding, const Json& subject) {
    if (!rule_allows(rule, attributes)) return false;
    const bool clusterwide = string_at(binding, "metadata/namespace").empty();
    decision.allowed = true;
    const std::string place =
        clusterwide ? string_at(binding, "metadata/name")
                    : string_at(binding, "metadata/name") + "/" + string_at(binding, "metadata/namespace");
    const std::string subject_kind = string_at(subject, "kind");
    const std::string subject_name = subject_kind == "ServiceAccount"
                                         ? string_at(subject, "name") + "/" + string_at(subject, "namespace")
                                         : string_at(subject, "name");
    decision.reason = fmt::format(
        "RBAC: allowed by {} \"{}\" of {} \"{}\" to {} \"{}\"", clusterwide ? "ClusterRoleBinding" : "RoleBinding",
        place, string_at(binding, "roleRef/kind"), string_at(binding, "roleRef/name"), subject_kind, subject_name);
    return true;
  });
  return decision;
}

std::vector<Json> rules_for(const Store& store, const User& user, std::string_view ns) {
  std::vector<Json> rules;
  if (is_master(user)) {
    rules.push_back({{"verbs", {"*"}}, {"apiGroups", {"*"}}, {"resources", {"*"}}});
    rules.push_back({{"verbs", {"*"}}, {"nonResourceURLs", {"*"}}});
  }
  visit_rules(store, user, ns, [&](const Json& rule, const Json&, const Json&) {
    if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(rule);
    return false;
  });
  return rules;
}

Failure forbidden_request(const User& user, const Attributes& attributes, std::string_view reason) {
  const std::string tail = reason.empty() ? "" : ": " + std::string(reason);
  if (!attributes.resource_request) {
    return {403, "Forbidden",
            fmt::format("forbidden: User \"{}\" cannot {} path \"{}\"{}", user.name, attributes.verb, attributes.path,
                        tail),
            Json::object()};
  }
  const std::string resource =
      attributes.group.empty() ? attributes.resource : attributes.resource + "." + attributes.group;
  const std::string full =
      attributes.subresource.empty() ? attributes.resource : attributes.resource + "/" + attributes.subresource;
  const std::string what = attributes.name.empty() ? resource : fmt::format("{} \"{}\"", resource, attributes.name);
  const std::string where =
      attributes.ns.empty() ? "at the cluster scope" : fmt::format("in the namespace \"{}\"", attributes.ns);
  Json details = {{"kind", attributes.resource}};
  if (!attributes.name.empty()) details["name"] = attributes.name;
  if (!attributes.group.empty()) details["group"] = attributes.group;
  return {403, "Forbidden",
          fmt::format("{} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}{}", what,
                      user.name, attributes.verb, full, attributes.group, where, tail),
          std::move(details)};
}

}  // namespace fracta::devcluster
