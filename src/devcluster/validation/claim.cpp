// PersistentVolumeClaim, ResourceQuota and LimitRange (apis/core/validation).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "devcluster/admission/resources.hpp"
#include "devcluster/validation/pod_parts.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

using Words = std::vector<std::string>;

bool is_standard_quota(const std::string& name) {
  static const std::set<std::string, std::less<>> kStandard = {"cpu",
                                                               "memory",
                                                               "ephemeral-storage",
                                                               "requests.cpu",
                                                               "requests.memory",
                                                               "requests.storage",
                                                               "requests.ephemeral-storage",
                                                               "limits.cpu",
                                                               "limits.memory",
                                                               "limits.ephemeral-storage",
                                                               "pods",
                                                               "resourcequotas",
                                                               "services",
                                                               "replicationcontrollers",
                                                               "secrets",
                                                               "persistentvolumeclaims",
                                                               "configmaps",
                                                               "services.nodeports",
                                                               "services.loadbalancers"};
  return kStandard.contains(name) || name.starts_with("hugepages-") || name.starts_with("requests.hugepages-");
}

bool is_counted(const std::string& name) {
  static const std::set<std::string, std::less<>> kCounted = {
      "pods",       "resourcequotas",         "services",           "replicationcontrollers", "secrets",
      "configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers"};
  return kCounted.contains(name);
}

bool fits_scope(const std::string& scope, const std::string& name) {
  if (scope == "BestEffort") return name == "pods";
  if (scope != "Terminating" && scope != "NotTerminating" && scope != "NotBestEffort" && scope != "PriorityClass" &&
      scope != "CrossNamespacePodAffinity")
    return true;
  static const std::set<std::string, std::less<>> kPods = {"cpu",
                                                           "memory",
                                                           "requests.cpu",
                                                           "requests.memory",
                                                           "limits.cpu",
                                                           "limits.memory",
                                                           "pods",
                                                           "ephemeral-storage",
                                                           "requests.ephemeral-storage",
                                                           "limits.ephemeral-storage"};
  return kPods.contains(name);
}

// Go's %#v of a quantity.
std::string go_quantity(const Quantity& quantity) {
  const std::string text = quantity.canonical();
  const auto end = text.find_first_not_of("-0123456789");
  const std::string number = text.substr(0, end), suffix = end == std::string::npos ? "" : text.substr(end);
  static const std::map<std::string, int> kScales = {{"n", -9}, {"u", -6}, {"m", -3}, {"k", 3}, {"M", 6},
                                                     {"G", 9},  {"T", 12}, {"P", 15}, {"E", 18}};
  const auto scale = kScales.find(suffix);
  const bool binary = suffix.ends_with('i');
  return fmt::format(
      "resource.Quantity{{i:resource.int64Amount{{value:{}, scale:{}}}, "
      "d:resource.infDecAmount{{Dec:(*inf.Dec)(nil)}}, "
      "s:{}, Format:\"{}\"}}",
      binary ? std::to_string(quantity.value()) : number, scale == kScales.end() ? 0 : scale->second, go_quote(text),
      binary ? "BinarySI" : "DecimalSI");
}

void validate_quantity(const std::string& name, const Quantity& value, const std::string& path, FieldErrors& errors) {
  if (value.negative()) errors.invalid(path, value.canonical(), kNonNegative);
  if (is_counted(name) && value.milli_value() % 1000 != 0)
    errors.invalid_text(path, go_quantity(value), "must be an integer");
}

void validate_scopes(const Json& spec, FieldErrors& errors) {
  const Json& scopes = list_at(spec, "scopes");
  if (scopes.empty()) return;
  static const Words kKnown = {"Terminating",   "NotTerminating", "BestEffort",
                               "NotBestEffort", "PriorityClass",  "CrossNamespacePodAffinity"};
  std::string text = "[]core.ResourceQuotaScope{";
  std::set<std::string> given;
  for (const Json& scope : scopes) {
    text += (given.empty() ? "" : ", ") + go_value(scope);
    given.insert(scope.get<std::string>());
  }
  text += "}";
  for (const Json& scope : scopes) {
    if (std::find(kKnown.begin(), kKnown.end(), scope.get<std::string>()) == kKnown.end())
      errors.invalid_text("spec.scopes", text, "unsupported scope");
    for (const auto& [name, value] : resources_at(spec, "hard"))
      if (is_standard_quota(name) && !fits_scope(scope.get<std::string>(), name))
        errors.invalid_text("spec.scopes", text, "unsupported scope applied to resource");
  }
  for (const auto& [one, other] : {std::pair{"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"}})
    if (given.contains(one) && given.contains(other)) errors.invalid_text("spec.scopes", text, "conflicting scopes");
}

}  // namespace

void validate_claim(const Json& claim, FieldErrors& errors) {
  const Json spec = claim.value("spec", Json::object());
  const Json& modes = list_at(spec, "accessModes");
  if (modes.empty()) errors.required("spec.accessModes", "at least 1 access mode is required");
  if (const Json* selector = find(spec, "selector"); selector != nullptr && selector->is_object())
    validate_label_selector(*selector, "spec.selector", errors);
  static const Words kModes = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce"};
  for (const Json& mode : modes)
    if (std::find(kModes.begin(), kModes.end(), mode.get<std::string>()) == kModes.end())
      errors.not_supported("spec.accessModes", mode.get<std::string>(), kModes);
  const ResourceList requests = resources_at(spec, "resources/requests");
  const std::string path = "spec.resources[storage]";
  if (const auto storage = requests.find("storage"); storage == requests.end())
    errors.required(path);
  else if (storage->second.negative() || storage->second.zero())
    errors.invalid(path, storage->second.canonical(), "must be greater than zero");
  if (const std::string name = string_at(spec, "storageClassName"); !name.empty())
    for (const auto& problem : dns1123_subdomain_errors(name)) errors.invalid("spec.storageClassName", name, problem);
  if (const std::string mode = string_at(spec, "volumeMode"); !mode.empty() && mode != "Block" && mode != "Filesystem")
    errors.not_supported("spec.volumeMode", mode, {"Block", "Filesystem"});
}

