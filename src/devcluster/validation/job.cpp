// Job (apis/batch/validation).
#include <fmt/format.h>

#include <set>

#include "devcluster/store/selector.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"

namespace fracta::devcluster {

namespace {

void non_negative(const Json& spec, const char* field, FieldErrors& errors) {
  const auto value = int_at(spec, field);
  if (value && *value < 0) errors.invalid(std::string("spec.") + field, *value, "must be greater than or equal to 0");
}

void validate_exit_codes(const Json& requirement, const std::string& path, const std::set<std::string>& containers,
                         FieldErrors& errors) {
  const std::string op = string_at(requirement, "operator");
  if (op.empty())
    errors.required(path + ".operator", "valid values: [\"In\" \"NotIn\"]");
  else if (op != "In" && op != "NotIn")
    errors.not_supported(path + ".operator", op, {"In", "NotIn"});
  const std::string container = string_at(requirement, "containerName");
  if (const Json* named = find(requirement, "containerName");
      named != nullptr && named->is_string() && !containers.contains(container)) {
    errors.invalid(path + ".containerName", container,
                   "must be one of the container or initContainer names in the pod template");
  }
  const Json* listed = find(requirement, "values");
  const Json values = listed != nullptr && listed->is_array() ? *listed : Json::array();
  if (values.empty()) errors.invalid_text(path + ".values", "[]int32{}", "at least one value is required");
  if (values.size() > 255) errors.too_many(path + ".values", values.size(), 255);
  std::set<std::int64_t> seen;
  bool ordered = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto code = values[i].get<std::int64_t>();
    const std::string at = fmt::format("{}.values[{}]", path, i);
    if (op == "In" && code == 0) errors.invalid(at, code, "must not be 0 for the In operator");
    if (!seen.insert(code).second) errors.duplicate(at, code);
    if (i > 0 && values[i - 1].get<std::int64_t>() > code) ordered = false;
  }
  if (!ordered) errors.invalid(path + ".values", values, "must be ordered");
}

void validate_failure_rule(const Json& rule, const std::string& path, const std::set<std::string>& containers,
                           FieldErrors& errors) {
  const std::string action = string_at(rule, "action");
  if (action.empty())
    errors.required(path + ".action", "valid values: [\"Count\" \"FailJob\" \"Ignore\"]");
  else if (action != "Count" && action != "FailJob" && action != "Ignore")
    errors.not_supported(path + ".action", action, {"Count", "FailJob", "Ignore"});
  const Json* codes = find(rule, "onExitCodes");
  if (codes != nullptr && codes->is_null()) codes = nullptr;
  const Json* conditions = find(rule, "onPodConditions");
  if (codes != nullptr) validate_exit_codes(*codes, path + ".onExitCodes", containers, errors);
  const bool has_conditions = conditions != nullptr && !conditions->empty();
  if (has_conditions) {
    for (std::size_t i = 0; i < conditions->size(); ++i) {
      const std::string at = fmt::format("{}.onPodConditions[{}]", path, i);
      validate_qualified_name(string_at((*conditions)[i], "type"), at + ".type", errors);
      const std::string status = string_at((*conditions)[i], "status");
      if (status != "True" && status != "False" && status != "Unknown")
        errors.not_supported(at + ".status", status, {"False", "True", "Unknown"});
    }
  }
  if (codes != nullptr && has_conditions)
    errors.invalid_omitted(path, "specifying both OnExitCodes and OnPodConditions is not supported");
  if (codes == nullptr && !has_conditions)
    errors.invalid_omitted(path, "specifying one of OnExitCodes and OnPodConditions is required");
}

void validate_failure_policy(const Json& spec, FieldErrors& errors) {
  const Json* rules = find_path(spec, "podFailurePolicy/rules");
  if (rules == nullptr || !rules->is_array()) return;
  if (rules->size() > 20) errors.too_many("spec.podFailurePolicy.rules", rules->size(), 20);
  std::set<std::string> containers;
  for (const char* list : {"containers", "initContainers"}) {
    if (const Json* found = find_path(spec, std::string("template/spec/") + list)) {
      for (const Json& container : *found) containers.insert(string_at(container, "name"));
    }
  }
  for (std::size_t i = 0; i < rules->size(); ++i)
    validate_failure_rule((*rules)[i], fmt::format("spec.podFailurePolicy.rules[{}]", i), containers, errors);
}

void validate_restart_policy(const Json& spec, FieldErrors& errors) {
  const std::string policy = string_at(spec, "template/spec/restartPolicy");
  const char* path = "spec.template.spec.restartPolicy";
  if (policy == "Always" || policy.empty())
    errors.required(path, "valid values: \"OnFailure\", \"Never\"");
  else if (policy != "OnFailure" && policy != "Never")
    errors.not_supported(path, policy, {"OnFailure", "Never"});
  else if (find(spec, "podFailurePolicy") != nullptr && policy != "Never")
    errors.invalid(path, policy, "only \"Never\" is supported when podFailurePolicy is specified");
}

void validate_selector(const Json& job, FieldErrors& errors) {
  const Json& spec = job["spec"];
  const Json* selector = find(spec, "selector");
  const Json* labels = find_path(spec, "template/metadata/labels");
  bool matches = false;
  if (selector == nullptr) {
    errors.required("spec.selector");
  } else {
    const auto parsed = LabelSelector::from_object(*selector);
    if (!parsed) return;
    matches = parsed->matches(labels == nullptr ? Json() : *labels);
  }
  if (!matches) {
    errors.invalid_text("spec.template.metadata.labels", go_string_map(labels == nullptr ? Json() : *labels),
                        "`selector` does not match template `labels`");
  }
}

// The labels that make the generated selector true must not be somebody else's.
void validate_generated(const Json& job, FieldErrors& errors) {
  if (bool_at(job, "spec/manualSelector")) return;
  const Json* labels = find_path(job, "spec/template/metadata/labels");
  const auto check = [&](const char* label, const std::string& wanted) {
    const std::string actual = labels == nullptr ? "" : labels->value(label, "");
    if (actual != wanted)
      errors.invalid_text(fmt::format("spec.template.metadata.labels[{}]", label),
                          go_string_map(labels == nullptr ? Json() : *labels), fmt::format("must be '{}'", wanted));
  };
  check("controller-uid", string_at(job, "metadata/uid"));
  check("job-name", string_at(job, "metadata/name"));
  const Json generated = {{"matchLabels", {{"controller-uid", string_at(job, "metadata/uid")}}}};
  const Json* selector = find_path(job, "spec/selector");
  if (selector != nullptr && *selector != generated)
    errors.invalid_text("spec.selector", go_label_selector(*selector), "`selector` not auto-generated");
}

void validate_job_fields(const Json& spec, FieldErrors& errors) {
  for (const char* field :
       {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"})
    non_negative(spec, field, errors);
  const std::string mode = string_at(spec, "completionMode");
  if (mode != "NonIndexed" && mode != "Indexed" && !mode.empty())
    errors.not_supported("spec.completionMode", mode, {"NonIndexed", "Indexed"});
  if (mode == "Indexed" && !int_at(spec, "completions"))
    errors.required("spec.completions", "when completion mode is Indexed");
  constexpr std::int64_t kMostParallel = 100'000;  // bounds the length of status.completedIndexes
  if (const auto parallelism = int_at(spec, "parallelism");
      mode == "Indexed" && parallelism && *parallelism > kMostParallel)
    errors.invalid("spec.parallelism", *parallelism,
                   fmt::format("must be less than or equal to {} when completion mode is Indexed", kMostParallel));
  validate_failure_policy(spec, errors);
  validate_pod_template(spec.value("template", Json::object()), "spec.template", errors);
  validate_restart_policy(spec, errors);
}

}  // namespace

void validate_job(const Json& job, FieldErrors& errors) {
  validate_generated(job, errors);
  validate_job_fields(job["spec"], errors);
  validate_selector(job, errors);
  // Pods of an Indexed Job have its name and their index as host name.
  const std::int64_t completions = int_at(job, "spec/completions").value_or(0);
  if (string_at(job, "spec/completionMode") != "Indexed" || completions <= 0) return;
  const std::string name = string_at(job, "metadata/name"), host = fmt::format("{}-{}", name, completions - 1);
  if (!dns1123_label_errors(host).empty())
    errors.invalid("metadata.name", name, "will not able to create pod with invalid DNS label: " + host);
}

void validate_job_update(const Json& job, const Json& old, FieldErrors& errors) {
  const Json& spec = job["spec"];
  const Json& before = old["spec"];
  validate_job_fields(spec, errors);
  validate_selector(job, errors);
  for (const char* field : {"completions", "selector"}) {
    if (spec.value(field, Json()) != before.value(field, Json()))
      errors.invalid(std::string("spec.") + field, spec.value(field, Json()), "field is immutable");
  }
  // Scheduling directives may change while a Job that never started is suspended.
  Json ours = spec.value("template", Json::object());
  Json theirs = before.value("template", Json::object());
  if (bool_at(before, "suspend") && find_path(old, "status/startTime") == nullptr) {
    for (Json* pod_template : {&ours, &theirs}) {
      Json& pod = (*pod_template)["spec"];
      for (const char* field : {"affinity", "nodeSelector", "tolerations", "schedulingGates"}) pod.erase(field);
      (*pod_template)["metadata"].erase("labels");
      (*pod_template)["metadata"].erase("annotations");
    }
  }
  if (ours != theirs) errors.invalid_text("spec.template", "core.PodTemplateSpec{...}", "field is immutable");
  for (const char* field : {"completionMode", "podFailurePolicy"}) {
    if (spec.value(field, Json()) != before.value(field, Json()))
      errors.invalid(std::string("spec.") + field, spec.value(field, Json()), "field is immutable");
  }
}

}  // namespace fracta::devcluster
