#include "devcluster/server/strategy.hpp"

#include <algorithm>
#include <array>

#include "fracta/base/json.hpp"
#include "fracta/base/quantity.hpp"

namespace fracta::devcluster {

namespace {

bool counts_generations(const Kind& kind) {
  static constexpr std::array<std::string_view, 4> kPlurals = {"jobs", "deployments", "replicasets", "networkpolicies"};
  return std::find(kPlurals.begin(), kPlurals.end(), kind.plural) != kPlurals.end();
}

// apis/core/helper/qos: from cpu and memory of all containers.
std::string qos_class(const Json& spec) {
  bool any = false;
  bool guaranteed = true;
  for (const char* list : {"containers", "initContainers"}) {
    const Json* containers = find(spec, list);
    if (containers == nullptr) continue;
    for (const Json& container : *containers) {
      for (const char* resource : {"cpu", "memory"}) {
        const std::string limit = string_at(container, std::string("resources/limits/") + resource);
        const std::string request = string_at(container, std::string("resources/requests/") + resource);
        const auto positive = [](const std::string& text) {
          const auto quantity = Quantity::parse(text);
          return quantity.ok() && !quantity->zero() && !quantity->negative();
        };
        if (positive(limit) || positive(request)) any = true;
        if (!positive(limit) || limit != request) guaranteed = false;
      }
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

// Annotations of the time before seccompProfile still fill that field.
void profile_from_annotations(Json& pod) {
  const Json* found = find_path(pod, "metadata/annotations");
  if (found == nullptr || !found->is_object()) return;
  const Json annotations = *found;
  const auto apply = [&](const std::string& key, Json& holder) {
    const Json* value = find(annotations, key);
    if (value == nullptr || !value->is_string() || find_path(holder, "securityContext/seccompProfile") != nullptr)
      return;
    const std::string text = value->get<std::string>();
    Json profile;
    if (text == "unconfined") profile = {{"type", "Unconfined"}};
    if (text == "runtime/default" || text == "docker/default") profile = {{"type", "RuntimeDefault"}};
    if (text.starts_with("localhost/")) profile = {{"type", "Localhost"}, {"localhostProfile", text.substr(10)}};
    if (profile.is_null()) return;
    if (!holder["securityContext"].is_object()) holder["securityContext"] = Json::object();
    holder["securityContext"]["seccompProfile"] = std::move(profile);
  };
  Json& spec = pod["spec"];
  apply("seccomp.security.alpha.kubernetes.io/pod", spec);
  for (const char* list : {"initContainers", "containers"})
    if (spec.contains(list) && spec[list].is_array())
      for (Json& container : spec[list])
        apply("container.seccomp.security.alpha.kubernetes.io/" + string_at(container, "name"), container);
}

// The selector a real server generates, with the labels that the pods need for it.
void generate_job_selector(Json& job) {
  Json& spec = job["spec"];
  if (bool_at(spec, "manualSelector")) return;
  const std::string uid = string_at(job, "metadata/uid");
  const std::string name = string_at(job, "metadata/name");
  if (!spec["template"]["metadata"].is_object()) spec["template"]["metadata"] = Json::object();
  Json& labels = spec["template"]["metadata"]["labels"];
  if (!labels.is_object()) labels = Json::object();
  const Json generated = {{"controller-uid", uid},
                          {"job-name", name},
                          {"batch.kubernetes.io/controller-uid", uid},
                          {"batch.kubernetes.io/job-name", name}};
  // A job without labels of its own has its template's.
  const Json* own = find_path(job, "metadata/labels");
  const bool same = own == nullptr || own->empty() || *own == labels;
  for (const auto& [key, value] : generated.items()) {
    if (!labels.contains(key)) labels[key] = value;
  }
  if (same) job["metadata"]["labels"] = Json(labels);
  Json& selector = spec["selector"];
  if (!selector.is_object()) selector = Json::object();
  if (!selector["matchLabels"].is_object()) selector["matchLabels"] = Json::object();
  selector["matchLabels"]["controller-uid"] = uid;
}

}  // namespace

void prepare_create(const Kind& kind, Json& object) {
  if (counts_generations(kind)) {
    object["metadata"]["generation"] = 1;
  } else {
    object["metadata"].erase("generation");
  }
  if (kind.plural == "pods") {
    profile_from_annotations(object);
    object["status"] = {{"phase", "Pending"}, {"qosClass", qos_class(object["spec"])}};
  } else if (kind.plural == "jobs") {
    object["status"] = Json::object();
    object["metadata"]["annotations"]["batch.kubernetes.io/job-tracking"] = "";
    generate_job_selector(object);
  } else if (kind.plural == "namespaces") {
    object["status"] = {{"phase", "Active"}};
    object["spec"] = {{"finalizers", Json::array({"kubernetes"})}};
    object["metadata"]["labels"]["kubernetes.io/metadata.name"] = object["metadata"].value("name", "");
  } else if (kind.plural == "persistentvolumeclaims") {
    object["status"] = {{"phase", "Pending"}};
  } else if (kind.plural == "nodes") {
    if (!object["status"].is_object()) object["status"] = Json::object();
  } else if (kind.has_status && kind.plural != "services") {
    object["status"] = Json::object();
  } else if (kind.plural == "services") {
    object["status"] = {{"loadBalancer", Json::object()}};
  }
}

void prepare_update(const Kind& kind, Json& object, const Json& old, std::string_view subresource) {
  const auto keep = [&](const char* part) {
    if (old.contains(part)) {
      object[part] = old[part];
    } else {
      object.erase(part);
    }
  };
  if (subresource == "status") {
    Json metadata = old["metadata"];
    // Status writers may touch labels, annotations, finalizers and owners.
    for (const char* part : {"labels", "annotations", "finalizers", "ownerReferences", "managedFields"}) {
      if (object["metadata"].contains(part)) {
        metadata[part] = object["metadata"][part];
      } else {
        metadata.erase(part);
      }
    }
    object["metadata"] = std::move(metadata);
    if (object.contains("spec") || old.contains("spec")) keep("spec");
    if (kind.plural == "pods") {
      if (!object["status"].is_object()) object["status"] = Json::object();
      object["status"]["qosClass"] =
          old.contains("status") ? Json(string_at(old, "status/qosClass", "BestEffort")) : Json("BestEffort");
    }
  } else if (subresource == "finalize") {
    const Json finalizers =
        find_path(object, "spec/finalizers") != nullptr ? object["spec"]["finalizers"] : Json::array();
    Json metadata = object["metadata"];
    object = old;
    object["metadata"]["resourceVersion"] = metadata.value("resourceVersion", "");
    if (metadata.contains("managedFields")) object["metadata"]["managedFields"] = metadata["managedFields"];
    object["spec"]["finalizers"] = finalizers;
    if (finalizers.empty()) object["spec"] = Json::object();
  } else {
    if (kind.has_status) keep("status");
    if (kind.plural == "namespaces") keep("spec");
  }
  const bool annotated = kind.plural == "deployments" && object["metadata"].value("annotations", Json()) !=
                                                             old["metadata"].value("annotations", Json());
  if (counts_generations(kind) && subresource.empty() && object.contains("spec") &&
      (annotated || object["spec"] != old.value("spec", Json()))) {
    object["metadata"]["generation"] = int_at(old, "metadata/generation").value_or(0) + 1;
  }
}

std::int64_t grace_period(const Kind& kind, const Json& object, std::optional<std::int64_t> asked) {
  if (kind.plural != "pods") return 0;
  std::int64_t period = asked.value_or(int_at(object, "spec/terminationGracePeriodSeconds").value_or(30));
  if (period < 0) period = 1;
  const std::string phase = string_at(object, "status/phase");
  if (string_at(object, "spec/nodeName").empty() || phase == "Succeeded" || phase == "Failed") period = 0;
  return period;
}

std::string_view default_propagation(const Kind& kind) { return kind.plural == "jobs" ? "Orphan" : "Background"; }

bool returns_deleted_object(const Kind& kind) {
  static constexpr std::array<std::string_view, 6> kPlurals = {
      "pods", "resourcequotas", "serviceaccounts", "persistentvolumeclaims", "services", "namespaces"};
  return std::find(kPlurals.begin(), kPlurals.end(), kind.plural) != kPlurals.end();
}

bool allows_create_on_update(const Kind& kind) {
  return kind.plural == "leases" || kind.plural == "events" || kind.plural == "services" ||
         kind.plural == "limitranges" || kind.group == "rbac.authorization.k8s.io";
}

bool allows_unconditional_update(const Kind& kind) { return kind.plural != "leases"; }

}  // namespace fracta::devcluster
