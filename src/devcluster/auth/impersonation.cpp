#include "devcluster/auth/impersonation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::string_view kServiceAccount = "system:serviceaccount:";
constexpr std::string_view kExtra = "impersonate-extra-";

struct Wish {
  User user;
  std::vector<Attributes> rights;  // each must be allowed
};

void need(Wish& wish, const char* group, const char* resource, std::string subresource, std::string name) {
  Attributes attributes;
  attributes.verb = "impersonate";
  attributes.group = group;
  attributes.version = "v1";
  attributes.resource = resource;
  attributes.subresource = std::move(subresource);
  attributes.name = std::move(name);
  wish.rights.push_back(std::move(attributes));
}

Wish read_wish(const net::Headers& headers) {
  Wish wish;
  for (const auto& [header, value] : headers.entries()) {
    const std::string name = to_lower(header);
    if (name == "impersonate-user" && !value.empty()) {
      wish.user.name = value;
    } else if (name == "impersonate-group") {
      wish.user.groups.push_back(value);
      need(wish, "", "groups", "", value);
    } else if (name == "impersonate-uid" && !value.empty()) {
      wish.user.uid = value;
      need(wish, "authentication.k8s.io", "uids", "", value);
    } else if (name.starts_with(kExtra)) {
      const std::string key = percent_decode(name.substr(kExtra.size())).value_or(name.substr(kExtra.size()));
      wish.user.extra[key].push_back(value);
      need(wish, "authentication.k8s.io", "userextras", key, value);
    }
  }
  return wish;
}

void add_group(User& user, const std::string& group) {
  if (std::find(user.groups.begin(), user.groups.end(), group) == user.groups.end()) user.groups.push_back(group);
}

// Namespace and name of "system:serviceaccount:NAMESPACE:NAME"; empty otherwise.
std::pair<std::string, std::string> service_account_of(const std::string& user) {
  if (!user.starts_with(kServiceAccount)) return {};
  const auto parts = split(std::string_view(user).substr(kServiceAccount.size()), ':');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) return {};
  return {parts[0], parts[1]};
}

}  // namespace

Outcome<User> impersonated(const Store& store, const User& user, const net::Headers& headers) {
  Wish wish = read_wish(headers);
  User& other = wish.user;
  if (other.name.empty()) {
    if (wish.rights.empty()) return user;
    std::string asked;
    for (const Attributes& attributes : wish.rights) {
      const bool group = attributes.resource == "groups";
      asked += fmt::format("{}{{{}  {}    {}}}", asked.empty() ? "" : " ", group ? "Group" : attributes.resource,
                           attributes.name, attributes.subresource);
    }
    return Failure{500, "", fmt::format("requested [{}] without impersonating a user", asked), Json()};
  }
  const auto [ns, name] = service_account_of(other.name);
  need(wish, "", name.empty() ? "users" : "serviceaccounts", "", name.empty() ? other.name : name);
  wish.rights.back().ns = ns;
  // The user first, as it is the one a refusal should name.
  std::rotate(wish.rights.begin(), wish.rights.end() - 1, wish.rights.end());
  for (const Attributes& attributes : wish.rights) {
    const Decision decision = authorize(store, user, attributes);
    if (!decision.allowed) return forbidden_request(user, attributes, decision.reason);
  }
  if (!name.empty() && other.groups.empty()) other.groups = {"system:serviceaccounts", "system:serviceaccounts:" + ns};
  const bool unknown =
      std::find(other.groups.begin(), other.groups.end(), "system:unauthenticated") != other.groups.end();
  if (other.name == "system:anonymous")
    add_group(other, "system:unauthenticated");
  else if (!unknown)
    add_group(other, "system:authenticated");
  return other;
}

}  // namespace fracta::devcluster
