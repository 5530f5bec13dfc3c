#include <array>

#include "config/decode.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/quantity.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

void report_all(const View& view, const std::string& value, const std::vector<std::string>& reasons) {
  for (const std::string& reason : reasons) view.error("Invalid value: " + in_quotes(value) + ": " + reason);
}

// Reads an optional name and checks it when it is there.
template <class Check>
std::string checked(const View& view, const Check& check) {
  std::string name = view.text();
  if (!name.empty()) report_all(view, name, check(name));
  return name;
}

StringMap decode_labels(const View& view) {
  constexpr std::array<std::string_view, 3> kReserved = {"app", "fracta-agent-id", "fracta-stream-pod"};
  StringMap labels = view.string_map();
  for (const auto& [key, value] : labels) {
    const View entry = view[key];
    report_all(entry, key, qualified_name_errors(key));
    report_all(entry, value, label_value_errors(value));
    const bool reserved = std::find(kReserved.begin(), kReserved.end(), key) != kReserved.end() ||
                          key.rfind("app.kubernetes.io/", 0) == 0 || key.rfind("fracta.io/", 0) == 0;
    if (reserved) entry.warning("this label belongs to Fracta, whose own value wins");
  }
  return labels;
}

StringMap decode_annotations(const View& view) {
  constexpr std::size_t kMaxBytes = 256 * 1024;
  StringMap annotations = view.string_map();
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations) {
    const View entry = view[key];
    report_all(entry, key, qualified_name_errors(to_lower(key)));
    if (key.rfind("fracta.io/", 0) == 0) entry.warning("this annotation belongs to Fracta, whose own value wins");
    bytes += key.size() + value.size();
  }
  if (bytes > kMaxBytes) view.error("Too long: must have at most 262144 bytes");
  return annotations;
}

StringMap decode_node_selector(const View& view) {
  StringMap selector = view.string_map();
  for (const auto& [key, value] : selector) {
    report_all(view[key], key, qualified_name_errors(key));
    report_all(view[key], value, label_value_errors(value));
  }
  return selector;
}

std::string decode_quantity(const View& own, const View& kubernetes_style) {
  if (own.present() && kubernetes_style.present()) own.error("set twice: also as " + kubernetes_style.path());
  const View& view = own.present() ? own : kubernetes_style;
  std::string text = view.text();
  if (text.empty()) return text;
  const auto quantity = Quantity::parse(text);
  if (!quantity) {
    view.error("Invalid value: " + in_quotes(text) + ": " + quantity.error().message);
  } else if (quantity->negative()) {
    view.error("Invalid value: " + in_quotes(text) + ": must be greater than or equal to 0");
  }
  return text;
}

void check_request(const View& resources, const char* what, const std::string& request, const std::string& limit) {
  const auto low = Quantity::parse(request);
  const auto high = Quantity::parse(limit);
  if (!low || !high || *low <= *high) return;
  const View own = resources[std::string(what) + "_request"];
  const View view = own.present() ? own : resources["requests"][what];
  view.error("Invalid value: " + in_quotes(request) + ": must be less than or equal to " + what + " limit");
}

Resources decode_resources(const View& view) {
  const View requests = view["requests"];
  const View limits = view["limits"];
  Resources resources{decode_quantity(view["cpu_request"], requests["cpu"]),
                      decode_quantity(view["cpu_limit"], limits["cpu"]),
                      decode_quantity(view["memory_request"], requests["memory"]),
                      decode_quantity(view["memory_limit"], limits["memory"])};
  check_request(view, "cpu", resources.cpu_request, resources.cpu_limit);
  check_request(view, "memory", resources.memory_request, resources.memory_limit);
  return resources;
}

std::vector<std::string> decode_pull_secrets(const View& view) {
  std::vector<std::string> names;
  if (view.present() && !view.is_list()) view.error("kubernetes config: must be a list of names");
  for (const View& item : view.items()) {
    const View name = item.is_map() ? item["name"] : item;
    if (name.text().empty()) {
      item.error("must be a name or an object {name: ...}");
      continue;
    }
    names.push_back(checked(name, dns1123_subdomain_errors));
  }
  return names;
}

