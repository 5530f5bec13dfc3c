#include "daemon/cluster_access.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::daemon {

namespace {

constexpr kube::Resource kTokenReviews{"authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false};
constexpr kube::Resource kSubjectAccessReviews{"authorization.k8s.io", "v1", "subjectaccessreviews",
                                               "SubjectAccessReview", false};
// A worker waits for it, so it must be well below what a client has patience for.
constexpr std::chrono::milliseconds kReviewTimeout{5'000};

constexpr std::string_view kServiceAccountPrefix = "system:serviceaccount:";
constexpr const char* kPodName = "authentication.kubernetes.io/pod-name";
constexpr const char* kPodUid = "authentication.kubernetes.io/pod-uid";

std::vector<std::string> texts(const Json* list) {
  std::vector<std::string> out;
  if (list != nullptr && list->is_array())
    for (const auto& item : *list)
      if (item.is_string()) out.push_back(item.get<std::string>());
  return out;
}

std::string only(const server::Identity& identity, const char* key) {
  const auto found = identity.extra.find(key);
  return found != identity.extra.end() && found->second.size() == 1 ? found->second.front() : std::string();
}

// Namespaces and pod names hold no ':', so the parts are what they seem.
std::optional<server::PodIdentity> pod_of(const server::Identity& identity) {
  if (!identity.name.starts_with(kServiceAccountPrefix)) return std::nullopt;
  const auto parts = split(std::string_view(identity.name).substr(kServiceAccountPrefix.size()), ':');
  server::PodIdentity pod{parts.front(), only(identity, kPodName), only(identity, kPodUid)};
  if (parts.size() != 2 || pod.ns.empty() || pod.name.empty() || pod.uid.empty()) return std::nullopt;
  return pod;
}

server::Identity identity_of(const Json& user) {
  server::Identity identity;
  identity.name = string_at(user, "username");
  identity.uid = string_at(user, "uid");
  identity.groups = texts(find(user, "groups"));
  if (const auto* extra = find(user, "extra"); extra != nullptr && extra->is_object())
    for (const auto& [key, values] : extra->items()) identity.extra[key] = texts(&values);
  identity.pod = pod_of(identity);
  return identity;
}

bool intersect(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](const auto& item) { return std::find(b.begin(), b.end(), item) != b.end(); });
}

// Which audiences to ask about. Agents' tokens are for an audience of ours and people's for the API server's, unless
// configured: the token's own (unverified) word chooses the question, the cluster's answer decides.
std::vector<std::string> audiences_for(const std::string& token, const ClusterAccess& access) {
  if (!access.audiences.empty()) {
    auto all = access.audiences;
    all.push_back(access.agent_audience);
    return all;
  }
  const auto claims = server::token_claims(token);
  if (claims && intersect(claims->audiences, {access.agent_audience})) return {access.agent_audience};
  return {};
}

// What the API server says against this daemon, not against its caller.
Error review_failed(Error error, const char* verb) {
  if (error.code == ErrorCode::kForbidden || error.code == ErrorCode::kUnauthenticated)
    error.message += std::string("; this controlplane needs the verb create on ") + verb +
                     " (ClusterRole system:auth-delegator; deployment/k8s/manifests/10-rbac.yaml)";
  error.code = ErrorCode::kUnavailable;
  return error;
}

kube::WriteOptions review_options() {
  kube::WriteOptions options;
  options.call.timeout = kReviewTimeout;
  return options;
}

Error refused_token() {
  return make_error(ErrorCode::kUnauthenticated,
                    "the cluster does not accept the token: it is wrong, expired, revoked or for another audience; "
                    "`fracta login` again");
}

Json access_spec(const ClusterAccess& access, const server::Identity& identity, const server::Attributes& asked) {
  Json spec = {{"user", identity.name}, {"groups", identity.groups}};
  if (!identity.uid.empty()) spec["uid"] = identity.uid;
  if (!identity.extra.empty()) spec["extra"] = identity.extra;
  if (!asked.url.empty()) {
    spec["nonResourceAttributes"] = {{"path", asked.url}, {"verb", asked.verb}};
    return spec;
  }
  Json attributes = {{"namespace", access.ns},
                     {"verb", asked.verb},
                     {"group", asked.resource + ".fracta.io"},
                     {"version", "v1"},
                     {"resource", asked.resource}};
  if (!asked.subresource.empty()) attributes["subresource"] = asked.subresource;
  if (!asked.name.empty()) attributes["name"] = asked.name;
  spec["resourceAttributes"] = std::move(attributes);
  return spec;
}

Error forbidden(const ClusterAccess& access, const server::Identity& identity, const server::Attributes& asked) {
  auto resource = asked.resource + (asked.subresource.empty() ? "" : "/" + asked.subresource);
  std::string text = "user \"" + shorten(identity.name, 200) + "\" cannot " + asked.verb + " ";
  std::string remedy;
  if (!asked.url.empty()) {
    text += asked.url;
    remedy = "a ClusterRole with nonResourceURLs [\"" + asked.url + "\"] would allow it";
  } else {
    text += resource + (asked.name.empty() ? "" : " \"" + shorten(asked.name, 100) + "\"") + " in API group \"" +
            asked.resource + ".fracta.io\" of namespace \"" + access.ns + "\"";
    remedy =
        "a RoleBinding to a Role with that verb would allow it (`fracta-viewer`, `fracta-operator`, "
        "`fracta-credential-admin` are there)";
  }
  auto error = make_error(ErrorCode::kForbidden, text + ": " + remedy);
  error.reason = "Forbidden";
  return error;
}

}  // namespace

server::TokenReviewer make_token_reviewer(ClusterAccess access) {
  return [access = std::move(access)](const std::string& token) -> Result<server::Identity> {
    const auto audiences = audiences_for(token, access);
    Json spec = {{"token", token}};
    if (!audiences.empty()) spec["audiences"] = audiences;
    auto review = access.client.create(
        kTokenReviews, "",
        {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenReview"}, {"spec", std::move(spec)}},
        review_options());
    if (!review) return review_failed(review.error(), "tokenreviews");
    const auto* status = find(*review, "status");
    if (status == nullptr || !bool_at(*status, "authenticated")) return refused_token();
    // An authenticator that knows no audiences answers without any: such a token is for the API server only.
    if (!audiences.empty() && !intersect(texts(find(*status, "audiences")), audiences)) return refused_token();
    const auto* user = find(*status, "user");
    auto identity = identity_of(user == nullptr ? Json::object() : *user);
    if (identity.name.empty()) return refused_token();
    return identity;
  };
}

server::AccessReviewer make_access_reviewer(ClusterAccess access) {
  return
      [access = std::move(access)](const server::Identity& identity, const server::Attributes& asked) -> Result<void> {
        auto review = access.client.create(kSubjectAccessReviews, "",
                                           {{"apiVersion", "authorization.k8s.io/v1"},
                                            {"kind", "SubjectAccessReview"},
                                            {"spec", access_spec(access, identity, asked)}},
                                           review_options());
        if (!review) return review_failed(review.error(), "subjectaccessreviews");
        if (bool_at(*review, "status/allowed") && !bool_at(*review, "status/denied")) return {};
        return forbidden(access, identity, asked);
      };
}

}  // namespace fracta::daemon
