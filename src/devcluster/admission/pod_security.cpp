#include "devcluster/admission/pod_security.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::size_t kMostPods = 3000;  // looked at when a namespace's level rises

const char* level_name(SecurityLevel level) {
  switch (level) {
    case SecurityLevel::kPrivileged:
      return "privileged";
    case SecurityLevel::kBaseline:
      return "baseline";
    case SecurityLevel::kRestricted:
      return "restricted";
  }
  return "";
}

std::optional<SecurityLevel> parse_level(const std::string& text) {
  for (const auto level : {SecurityLevel::kPrivileged, SecurityLevel::kBaseline, SecurityLevel::kRestricted})
    if (text == level_name(level)) return level;
  return std::nullopt;
}

// "latest" or "v1.x": the outer optional is empty when it is neither.
std::optional<std::optional<int>> parse_version(const std::string& text) {
  if (text == "latest") return std::optional<int>();
  if (!text.starts_with("v1.") || text.size() > 8) return std::nullopt;
  const std::string digits = text.substr(3);
  if (digits.empty() || (digits.size() > 1 && digits[0] == '0') ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return std::optional<int>(static_cast<int>(parse_int(digits).value_or(0)));
}

bool is_privileged(const SecurityStandard& standard) { return standard.level == SecurityLevel::kPrivileged; }

const Json kEmpty = Json::object();

const Json& part(const Json& object, std::string_view path) {
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_object() ? *found : kEmpty;
}

// Images are what an update of a pod can change that matters here; and seccomp annotations.
bool is_significant(const Json& pod, const Json& old) {
  for (const char* list : {"containers", "initContainers", "ephemeralContainers"}) {
    const Json* now = find_path(pod, std::string("spec/") + list);
    const Json* before = find_path(old, std::string("spec/") + list);
    const std::size_t count = now == nullptr ? 0 : now->size();
    if (count != (before == nullptr ? 0 : before->size())) return true;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = "container.seccomp.security.alpha.kubernetes.io/" + string_at((*now)[i], "name");
      if (string_at((*now)[i], "image") != string_at((*before)[i], "image") ||
          part(pod, "metadata/annotations").value(key, "") != part(old, "metadata/annotations").value(key, ""))
        return true;
    }
  }
  return false;
}

void warn(std::vector<std::string>* warnings, std::string text) {
  if (warnings != nullptr) warnings->push_back(std::move(text));
}

void warn_of(const SecurityStandard& standard, const Json& metadata, const Json& spec,
             std::vector<std::string>* warnings) {
  if (const Violations found = check_standard(standard, metadata, spec); !found.reasons.empty())
    warn(warnings, fmt::format("would violate PodSecurity \"{}\": {}", standard.text(), found.with_details()));
}

// A level that rises does not touch the pods that are there; the operator is told which of them would not come back.
void check_present_pods(const Registry& registry, const std::string& ns, const SecurityStandard& standard,
                        std::vector<std::string>* warnings) {
  const auto snapshot = registry.store().list("pods", ns + "/");
  std::map<std::string, std::vector<std::string>> pods;  // reasons -> names
  std::size_t checked = 0;
  for (const auto& [key, record] : snapshot->records) {
    if (checked == kMostPods) break;
    ++checked;
    const Violations found = check_standard(standard, part(record->object, "metadata"), part(record->object, "spec"));
    if (!found.reasons.empty()) pods[join(found.reasons, ", ")].push_back(string_at(record->object, "metadata/name"));
  }
  if (checked < snapshot->records.size())
    warn(warnings, fmt::format("new PodSecurity enforce level only checked against the first {} of {} existing pods",
                               checked, snapshot->records.size()));
  if (pods.empty()) return;
  warn(warnings, fmt::format("existing pods in namespace \"{}\" violate the new PodSecurity enforce level \"{}\"", ns,
                             standard.text()));
  std::vector<std::string> lines;
  for (const auto& [reasons, names] : pods) {
    const std::string& first = *std::min_element(names.begin(), names.end());
    const std::size_t others = names.size() - 1;
    const std::string more = others == 0 ? "" : fmt::format(" (and {} other pod{})", others, others == 1 ? "" : "s");
    lines.push_back(fmt::format("{}{}: {}", first, more, reasons));
  }
  std::sort(lines.begin(), lines.end());
  for (auto& line : lines) warn(warnings, std::move(line));
}

