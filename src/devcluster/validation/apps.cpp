// Deployment and ReplicaSet (apis/apps/validation).
#include <fmt/format.h>

#include <algorithm>

#include "devcluster/store/selector.hpp"
#include "devcluster/validation/pod_parts.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

void non_negative(const Json& object, const std::string& path, const char* field, FieldErrors& errors) {
  const auto value = int_at(object, field);
  if (value && *value < 0) errors.invalid(path + "." + field, *value, kNonNegative);
}

// Without a selector (null) nothing is selected.
void validate_set_template(const Json& spec, const LabelSelector* selector, FieldErrors& errors) {
  const Json pod_template = spec.value("template", Json::object());
  const Json* labels = find_path(pod_template, "metadata/labels");
  if (selector == nullptr || (!selector->empty() && !selector->matches(labels == nullptr ? Json() : *labels)))
    errors.invalid_text("spec.template.metadata.labels", go_string_map(labels == nullptr ? Json() : *labels),
                        "`selector` does not match template `labels`");
  validate_pod_template(pod_template, "spec.template", errors);
  if (const std::string policy = string_at(pod_template, "spec/restartPolicy"); policy != "Always")
    errors.not_supported("spec.template.spec.restartPolicy", policy, {"Always"});
  if (find_path(pod_template, "spec/activeDeadlineSeconds") != nullptr)
    errors.forbidden("spec.template.spec.activeDeadlineSeconds",
                     "activeDeadlineSeconds in ReplicaSet is not Supported");
}

void validate_set_selector(const Json& spec, FieldErrors& errors) {
  const Json* selector = find(spec, "selector");
  if (selector == nullptr || !selector->is_object()) {
    errors.required("spec.selector");
    return validate_set_template(spec, nullptr, errors);
  }
  validate_label_selector(*selector, "spec.selector", errors);
  const Json* labels = find(*selector, "matchLabels");
  const Json* expressions = find(*selector, "matchExpressions");
  if ((labels == nullptr || labels->empty()) && (expressions == nullptr || expressions->empty()))
    errors.invalid_text("spec.selector", go_label_selector(*selector), "empty selector is invalid for deployment");
  if (const auto parsed = LabelSelector::from_object(*selector); parsed.ok())
    validate_set_template(spec, &*parsed, errors);
  else
    errors.invalid_text("spec.selector", go_label_selector(*selector), "invalid label selector");
}

bool is_percent(const std::string& text) {
  return text.size() > 1 && text.back() == '%' && text.find_first_not_of("0123456789") == text.size() - 1;
}

std::int64_t amount(const Json& value) {
  if (value.is_number()) return value.get<std::int64_t>();
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  return parse_int(is_percent(text) ? text.substr(0, text.size() - 1) : text).value_or(0);
}

std::string go_int_or_string(const Json& value) {
  return value.is_string()
             ? fmt::format("intstr.IntOrString{{Type:1, IntVal:0, StrVal:{}}}", go_quote(value.get<std::string>()))
             : fmt::format("intstr.IntOrString{{Type:0, IntVal:{}, StrVal:\"\"}}", amount(value));
}

void validate_amount(const Json& value, const std::string& path, FieldErrors& errors) {
  if (value.is_string() && !is_percent(value.get<std::string>()))
    errors.invalid_text(path, go_int_or_string(value),
                        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
                        "'93%', regex used for validation is '[0-9]+%')");
  else if (value.is_number() && amount(value) < 0)
    errors.invalid(path, value, kNonNegative);
}

