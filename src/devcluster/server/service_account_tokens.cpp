#include "devcluster/server/service_account_tokens.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::int64_t kShortest = 600;  // 10 minutes
constexpr std::int64_t kLongest = std::int64_t{1} << 32;
constexpr std::int64_t kDefault = 3600;

Kind token_request_kind() {
  Kind kind;
  kind.group = "authentication.k8s.io";
  kind.kind = "TokenRequest";
  kind.plural = "tokenrequests";
  return kind;
}

std::int64_t unix_seconds(SystemTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// The pod or secret the token shall die with; its description goes into the claims.
Outcome<Json> bound_object(const Registry& registry, std::string_view ns, std::string_view account,
                           const Json& reference) {
  const std::string kind_name = string_at(reference, "kind");
  const std::string name = string_at(reference, "name");
  const bool pod = kind_name == "Pod";
  const bool core = string_at(reference, "apiVersion").find('/') == std::string::npos;
  if (!pod && kind_name != "Secret") {
    return bad_request(fmt::format("cannot bind token to object of type {}",
                                   (core ? "/" : "") + string_at(reference, "apiVersion") + ", Kind=" + kind_name));
  }
  const Kind& kind = kind_of(pod ? "pods" : "secrets");
  const RecordPtr record = registry.store().get(kind.resource(), object_key(ns, name));
  if (!record) return not_found(kind, name);
  if (pod && string_at(record->object, "spec/serviceAccountName") != account) {
    return bad_request(fmt::format(
        "cannot bind token for serviceaccount \"{}\" to pod running with different serviceaccount name.", account));
  }
  const std::string uid = string_at(record->object, "metadata/uid");
  const std::string asked = string_at(reference, "uid");
  if (!asked.empty() && asked != uid) {
    Kind by_kind = kind;  // a real server names the kind here, not the resource
    by_kind.plural = kind.kind;
    return conflict(by_kind, name,
                    fmt::format("the UID in the bound object reference ({}) does not match the UID in record. The "
                                "object might have been deleted and then recreated",
                                asked));
  }
  return Json{{pod ? "pod" : "secret", {{"name", name}, {"uid", uid}}}};
}

}  // namespace

void default_token_request(Json& request) {
  Json& spec = request["spec"];
  if (!spec.is_object()) spec = Json::object();
  if (!int_at(spec, "expirationSeconds")) spec["expirationSeconds"] = kDefault;
}

Outcome<Json> issue_token(const Registry& registry, const TokenSigner& signer, std::string_view ns,
                          std::string_view name, Json request) {
  const Kind& accounts = kind_of("serviceaccounts");
  const RecordPtr account = registry.store().get("serviceaccounts", object_key(ns, name));
  if (!account) return not_found(accounts, name);
  default_token_request(request);
  Json& spec = request["spec"];
  const std::int64_t seconds = int_at(spec, "expirationSeconds").value_or(kDefault);
  FieldErrors errors;
  if (seconds < kShortest)
    errors.invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes");
  if (seconds > kLongest)
    errors.invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds");
  const std::string own_name = string_at(request, "metadata/name");
  const bool named = !own_name.empty() && own_name != name;
  if (named) errors.invalid("metadata.name", own_name, "must match the service account name if specified");
  if (!errors.empty()) return errors.to_failure(token_request_kind(), named ? name : "");
  if (!spec.contains("audiences") || !spec["audiences"].is_array() || spec["audiences"].empty())
    spec["audiences"] = Json::array({kIssuer});

  Json kubernetes = {{"namespace", ns},
                     {"serviceaccount", {{"name", name}, {"uid", string_at(account->object, "metadata/uid")}}}};
  if (const Json* reference = find(spec, "boundObjectRef"); reference != nullptr && reference->is_object()) {
    auto bound = bound_object(registry, ns, name, *reference);
    if (!bound.ok()) return bound.failure();
    kubernetes.update(*bound);
  }
  const SystemTime now = registry.clock().system_now();
  const SystemTime expiry = now + std::chrono::seconds(seconds);
  const Json claims = {{"iss", kIssuer},
                       {"sub", fmt::format("system:serviceaccount:{}:{}", ns, name)},
                       {"aud", spec["audiences"]},
                       {"iat", unix_seconds(now)},
                       {"nbf", unix_seconds(now)},
                       {"exp", unix_seconds(expiry)},
                       {"kubernetes.io", std::move(kubernetes)}};
  auto token = signer.sign(claims);
  if (!token) return internal_error(token.error().message);
  request["kind"] = "TokenRequest";
  request["apiVersion"] = "authentication.k8s.io/v1";
  if (!request["metadata"].is_object()) request["metadata"] = Json::object();
  request["metadata"]["name"] = name;
  request["metadata"]["namespace"] = ns;
  request["metadata"]["creationTimestamp"] = format_rfc3339(now);
  request["status"] = {{"token", *token}, {"expirationTimestamp", format_rfc3339(expiry)}};
  return request;
}