PodSecurity decode_pod_security(const View& view) {
  const std::string level = view.choice({"restricted", "baseline", "none"}, "");
  if (level == "restricted") return PodSecurity::kRestricted;
  if (level == "baseline") return PodSecurity::kBaseline;
  return level == "none" ? PodSecurity::kNone : PodSecurity::kDefault;
}

std::string decode_mount_path(const View& view) {
  const std::string path = view.text();
  if (path.empty()) return "/workspace";
  if (path[0] != '/') view.error("must be an absolute path");
  if (path.find(':') != std::string::npos) view.error("must not contain ':'");
  const auto steps = split(path, '/');
  if (std::find(steps.begin(), steps.end(), "..") != steps.end()) view.error("must not contain '..'");
  for (const char* taken : {"/etc/fracta", "/var/run/fracta-auth", "/"}) {
    if (path == taken) view.error(in_quotes(path) + " is needed by the agent pod itself");
  }
  return path;
}

// 0 and absent both mean upstream's default; a Job that vanishes at once could not be looked at.
int decode_job_ttl(const View& view) {
  const std::int64_t seconds = view.integer();
  if (seconds < 0) view.error("Invalid value: " + std::to_string(seconds) + ": must be greater than or equal to 0");
  return seconds > 0 && seconds <= INT32_MAX ? static_cast<int>(seconds) : 300;
}

std::optional<std::int64_t> decode_seconds(const View& view, std::int64_t least) {
  if (!view.present()) return std::nullopt;
  const std::int64_t seconds = view.integer(least);
  if (seconds < least) {
    view.error("Invalid value: " + std::to_string(seconds) + ": must be greater than or equal to " +
               std::to_string(least));
  }
  return seconds;
}

}  // namespace

void decode_kubernetes(const View& block, KubernetesConfig& kubernetes) {
  const std::string ns = checked(block["namespace"], dns1123_label_errors);
  if (!ns.empty()) kubernetes.ns = ns;
  kubernetes.image = block["image"].text();
  if (kubernetes.image != trim(kubernetes.image)) block["image"].error("must not have leading or trailing whitespace");
  kubernetes.image_pull_policy = block["image_pull_policy"].choice({"Always", "IfNotPresent", "Never"}, "");
  kubernetes.image_pull_secrets = decode_pull_secrets(block["image_pull_secrets"]);
  kubernetes.service_account = checked(block["service_account"], dns1123_subdomain_errors);
  kubernetes.automount_service_account_token = block["automount_service_account_token"].boolean();
  kubernetes.pvc = checked(block["pvc"], dns1123_subdomain_errors);
  kubernetes.pvc_mount_path = decode_mount_path(block["pvc_mount_path"]);
  kubernetes.labels = decode_labels(block["labels"]);
  kubernetes.annotations = decode_annotations(block["annotations"]);
  kubernetes.node_selector = decode_node_selector(block["node_selector"]);
  kubernetes.resources = decode_resources(block["resources"]);
  kubernetes.job_ttl_seconds = decode_job_ttl(block["job_ttl_seconds"]);
  kubernetes.active_deadline_seconds = decode_seconds(block["active_deadline_seconds"], 1);
  kubernetes.termination_grace_period_seconds = decode_seconds(block["termination_grace_period_seconds"], 0);
  kubernetes.priority_class_name = checked(block["priority_class_name"], dns1123_subdomain_errors);
  kubernetes.runtime_class_name = checked(block["runtime_class_name"], dns1123_subdomain_errors);
  kubernetes.pod_security = decode_pod_security(block["pod_security"]);
  decode_scheduling(block, kubernetes);
  decode_extra_volumes(block, kubernetes);
}

}  // namespace fracta::config
