#include "server/access/roles.hpp"

#include <algorithm>

namespace fracta::server {

namespace {

constexpr RoleRule kRules[] = {
    {"viewer", "get", "agents", "", ""},
    {"viewer", "list", "agents", "", ""},
    {"viewer", "watch", "agents", "", ""},
    {"viewer", "get", "agents", "log", ""},
    {"viewer", "get", "agents", "events", ""},
    {"viewer", "get", "credentials", "", ""},
    {"viewer", "list", "credentials", "", ""},

    {"operator", "get", "agents", "", ""},
    {"operator", "list", "agents", "", ""},
    {"operator", "watch", "agents", "", ""},
    {"operator", "create", "agents", "", ""},
    {"operator", "delete", "agents", "", ""},
    {"operator", "get", "agents", "log", ""},
    {"operator", "get", "agents", "events", ""},
    {"operator", "create", "agents", "events", ""},
    {"operator", "get", "credentials", "", ""},
    {"operator", "list", "credentials", "", ""},
    {"operator", "bind", "credentials", "", ""},

    {"credential-admin", "get", "credentials", "", ""},
    {"credential-admin", "list", "credentials", "", ""},
    {"credential-admin", "create", "credentials", "", ""},
    {"credential-admin", "update", "credentials", "", ""},
    {"credential-admin", "delete", "credentials", "", ""},
    {"credential-admin", "bind", "credentials", "", ""},
    {"credential-admin", "fetch_token", "credentials", "", ""},

    // In a cluster scraping is granted as for every other component: a ClusterRole with the URL.
    {"viewer", "get", "", "", "/metrics"},
    {"operator", "get", "", "", "/metrics"},
};

}  // namespace

std::span<const RoleRule> role_rules() { return kRules; }

bool is_role(std::string_view role) {
  return std::any_of(std::begin(kRules), std::end(kRules), [&](const RoleRule& rule) { return rule.role == role; });
}

bool role_allows(std::string_view role, const Attributes& attributes) {
  return std::any_of(std::begin(kRules), std::end(kRules), [&](const RoleRule& rule) {
    return rule.role == role && rule.verb == attributes.verb && rule.resource == attributes.resource &&
           rule.subresource == attributes.subresource && rule.url == attributes.url;
  });
}

}  // namespace fracta::server
