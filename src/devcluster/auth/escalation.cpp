#include "devcluster/auth/escalation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

constexpr const char* kGroup = "rbac.authorization.k8s.io";

// One verb on one resource (of one name, when `name` is set) or one path: a rule's smallest part.
struct Right {
  std::string verb, group, resource, name, path;
};

std::vector<std::string> words(const Json& rule, const char* field) {
  std::vector<std::string> result;
  if (const Json* list = find(rule, field); list != nullptr && list->is_array())
    for (const Json& item : *list)
      if (item.is_string()) result.push_back(item.get<std::string>());
  return result;
}

std::vector<Right> rights_of(const Json& rules) {
  std::vector<Right> result;
  if (!rules.is_array()) return result;
  for (const Json& rule : rules) {
    const auto verbs = words(rule, "verbs");
    auto names = words(rule, "resourceNames");
    if (names.empty()) names.emplace_back();
    for (const auto& group : words(rule, "apiGroups"))
      for (const auto& resource : words(rule, "resources"))
        for (const auto& verb : verbs)
          for (const auto& name : names) result.push_back({verb, group, resource, name, ""});
    for (const auto& path : words(rule, "nonResourceURLs"))
      for (const auto& verb : verbs) result.push_back({verb, "", "", "", path});
  }
  return result;
}

bool has(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool covers(const Json& rule, const Right& right) {
  const auto verbs = words(rule, "verbs");
  if (!has(verbs, "*") && !has(verbs, right.verb)) return false;
  if (!right.path.empty()) {
    const auto paths = words(rule, "nonResourceURLs");
    return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
      return path == right.path || (path.ends_with('*') && right.path.starts_with(std::string_view(path).substr(
                                                               0, path.find_last_not_of('*') + 1)));
    });
  }
  const auto groups = words(rule, "apiGroups"), resources = words(rule, "resources");
  const auto names = words(rule, "resourceNames");
  if (!has(groups, "*") && !has(groups, right.group)) return false;
  const auto slash = right.resource.find('/');
  const bool resource = has(resources, "*") || has(resources, right.resource) ||
                        (slash != std::string::npos && has(resources, "*" + right.resource.substr(slash)));
  return resource && (names.empty() || (!right.name.empty() && has(names, right.name)));
}

std::string quoted_list(const std::vector<std::string>& list) {
  std::vector<std::string> quoted;
  for (const auto& word : list) quoted.push_back(go_quote(word));
  return "[" + join(quoted, " ") + "]";
}

// What is missing, verbs of the same resource together, one line each.
std::string describe(const std::vector<Right>& missing) {
  std::map<std::string, std::vector<std::string>> verbs;  // the line's beginning -> verbs
  std::set<std::string> lines;
  for (const Right& right : missing) {
    if (!right.path.empty()) {
      lines.insert(
          fmt::format("{{NonResourceURLs:{}, Verbs:{}}}", quoted_list({right.path}), quoted_list({right.verb})));
      continue;
    }
    std::string head =
        fmt::format("{{APIGroups:{}, Resources:{}", quoted_list({right.group}), quoted_list({right.resource}));
    if (!right.name.empty()) head += ", ResourceNames:" + quoted_list({right.name});
    verbs[head].push_back(right.verb);
  }
  for (const auto& [head, list] : verbs) lines.insert(fmt::format("{}, Verbs:{}}}", head, quoted_list(list)));
  return join(std::vector<std::string>(lines.begin(), lines.end()), "\n");
}

// Why not, or empty.
std::string confirm(const Store& store, const User& user, std::string_view ns, const Json& rules) {
  const auto own = rules_for(store, user, ns);
  std::vector<Right> missing;
  for (Right& right : rights_of(rules))
    if (std::none_of(own.begin(), own.end(), [&](const Json& rule) { return covers(rule, right); }))
      missing.push_back(std::move(right));
  if (missing.empty()) return "";
  return fmt::format("user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
                     go_quote(user.name), quoted_list(user.groups), describe(missing));
}

bool may(const Store& store, const User& user, const char* verb, const std::string& resource, std::string_view ns,
         const std::string& name) {
  Attributes attributes;
  attributes.verb = verb;
  attributes.group = kGroup;
  attributes.resource = resource;
  attributes.ns = ns;
  attributes.name = name;
  return authorize(store, user, attributes).allowed;
}

// Finalizers and owners are the garbage collector's.
bool only_collector_fields(const Json& object, const Json& old) {
  const auto stripped = [](const Json& from) {
    Json copy = from;
    for (const char* field : {"ownerReferences", "finalizers", "managedFields", "resourceVersion"})
      copy["metadata"].erase(field);
    return copy;
  };
  return stripped(object) == stripped(old);
}

}  // namespace

Outcome<Done> check_escalation(const Store& store, const User& user, const Kind& kind, std::string_view ns,
                               const Json& object, const Json* old) {
  if (kind.group != kGroup || has(user.groups, "system:masters")) return Done{};
  if (old != nullptr && only_collector_fields(object, *old)) return Done{};
  const std::string name = string_at(object, "metadata/name");
  if (kind.plural == "roles" || kind.plural == "clusterroles") {
    // The request's name: of a creation there is none.
    if (may(store, user, "escalate", kind.plural, ns, old == nullptr ? "" : name)) return Done{};
    const Json* rules = find(object, "rules");
    const std::string refusal = confirm(store, user, ns, rules == nullptr ? Json::array() : *rules);
    return refusal.empty() ? Outcome<Done>(Done{}) : forbidden(kind, name, refusal);
  }
  const std::string role = string_at(object, "roleRef/name");
  const bool clusterwide = string_at(object, "roleRef/kind") == "ClusterRole";
  const Kind& role_kind = kind_of(std::string(clusterwide ? "clusterroles." : "roles.") + kGroup);
  if (may(store, user, "bind", role_kind.plural, ns, role)) return Done{};
  const RecordPtr found = store.get(role_kind.resource(), clusterwide ? role : object_key(ns, role));
  if (!found) return not_found(role_kind, role);
  const Json* rules = find(found->object, "rules");
  const std::string refusal = confirm(store, user, ns, rules == nullptr ? Json::array() : *rules);
  return refusal.empty() ? Outcome<Done>(Done{}) : forbidden(kind, name, refusal);
}

}  // namespace fracta::devcluster
