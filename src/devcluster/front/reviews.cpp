#include "devcluster/front/reviews.hpp"

#include <algorithm>

#include "devcluster/auth/authorizer.hpp"
#include "devcluster/server/managed_fields.hpp"
#include "devcluster/store/packed_owners.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

std::vector<std::string> strings_at(const Json& object, std::string_view path) {
  std::vector<std::string> result;
  if (const Json* list = find_path(object, path); list != nullptr && list->is_array()) {
    for (const Json& item : *list) {
      if (item.is_string()) result.push_back(item.get<std::string>());
    }
  }
  return result;
}

Json user_info(const User& user) {
  Json info = {{"username", user.name}, {"groups", user.groups}};
  if (!user.uid.empty()) info["uid"] = user.uid;
  if (!user.extra.empty()) info["extra"] = user.extra;
  return info;
}

Json token_status(const Json& review, const Authenticator& authenticator) {
  const auto verified = authenticator.review(string_at(review, "spec/token"), strings_at(review, "spec/audiences"));
  if (!verified) return {{"user", Json::object()}, {"error", verified.error().message}};
  Json status = {{"authenticated", true}, {"user", user_info(verified->user)}, {"audiences", verified->audiences}};
  return status;
}

Attributes attributes_of(const Json& spec) {
  Attributes attributes;
  if (const Json* path = find(spec, "nonResourceAttributes")) {
    attributes.resource_request = false;
    attributes.path = string_at(*path, "path");
    attributes.verb = string_at(*path, "verb");
    return attributes;
  }
  const Json* resource = find(spec, "resourceAttributes");
  if (resource == nullptr) return attributes;
  attributes.verb = string_at(*resource, "verb");
  attributes.ns = string_at(*resource, "namespace");
  attributes.group = string_at(*resource, "group");
  attributes.version = string_at(*resource, "version");
  attributes.resource = string_at(*resource, "resource");
  attributes.subresource = string_at(*resource, "subresource");
  attributes.name = string_at(*resource, "name");
  return attributes;
}

Json access_status(const Store& store, const User& user, const Json& spec) {
  const Decision decision = authorize(store, user, attributes_of(spec));
  Json status = {{"allowed", decision.allowed}};
  if (!decision.reason.empty()) status["reason"] = decision.reason;
  return status;
}

std::string go_path_attributes(const Json& attributes) {
  return "authorization.NonResourceAttributes{Path:" + go_quote(string_at(attributes, "path")) +
         ", Verb:" + go_quote(string_at(attributes, "verb")) + "}";
}

void check_attributes(const Json& spec, FieldErrors& errors) {
  const bool resource = find(spec, "resourceAttributes") != nullptr;
  const bool path = find(spec, "nonResourceAttributes") != nullptr;
  if (resource && path)
    errors.invalid_text("spec.nonResourceAttributes", go_path_attributes(spec["nonResourceAttributes"]),
                        "cannot be specified in combination with resourceAttributes");
  if (!resource && !path)
    errors.invalid_text("spec.resourceAttributes", "\"null\"",
                        "exactly one of nonResourceAttributes or resourceAttributes must be specified");
}

void check_local(const Json& spec, const std::string& ns, FieldErrors& errors) {
  if (const Json* path = find(spec, "nonResourceAttributes"))
    errors.invalid_text("spec.nonResourceAttributes", go_path_attributes(*path), "disallowed on this kind of request");
  else if (string_at(spec, "resourceAttributes/namespace") != ns)
    errors.invalid("spec.resourceAttributes.namespace", string_at(spec, "resourceAttributes/namespace"),
                   "must match metadata.namespace");
}

User subject_of(const Json& spec) {
  User user;
  user.name = string_at(spec, "user");
  user.uid = string_at(spec, "uid");
  user.groups = strings_at(spec, "groups");
  return user;
}

Json rules_status(const Store& store, const User& user, const std::string& ns) {
  Json resource_rules = Json::array();
  Json path_rules = Json::array();
  for (const Json& rule : rules_for(store, user, ns)) {
    if (rule.contains("nonResourceURLs"))
      path_rules.push_back(
          {{"verbs", rule.value("verbs", Json::array())}, {"nonResourceURLs", rule["nonResourceURLs"]}});
    else
      resource_rules.push_back(rule);
  }
  return {
      {"resourceRules", std::move(resource_rules)}, {"nonResourceRules", std::move(path_rules)}, {"incomplete", false}};
}

}  // namespace

net::ServerResponse serve_review(Call& call, const Services& services, const Authenticator& authenticator) {
  auto review = read_object(call, *call.kind);
  if (!review.ok()) return answer_failure(call, review.failure());
  const Store& store = services.registry->store();
  const Json spec = review->value("spec", Json::object());
  auto options = write_options(call);
  if (!options.ok()) return answer_failure(call, options.failure());
  if (call.resource != "selfsubjectrulesreviews")  // of those a real server keeps nothing but the answer
    track_fields(*call.kind, *review, nullptr, *options, "", services.registry->clock());
  unpack_owners(*review);
  FieldErrors errors;
  const std::string& resource = call.resource;
  if (resource == "tokenreviews") {
    if (string_at(spec, "token").empty())
      return answer_failure(call, bad_request("token is required for TokenReview in authentication"));
    (*review)["status"] = token_status(*review, authenticator);
  } else if (resource == "selfsubjectrulesreviews") {
    const std::string ns = string_at(spec, "namespace");
    if (ns.empty()) return answer_failure(call, bad_request("no namespace on request"));
    (*review)["status"] = rules_status(store, call.user, ns);
  } else {
    check_attributes(spec, errors);
    const bool self = resource == "selfsubjectaccessreviews";
    const User user = self ? call.user : subject_of(spec);
    if (!self && user.name.empty() && user.groups.empty())
      errors.invalid("spec.user", "", "at least one of user or group must be specified");
    if (resource == "localsubjectaccessreviews") check_local(spec, call.ns, errors);
    if (!errors.empty()) {
      // The kind has no name here in a real server either.
      Kind nameless = *call.kind;
      nameless.kind.clear();
      return answer_failure(call, errors.to_failure(nameless, ""));
    }
    (*review)["status"] = access_status(store, user, spec);
  }
  if (call.kind->namespaced) (*review)["metadata"]["namespace"] = call.ns;
  if (resource == "selfsubjectrulesreviews") (*review)["spec"] = Json::object();
  return answer_json(call, 201, *review);
}

}  // namespace fracta::devcluster