void validate_claim_update(const Json& claim, const Json& old, FieldErrors& errors) {
  validate_claim(claim, errors);
  Json spec = claim.value("spec", Json::object());
  const Json before = old.value("spec", Json::object());
  const ResourceList now = resources_at(spec, "resources/requests"), then = resources_at(before, "resources/requests");
  const bool bound = string_at(old, "status/phase") == "Bound";
  const bool sized = now.contains("storage") && then.contains("storage");
  if (bound && sized) spec["resources"]["requests"]["storage"] = before["resources"]["requests"]["storage"];
  if (string_at(before, "volumeName").empty()) spec.erase("volumeName");
  if (spec != before)
    errors.forbidden("spec", "spec is immutable after creation except resources.requests for bound claims");
  if (sized && now.at("storage") < then.at("storage"))
    errors.forbidden("spec.resources.requests.storage", "field can not be less than previous value");
}

void validate_resource_quota(const Json& quota, FieldErrors& errors) {
  const Json spec = quota.value("spec", Json::object());
  for (const auto& [name, value] : resources_at(spec, "hard")) {
    const std::string path = "spec.hard[" + name + "]";
    for (const auto& problem : qualified_name_errors(name)) errors.invalid(path, name, problem);
    if (name.find('/') == std::string::npos && qualified_name_errors(name).empty()) {
      if (!is_standard_quota(name)) {
        errors.invalid(path, name, "must be a standard resource type or fully qualified");
        errors.invalid(path, name, "must be a standard resource for quota");
      }
    }
    validate_quantity(name, value, path, errors);
  }
  validate_scopes(spec, errors);
}

void validate_resource_quota_update(const Json& quota, const Json& old, FieldErrors& errors) {
  validate_resource_quota(quota, errors);
  const auto scopes = [](const Json& object) {
    std::set<std::string> result;
    if (const Json* list = find_path(object, "spec/scopes"); list != nullptr && list->is_array())
      for (const Json& scope : *list) result.insert(scope.get<std::string>());
    return result;
  };
  if (scopes(quota) == scopes(old)) return;
  Words quoted;
  for (const Json& scope : list_at(quota["spec"], "scopes")) quoted.push_back(go_value(scope));
  errors.invalid_text(
      "spec.scopes",
      quoted.empty() ? "[]core.ResourceQuotaScope(nil)" : "[]core.ResourceQuotaScope{" + join(quoted, ", ") + "}",
      "field is immutable");
}

void validate_limit_range(const Json& range, FieldErrors& errors) {
  const Json limits = range.value("spec", Json::object()).value("limits", Json::array());
  std::set<std::string> types;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const Json& limit = limits[i];
    const std::string path = fmt::format("spec.limits[{}]", i), type = string_at(limit, "type");
    if (const auto problems = qualified_name_errors(type); !problems.empty()) {
      for (const auto& problem : problems) errors.invalid(path + ".type", type, problem);
    } else if (type.find('/') == std::string::npos && type != "Pod" && type != "Container" &&
               type != "PersistentVolumeClaim") {
      errors.invalid(path + ".type", type, "must be a standard limit type or fully qualified");
    }
    if (!types.insert(type).second) errors.duplicate(path + ".type", type);
    if (type == "Pod")
      for (const char* field : {"default", "defaultRequest"})
        if (const Json* given = find(limit, field); given != nullptr && !given->empty())
          errors.forbidden(path + "." + field, "may not be specified when `type` is 'Pod'");
    const ResourceList least = resources_at(limit, "min"), most = resources_at(limit, "max");
    if (type == "PersistentVolumeClaim" && !least.contains("storage") && !most.contains("storage"))
      errors.required(path + ".limits",
                      "either minimum or maximum storage value is required, but neither was provided");
    const auto ordered = [&](const ResourceList& small, const ResourceList& large, const char* small_name,
                             const char* large_name, const char* field, bool value_is_small) {
      for (const auto& [name, value] : small)
        if (const auto other = large.find(name); other != large.end() && value > other->second)
          errors.invalid_text(fmt::format("{}.{}[{}]", path, field, name),
                              go_quantity(value_is_small ? value : other->second),
                              fmt::format("{} value {} is greater than {} value {}", small_name, value.canonical(),
                                          large_name, other->second.canonical()));
    };
    const ResourceList usual = resources_at(limit, "default"), asked = resources_at(limit, "defaultRequest");
    ordered(least, most, "min", "max", "min", true);
    ordered(least, asked, "min", "default request", "defaultRequest", false);
    ordered(asked, most, "default request", "max", "defaultRequest", true);
    ordered(asked, usual, "default request", "default limit", "defaultRequest", true);
    ordered(least, usual, "min", "default", "default", true);
    ordered(usual, most, "default", "max", "default", false);
    for (const auto& [name, ratio] : resources_at(limit, "maxLimitRequestRatio"))
      if (ratio < Quantity::whole(1))
        errors.invalid_text(fmt::format("{}.maxLimitRequestRatio[{}]", path, name), go_quantity(ratio),
                            fmt::format("ratio {} is less than 1", ratio.canonical()));
  }
}

}  // namespace fracta::devcluster