Result<VerifiedToken> verify_token(const Registry& registry, const TokenSigner& signer, std::string_view token,
                                   const std::vector<std::string>& audiences) {
  const auto refuse = [](std::string why) {
    return make_error(ErrorCode::kUnauthenticated, "[invalid bearer token, " + std::move(why) + "]");
  };
  auto claims = signer.verify(token);
  if (!claims) return claims.error();
  const std::int64_t now = unix_seconds(registry.clock().system_now());
  if (now >= int_at(*claims, "exp").value_or(0)) return refuse("service account token has expired");

  VerifiedToken result;
  const std::vector<std::string> wanted = audiences.empty() ? std::vector<std::string>{kIssuer} : audiences;
  if (const Json* own = find(*claims, "aud"); own != nullptr && own->is_array()) {
    for (const Json& audience : *own) {
      if (audience.is_string() &&
          std::find(wanted.begin(), wanted.end(), audience.get<std::string>()) != wanted.end()) {
        result.audiences.push_back(audience.get<std::string>());
      }
    }
  }
  if (result.audiences.empty()) return refuse("token audiences are not among the target audiences");

  const Json* kubernetes = find(*claims, "kubernetes.io");
  if (kubernetes == nullptr) return refuse("service account token claims are missing");
  const std::string ns = string_at(*kubernetes, "namespace");
  const std::string name = string_at(*kubernetes, "serviceaccount/name");
  const RecordPtr account = registry.store().get("serviceaccounts", object_key(ns, name));
  if (!account || string_at(account->object, "metadata/uid") != string_at(*kubernetes, "serviceaccount/uid")) {
    return refuse("service account token has been invalidated");
  }
  if (const std::string pod = string_at(*kubernetes, "pod/name"); !pod.empty()) {
    const std::string uid = string_at(*kubernetes, "pod/uid");
    const RecordPtr record = registry.store().get("pods", object_key(ns, pod));
    if (!record || string_at(record->object, "metadata/uid") != uid)
      return refuse("service account token has been invalidated");
    result.user.extra["authentication.kubernetes.io/pod-name"] = {pod};
    result.user.extra["authentication.kubernetes.io/pod-uid"] = {uid};
  }
  if (const std::string secret = string_at(*kubernetes, "secret/name"); !secret.empty()) {
    const RecordPtr record = registry.store().get("secrets", object_key(ns, secret));
    if (!record || string_at(record->object, "metadata/uid") != string_at(*kubernetes, "secret/uid")) {
      return refuse("service account token has been invalidated");
    }
  }
  result.user.name = fmt::format("system:serviceaccount:{}:{}", ns, name);
  result.user.uid = string_at(account->object, "metadata/uid");
  result.user.groups = {"system:serviceaccounts", "system:serviceaccounts:" + ns, "system:authenticated"};
  return result;
}

}  // namespace fracta::devcluster
