// What objects count for in a quota, and which quotas concern them.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "devcluster/admission/quota.hpp"
#include "devcluster/store/selector.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

const std::set<std::string, std::less<>> kPodResources = {"pods",
                                                          "count/pods",
                                                          "cpu",
                                                          "memory",
                                                          "ephemeral-storage",
                                                          "requests.cpu",
                                                          "requests.memory",
                                                          "requests.ephemeral-storage",
                                                          "limits.cpu",
                                                          "limits.memory",
                                                          "limits.ephemeral-storage"};
const std::set<std::string, std::less<>> kServiceResources = {"services", "count/services", "services.nodeports",
                                                              "services.loadbalancers"};
const std::set<std::string, std::less<>> kClaimResources = {"persistentvolumeclaims", "requests.storage",
                                                            "count/persistentvolumeclaims"};
constexpr std::string_view kStorageClass = ".storageclass.storage.k8s.io/";

std::string count_name(const Kind& kind) { return "count/" + kind.resource(); }

// Kinds that had a name of their own before counts were general.
bool has_short_count(const Kind& kind) {
  return kind.plural == "configmaps" || kind.plural == "secrets" || kind.plural == "resourcequotas";
}

// Pods that ended, or whose time is up, take nothing but their count.
bool takes_resources(const Json& pod, SystemTime now) {
  const std::string phase = string_at(pod, "status/phase");
  if (phase == "Failed" || phase == "Succeeded") return false;
  const auto deleted = parse_rfc3339(string_at(pod, "metadata/deletionTimestamp"));
  const auto grace = int_at(pod, "metadata/deletionGracePeriodSeconds");
  return !deleted || !grace || now <= *deleted + std::chrono::seconds{*grace};
}

ResourceList compute(const ResourceList& requests, const ResourceList& limits) {
  ResourceList usage{{"pods", Quantity::whole(1)}};
  for (const auto& [name, quantity] : requests) {
    if (name == "cpu" || name == "memory" || name == "ephemeral-storage" || name.starts_with("hugepages-"))
      usage.emplace(name, quantity);
    usage.emplace("requests." + name, quantity);
  }
  for (const auto& [name, quantity] : limits)
    if (name == "cpu" || name == "memory" || name == "ephemeral-storage") usage.emplace("limits." + name, quantity);
  return usage;
}

ResourceList pod_usage(const Json& pod, SystemTime now) {
  ResourceList usage{{"count/pods", Quantity::whole(1)}};
  if (!takes_resources(pod, now)) return usage;
  const auto total = [&](const std::string& what) {
    ResourceList sum;
    if (const Json* containers = find_path(pod, "spec/containers"); containers != nullptr && containers->is_array())
      for (const Json& container : *containers) add_all(sum, resources_at(container, "resources/" + what));
    if (const Json* init = find_path(pod, "spec/initContainers"); init != nullptr && init->is_array())
      for (const Json& container : *init) raise_all(sum, resources_at(container, "resources/" + what));
    return sum;
  };
  add_all(usage, compute(total("requests"), total("limits")));
  return usage;
}

ResourceList service_usage(const Json& service) {
  const std::string type = string_at(service, "spec/type");
  std::int64_t node_ports = 0;
  const Json* ports = find_path(service, "spec/ports");
  if (ports != nullptr && ports->is_array() && (type == "NodePort" || type == "LoadBalancer")) {
    const bool allocated = type == "NodePort" || bool_at(service, "spec/allocateLoadBalancerNodePorts", true);
    for (const Json& port : *ports) node_ports += allocated || int_at(port, "nodePort").value_or(0) != 0 ? 1 : 0;
  }
  return {{"services", Quantity::whole(1)},
          {"count/services", Quantity::whole(1)},
          {"services.nodeports", Quantity::whole(node_ports)},
          {"services.loadbalancers", Quantity::whole(type == "LoadBalancer" ? 1 : 0)}};
}

ResourceList claim_usage(const Json& claim) {
  ResourceList usage{{"persistentvolumeclaims", Quantity::whole(1)},
                     {"count/persistentvolumeclaims", Quantity::whole(1)}};
  const ResourceList requests = resources_at(claim, "spec/resources/requests");
  const auto storage = requests.find("storage");
  if (storage != requests.end()) usage.emplace("requests.storage", storage->second);
  if (const std::string of_class = string_at(claim, "spec/storageClassName"); !of_class.empty()) {
    usage.emplace(of_class + std::string(kStorageClass) + "persistentvolumeclaims", Quantity::whole(1));
    if (storage != requests.end())
      usage.emplace(of_class + std::string(kStorageClass) + "requests.storage", storage->second);
  }
  return usage;
}