Outcome<Done> admit_namespace(const Registry& registry, const Kind& kind, const Json& object, const Json* old,
                              std::vector<std::string>* warnings) {
  const std::string name = string_at(object, "metadata/name");
  FieldErrors errors, old_errors;
  const SecurityPolicy policy = security_policy(find_path(object, "metadata/labels"), errors);
  const SecurityPolicy before =
      security_policy(old == nullptr ? nullptr : find_path(*old, "metadata/labels"), old_errors);
  if (!errors.empty() &&
      (old_errors.empty() || errors.to_failure(kind, name).message != old_errors.to_failure(kind, name).message))
    return errors.to_failure(kind, name);
  if (old == nullptr || policy.enforce == before.enforce || is_privileged(policy.enforce)) return Done{};
  if (policy.enforce.minor == before.enforce.minor && policy.enforce.level <= before.enforce.level) return Done{};
  check_present_pods(registry, name, policy.enforce, warnings);
  return Done{};
}

}  // namespace

std::string SecurityStandard::text() const {
  return fmt::format("{}:{}", level_name(level), minor ? fmt::format("v1.{}", *minor) : "latest");
}

std::string Violations::with_details() const {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < reasons.size(); ++i)
    parts.push_back(details[i].empty() ? reasons[i] : fmt::format("{} ({})", reasons[i], details[i]));
  return join(parts, ", ");
}

SecurityPolicy security_policy(const Json* labels, FieldErrors& errors) {
  SecurityPolicy policy;
  if (labels == nullptr || !labels->is_object()) return policy;
  const auto read = [&](const std::string& mode, SecurityStandard& standard, SecurityLevel fallback) {
    const std::string label = "pod-security.kubernetes.io/" + mode;
    bool good = false;
    if (const Json* value = find(*labels, label); value != nullptr) {
      const auto level = parse_level(value->get<std::string>());
      good = level.has_value();
      standard.level = level.value_or(fallback);
      if (!good)
        errors.invalid("metadata.labels[" + label + "]", *value, "must be one of privileged, baseline, restricted");
    }
    if (const Json* value = find(*labels, label + "-version"); value != nullptr) {
      const auto version = parse_version(value->get<std::string>());
      if (version) standard.minor = *version;
      if (!version) errors.invalid("metadata.labels[" + label + "-version]", *value, "must be \"latest\" or \"v1.x\"");
    }
    return good;
  };
  const bool enforced = read("enforce", policy.enforce, SecurityLevel::kRestricted);
  (void)read("audit", policy.audit, SecurityLevel::kPrivileged);
  (void)read("warn", policy.warn, SecurityLevel::kPrivileged);
  // Who enforces also warns, unless told otherwise: templates are only ever warned about.
  if (enforced && !labels->contains("pod-security.kubernetes.io/warn") && policy.enforce.level > policy.warn.level) {
    policy.warn.level = policy.enforce.level;
    if (!labels->contains("pod-security.kubernetes.io/warn-version")) policy.warn.minor = policy.enforce.minor;
  }
  return policy;
}

Outcome<Done> admit_pod_security(const Registry& registry, const Kind& kind, std::string_view ns, const Json& object,
                                 const Json* old, std::vector<std::string>* warnings) {
  if (kind.plural == "namespaces") return admit_namespace(registry, kind, object, old, warnings);
  const bool pod = kind.plural == "pods";
  // Templates are only ever warned about.
  if (!pod && (warnings == nullptr || find_path(object, "spec/template/spec") == nullptr)) return Done{};
  const RecordPtr space = registry.store().get("namespaces", ns);
  if (!space) return Done{};
  FieldErrors ignored;
  const SecurityPolicy policy = security_policy(find_path(space->object, "metadata/labels"), ignored);
  if (!pod) {
    warn_of(policy.warn, part(object, "spec/template/metadata"), part(object, "spec/template/spec"), warnings);
    return Done{};
  }
  if (old != nullptr && !is_significant(object, *old)) return Done{};
  const Json& metadata = part(object, "metadata");
  const Json& spec = part(object, "spec");
  if (const Violations found = check_standard(policy.enforce, metadata, spec); !found.reasons.empty())
    return forbidden(kind, string_at(object, "metadata/name"),
                     fmt::format("violates PodSecurity \"{}\": {}", policy.enforce.text(), found.with_details()));
  warn_of(policy.warn, metadata, spec, warnings);
  return Done{};
}

}  // namespace fracta::devcluster
