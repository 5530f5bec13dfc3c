// Roles and their bindings (apis/rbac/validation), and Leases (apis/coordination/validation).
#include <fmt/format.h>

#include "devcluster/validation/pod_parts.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"

namespace fracta::devcluster {

namespace {

constexpr const char* kGroup = "rbac.authorization.k8s.io";

void validate_rule(const Json& rule, bool namespaced, const std::string& path, FieldErrors& errors) {
  if (list_at(rule, "verbs").empty()) errors.required(path + ".verbs", "verbs must contain at least one value");
  const bool groups = !list_at(rule, "apiGroups").empty(), resources = !list_at(rule, "resources").empty();
  if (const Json& urls = list_at(rule, "nonResourceURLs"); !urls.empty()) {
    const std::string at = path + ".nonResourceURLs";
    if (namespaced) errors.invalid_text(at, go_strings(urls), "namespaced rules cannot apply to non-resource URLs");
    if (groups || resources || !list_at(rule, "resourceNames").empty())
      errors.invalid_text(at, go_strings(urls), "rules cannot apply to both regular resources and non-resource URLs");
    return;
  }
  if (!groups) errors.required(path + ".apiGroups", "resource rules must supply at least one api group");
  if (!resources) errors.required(path + ".resources", "resource rules must supply at least one resource");
}

void validate_subject(const Json& subject, bool namespaced, const std::string& path, FieldErrors& errors) {
  const std::string name = string_at(subject, "name"), kind = string_at(subject, "kind");
  const std::string group = string_at(subject, "apiGroup");
  if (name.empty()) errors.required(path + ".name");
  if (kind == "ServiceAccount") {
    if (!name.empty())
      for (const auto& problem : dns1123_subdomain_errors(name)) errors.invalid(path + ".name", name, problem);
    if (!group.empty()) errors.not_supported(path + ".apiGroup", group, {""});
    if (!namespaced && string_at(subject, "namespace").empty()) errors.required(path + ".namespace");
  } else if (kind == "User" || kind == "Group") {
    if (group != kGroup) errors.not_supported(path + ".apiGroup", group, {kGroup});
  } else {
    errors.not_supported(path + ".kind", kind, {"ServiceAccount", "User", "Group"});
  }
}

void validate_binding(const Json& binding, bool namespaced, FieldErrors& errors) {
  if (const std::string group = string_at(binding, "roleRef/apiGroup"); group != kGroup)
    errors.not_supported("roleRef.apiGroup", group, {kGroup});
  const std::string kind = string_at(binding, "roleRef/kind"), name = string_at(binding, "roleRef/name");
  if (kind != "ClusterRole" && (kind != "Role" || !namespaced))
    errors.not_supported(
        "roleRef.kind", kind,
        namespaced ? std::vector<std::string>{"Role", "ClusterRole"} : std::vector<std::string>{"ClusterRole"});
  if (name.empty()) errors.required("roleRef.name");
  for (const auto& problem : name.empty() ? std::vector<std::string>() : path_segment_errors(name))
    errors.invalid("roleRef.name", name, problem);
  const Json& subjects = list_at(binding, "subjects");
  for (std::size_t i = 0; i < subjects.size(); ++i)
    validate_subject(subjects[i], namespaced, fmt::format("subjects[{}]", i), errors);
}

void validate_role(const Json& role, bool namespaced, FieldErrors& errors) {
  const Json& rules = list_at(role, "rules");
  for (std::size_t i = 0; i < rules.size(); ++i)
    validate_rule(rules[i], namespaced, fmt::format("rules[{}]", i), errors);
}

}  // namespace

void validate_rbac(const Kind& kind, const Json& object, const Json* old, FieldErrors& errors) {
  if (kind.plural == "roles" || kind.plural == "clusterroles") return validate_role(object, kind.namespaced, errors);
  validate_binding(object, kind.namespaced, errors);
  const Json ref = object.value("roleRef", Json::object());
  if (old != nullptr && ref != old->value("roleRef", Json::object()))
    errors.invalid_text(
        "roleRef",
        fmt::format("rbac.RoleRef{{APIGroup:{}, Kind:{}, Name:{}}}", go_quote(string_at(ref, "apiGroup")),
                    go_quote(string_at(ref, "kind")), go_quote(string_at(ref, "name"))),
        "cannot change roleRef");
}

void validate_lease(const Json& lease, FieldErrors& errors) {
  if (const auto seconds = int_at(lease, "spec/leaseDurationSeconds"); seconds && *seconds <= 0)
    errors.invalid("spec.leaseDurationSeconds", *seconds, "must be greater than 0");
  if (const auto transitions = int_at(lease, "spec/leaseTransitions"); transitions && *transitions < 0)
    errors.invalid("spec.leaseTransitions", *transitions, kNonNegative);
}

}  // namespace fracta::devcluster