void validate_strategy(const Json& spec, FieldErrors& errors) {
  const std::string path = "spec.strategy";
  const Json strategy = spec.value("strategy", Json::object());
  const std::string type = string_at(strategy, "type");
  const Json* rolling = find(strategy, "rollingUpdate");
  if (rolling != nullptr && rolling->is_null()) rolling = nullptr;
  if (type == "Recreate") {
    if (rolling != nullptr)
      errors.forbidden(path + ".rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
  } else if (type != "RollingUpdate") {
    errors.not_supported_text(
        path,
        fmt::format("apps.DeploymentStrategy{{Type:{}, RollingUpdate:(*apps.RollingUpdateDeployment)(nil)}}",
                    go_quote(type)),
        {"Recreate", "RollingUpdate"});
  } else if (rolling == nullptr) {
    errors.required(path + ".rollingUpdate", "this should be defaulted and never be nil");
  } else {
    const Json unavailable = rolling->value("maxUnavailable", Json(0)), surge = rolling->value("maxSurge", Json(0));
    const std::string at = path + ".rollingUpdate.maxUnavailable";
    validate_amount(unavailable, at, errors);
    validate_amount(surge, path + ".rollingUpdate.maxSurge", errors);
    if (amount(unavailable) == 0 && amount(surge) == 0)
      errors.invalid_text(at, go_int_or_string(unavailable), "may not be 0 when `maxSurge` is 0");
    if (unavailable.is_string() && is_percent(unavailable.get<std::string>()) && amount(unavailable) > 100)
      errors.invalid_text(at, go_int_or_string(unavailable), "must not be greater than 100%");
  }
}

void validate_deployment_status(const Json& status, FieldErrors& errors) {
  for (const char* field : {"observedGeneration", "replicas", "updatedReplicas", "fullyLabeledReplicas",
                            "readyReplicas", "availableReplicas", "unavailableReplicas", "collisionCount"})
    non_negative(status, "status", field, errors);
  const auto at = [&](const char* field) { return int_at(status, field).value_or(0); };
  for (const char* field : {"fullyLabeledReplicas", "updatedReplicas", "readyReplicas", "availableReplicas"})
    if (at(field) > at("replicas"))
      errors.invalid(std::string("status.") + field, at(field), "cannot be greater than status.replicas");
  if (at("availableReplicas") > at("readyReplicas"))
    errors.invalid("status.availableReplicas", at("availableReplicas"), "cannot be greater than readyReplicas");
}

}  // namespace

void validate_deployment(const Json& deployment, FieldErrors& errors) {
  const Json spec = deployment.value("spec", Json::object());
  non_negative(spec, "spec", "replicas", errors);
  validate_set_selector(spec, errors);
  validate_strategy(spec, errors);
  for (const char* field : {"minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"})
    non_negative(spec, "spec", field, errors);
  const auto deadline = int_at(spec, "progressDeadlineSeconds");
  if (deadline && *deadline <= int_at(spec, "minReadySeconds").value_or(0))
    errors.invalid("spec.progressDeadlineSeconds", *deadline, "must be greater than minReadySeconds");
}

void validate_replica_set(const Json& replica_set, FieldErrors& errors) {
  const Json spec = replica_set.value("spec", Json::object());
  non_negative(spec, "spec", "replicas", errors);
  non_negative(spec, "spec", "minReadySeconds", errors);
  validate_set_selector(spec, errors);
}

void validate_apps_update(const Kind& kind, const Json& object, const Json& old, std::string_view subresource,
                          FieldErrors& errors) {
  if (subresource == "status") {
    const Json status = object.value("status", Json::object());
    validate_deployment_status(status, errors);
    const auto before = int_at(old, "status/collisionCount").value_or(0);
    if (int_at(status, "collisionCount").value_or(0) < before)
      errors.invalid("status.collisionCount", int_at(status, "collisionCount").value_or(0), "cannot be decremented");
    return;
  }
  if (kind.plural == "deployments")
    validate_deployment(object, errors);
  else
    validate_replica_set(object, errors);
  const Json* selector = find_path(object, "spec/selector");
  const Json* before = find_path(old, "spec/selector");
  if (selector != nullptr && before != nullptr && *selector != *before)
    errors.invalid_text("spec.selector", go_label_selector(*selector), "field is immutable");
}

}  // namespace fracta::devcluster