bool crosses_namespaces(const Json& pod) {
  for (const char* kind : {"podAffinity", "podAntiAffinity"})
    for (const char* strength :
         {"requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"}) {
      const Json* terms = find_path(pod, fmt::format("spec/affinity/{}/{}", kind, strength));
      if (terms == nullptr || !terms->is_array()) continue;
      for (const Json& entry : *terms) {
        const Json* inner = find(entry, "podAffinityTerm");
        const Json& term = inner != nullptr ? *inner : entry;
        const Json* names = find(term, "namespaces");
        if ((names != nullptr && !names->empty()) || find(term, "namespaceSelector") != nullptr) return true;
      }
    }
  return false;
}

// One scope of a quota: {scopeName, operator, values}.
bool in_scope(const Json& scope, const Json& pod) {
  const std::string name = string_at(scope, "scopeName"), op = string_at(scope, "operator");
  const bool terminating = int_at(pod, "spec/activeDeadlineSeconds").value_or(-1) >= 0;
  const bool best_effort = string_at(pod, "status/qosClass") == "BestEffort";
  if (name == "Terminating") return terminating;
  if (name == "NotTerminating") return !terminating;
  if (name == "BestEffort") return best_effort;
  if (name == "NotBestEffort") return !best_effort;
  if (name == "CrossNamespacePodAffinity") return crosses_namespaces(pod);
  if (name != "PriorityClass") return false;
  const std::string priority = string_at(pod, "spec/priorityClassName");
  if (op == "Exists") return !priority.empty();
  if (op == "DoesNotExist") return priority.empty();
  const Json* values = find(scope, "values");
  const bool listed = values != nullptr && std::find(values->begin(), values->end(), Json(priority)) != values->end();
  return op == "In" ? !priority.empty() && listed : priority.empty() || !listed;
}

}  // namespace

ResourceList quota_usage(const Kind& kind, const Json& object, SystemTime now) {
  if (kind.plural == "pods") return pod_usage(object, now);
  if (kind.plural == "services") return service_usage(object);
  if (kind.plural == "persistentvolumeclaims") return claim_usage(object);
  ResourceList usage{{count_name(kind), Quantity::whole(1)}};
  if (has_short_count(kind)) usage.emplace(kind.plural, Quantity::whole(1));
  return usage;
}

ResourceList quota_resources(const ResourceList& hard, const Kind& kind) {
  ResourceList result;
  for (const auto& [name, quantity] : hard) {
    bool ours = name == count_name(kind);
    if (kind.plural == "pods")
      ours = kPodResources.contains(name) || name.starts_with("hugepages-") ||
             name.starts_with("requests.hugepages-") ||
             (name.starts_with("requests.") && name.find('/') != std::string::npos);
    else if (kind.plural == "services")
      ours = kServiceResources.contains(name);
    else if (kind.plural == "persistentvolumeclaims")
      ours = kClaimResources.contains(name) || name.find(kStorageClass) != std::string::npos;
    else if (has_short_count(kind))
      ours = ours || name == kind.plural;
    if (ours) result.emplace(name, quantity);
  }
  return result;
}

bool quota_covers(const Json& quota, const ResourceList& hard, const Kind& kind, const Json& object) {
  if (quota_resources(hard, kind).empty()) return false;
  Json scopes = Json::array();
  if (const Json* names = find_path(quota, "spec/scopes"); names != nullptr && names->is_array())
    for (const Json& name : *names) scopes.push_back({{"scopeName", name}, {"operator", "Exists"}});
  if (const Json* selected = find_path(quota, "spec/scopeSelector/matchExpressions");
      selected != nullptr && selected->is_array())
    for (const Json& scope : *selected) scopes.push_back(scope);
  if (scopes.empty()) return true;
  if (kind.plural != "pods") return false;
  return std::all_of(scopes.begin(), scopes.end(), [&](const Json& scope) { return in_scope(scope, object); });
}

}  // namespace fracta::devcluster
