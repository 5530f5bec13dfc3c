// Where a pod may run: affinity and topology spread (apis/core/validation).
#include <fmt/format.h>

#include <algorithm>

#include "devcluster/validation/pod_parts.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"

namespace fracta::devcluster {

namespace {

constexpr const char* kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr const char* kPreferred = "preferredDuringSchedulingIgnoredDuringExecution";

// Calls visit(item, path) for every item of object[field].
template <class Visit>
void each(const Json& object, const char* field, const std::string& path, const Visit& visit) {
  const Json& list = list_at(object, field);
  for (std::size_t i = 0; i < list.size(); ++i) visit(list[i], fmt::format("{}.{}[{}]", path, field, i));
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }

// The operators that nodes' and labels' selectors have in common; false: not one of them.
bool check_operator(const Json& expression, const std::string& path, FieldErrors& errors) {
  const std::string op = string_at(expression, "operator");
  const bool given = !list_at(expression, "values").empty();
  if (op == "In" || op == "NotIn") {
    if (!given) errors.required(path + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (given) errors.forbidden(path + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else {
    return false;
  }
  return true;
}

void check_node_field(const Json& expression, const std::string& path, FieldErrors& errors) {
  const std::string op = string_at(expression, "operator");
  const std::string key = string_at(expression, "key");
  const Json& values = list_at(expression, "values");
  if (op != "In" && op != "NotIn")
    errors.invalid(path + ".operator", op, "not a valid selector operator");
  else if (values.size() != 1)
    errors.required(path + ".values",
                    "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
  if (key != "metadata.name") return errors.invalid(path + ".key", key, "not a valid field selector key");
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (const std::string& problem : dns1123_subdomain_errors(text_of(values[i])))
      errors.invalid(fmt::format("{}.values[{}]", path, i), values[i], problem);
  }
}

void check_node_term(const Json& term, const std::string& path, FieldErrors& errors) {
  each(term, "matchExpressions", path, [&](const Json& expression, const std::string& at) {
    const std::string op = string_at(expression, "operator");
    if (op == "Gt" || op == "Lt") {
      if (list_at(expression, "values").size() != 1)
        errors.required(at + ".values", "must be specified single value when `operator` is 'Lt' or 'Gt'");
    } else if (!check_operator(expression, at, errors)) {
      errors.invalid(at + ".operator", op, "not a valid selector operator");
    }
    validate_qualified_name(string_at(expression, "key"), at + ".key", errors);
  });
  each(term, "matchFields", path,
       [&](const Json& expression, const std::string& at) { check_node_field(expression, at, errors); });
}

void check_weight(const Json& term, const std::string& path, FieldErrors& errors) {
  const std::int64_t weight = int_at(term, "weight").value_or(0);
  if (weight < 1 || weight > 100) errors.invalid(path + ".weight", weight, "must be in the range 1-100");
}

void check_pod_term(const Json& term, const std::string& path, FieldErrors& errors) {
  for (const char* selector : {"labelSelector", "namespaceSelector"}) {
    if (const Json* found = find(term, selector)) validate_label_selector(*found, path + "." + selector, errors);
  }
  for (const Json& name : list_at(term, "namespaces")) {
    for (const std::string& problem : dns1123_label_errors(text_of(name)))
      errors.invalid(path + ".namespace", name, problem);
  }
  const std::string key = string_at(term, "topologyKey");
  if (key.empty()) errors.required(path + ".topologyKey", "can not be empty");
  validate_qualified_name(key, path + ".topologyKey", errors);
}

}  // namespace

void validate_label_selector(const Json& selector, const std::string& path, FieldErrors& errors) {
  if (const Json* labels = find(selector, "matchLabels")) validate_labels(*labels, path + ".matchLabels", errors);
  each(selector, "matchExpressions", path, [&](const Json& expression, const std::string& at) {
    if (!check_operator(expression, at, errors))
      errors.invalid(at + ".operator", string_at(expression, "operator"), "not a valid selector operator");
    validate_qualified_name(string_at(expression, "key"), at + ".key", errors);
    const Json& values = list_at(expression, "values");
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (const std::string& problem : label_value_errors(text_of(values[i])))
        errors.invalid(fmt::format("{}.values[{}]", at, i), values[i], problem);
    }
  });
}

void validate_affinity(const Json& affinity, const std::string& path, FieldErrors& errors) {
  if (const Json* node = find(affinity, "nodeAffinity")) {
    const std::string at = path + ".nodeAffinity";
    if (const Json* required = find(*node, kRequired)) {
      const std::string terms = fmt::format("{}.{}", at, kRequired);
      if (list_at(*required, "nodeSelectorTerms").empty())
        errors.required(terms + ".nodeSelectorTerms", "must have at least one node selector term");
      each(*required, "nodeSelectorTerms", terms,
           [&](const Json& term, const std::string& where) { check_node_term(term, where, errors); });
    }
    each(*node, kPreferred, at, [&](const Json& term, const std::string& where) {
      check_weight(term, where, errors);
      check_node_term(term.value("preference", Json::object()), where + ".preference", errors);
    });
  }
  for (const char* kind : {"podAffinity", "podAntiAffinity"}) {
    const Json* pods = find(affinity, kind);
    if (pods == nullptr) continue;
    const std::string at = path + "." + kind;
    each(*pods, kRequired, at,
         [&](const Json& term, const std::string& where) { check_pod_term(term, where, errors); });
    each(*pods, kPreferred, at, [&](const Json& term, const std::string& where) {
      check_weight(term, where, errors);
      check_pod_term(term.value("podAffinityTerm", Json::object()), where + ".podAffinityTerm", errors);
    });
  }
}

void validate_topology_spread(const Json& constraints, const std::string& path, FieldErrors& errors) {
  const auto unsupported = [&](const std::string& field, const std::string& value,
                               const std::vector<std::string>& words) {
    if (std::find(words.begin(), words.end(), value) == words.end()) errors.not_supported(field, value, words);
  };
  const auto pair_of = [](const Json& constraint) {
    return fmt::format("{{{}, {}}}", string_at(constraint, "topologyKey"), string_at(constraint, "whenUnsatisfiable"));
  };
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    const Json& constraint = constraints[i];
    const std::string at = fmt::format("{}[{}]", path, i);
    const std::int64_t skew = int_at(constraint, "maxSkew").value_or(0);
    if (skew <= 0) errors.invalid(at + ".maxSkew", skew, "must be greater than zero");
    const std::string key = string_at(constraint, "topologyKey");
    if (key.empty()) errors.required(at + ".topologyKey", "can not be empty");
    const std::string action = string_at(constraint, "whenUnsatisfiable");
    unsupported(at + ".whenUnsatisfiable", action, {"DoNotSchedule", "ScheduleAnyway"});
    const std::string pair = pair_of(constraint);
    const auto later = constraints.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    if (std::any_of(later, constraints.end(), [&](const Json& other) { return pair_of(other) == pair; }))
      errors.duplicate(at + ".{topologyKey, whenUnsatisfiable}", pair);
    for (const char* policy : {"nodeAffinityPolicy", "nodeTaintsPolicy"}) {
      if (find(constraint, policy) != nullptr)
        unsupported(at + "." + policy, string_at(constraint, policy), {"Honor", "Ignore"});
    }
  }
}

}  // namespace fracta::devcluster
