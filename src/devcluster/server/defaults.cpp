// Defaults of everything but pods (Kubernetes 1.26).
#include "devcluster/server/strategy.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

void absent(Json& object, const char* key, Json value) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null() || *found == "") object[key] = std::move(value);
}

Json& spec_of(Json& object) {
  Json& spec = object["spec"];
  if (!spec.is_object()) spec = Json::object();
  return spec;
}

void default_service(Json& service) {
  Json& spec = spec_of(service);
  absent(spec, "sessionAffinity", "None");
  absent(spec, "type", "ClusterIP");
  const std::string type = string_at(spec, "type");
  if (type != "ExternalName") absent(spec, "internalTrafficPolicy", "Cluster");
  if (type == "NodePort" || type == "LoadBalancer") absent(spec, "externalTrafficPolicy", "Cluster");
  if (!spec.contains("ports") || !spec["ports"].is_array()) return;
  for (Json& port : spec["ports"]) {
    absent(port, "protocol", "TCP");
    const Json* target = find(port, "targetPort");
    if (target == nullptr || *target == 0 || *target == "") port["targetPort"] = port.value("port", 0);
  }
}

void default_rbac_binding(Json& binding) {
  const std::string group = "rbac.authorization.k8s.io";
  if (!binding["roleRef"].is_object()) binding["roleRef"] = Json::object();
  absent(binding["roleRef"], "apiGroup", group);
  if (!binding.contains("subjects") || !binding["subjects"].is_array()) return;
  for (Json& subject : binding["subjects"]) {
    const std::string kind = string_at(subject, "kind");
    if (kind == "User" || kind == "Group") absent(subject, "apiGroup", group);
  }
}

void default_network_policy(Json& policy) {
  Json& spec = spec_of(policy);
  if (!spec.contains("policyTypes") || spec["policyTypes"].empty()) {
    spec["policyTypes"] = Json::array({"Ingress"});
    if (spec.contains("egress") && !spec["egress"].empty()) spec["policyTypes"].push_back("Egress");
  }
  for (const char* direction : {"ingress", "egress"}) {
    if (!spec.contains(direction) || !spec[direction].is_array()) continue;
    for (Json& rule : spec[direction]) {
      if (!rule.contains("ports") || !rule["ports"].is_array()) continue;
      for (Json& port : rule["ports"]) absent(port, "protocol", "TCP");
    }
  }
}

void default_namespace(Json& ns) {
  const std::string name = string_at(ns, "metadata/name");
  if (!name.empty()) ns["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
  if (!ns["status"].is_object()) ns["status"] = Json::object();
  absent(ns["status"], "phase", "Active");
}

void default_claim(Json& claim) {
  absent(spec_of(claim), "volumeMode", "Filesystem");
  if (!claim["status"].is_object()) claim["status"] = Json::object();
  absent(claim["status"], "phase", "Pending");
}

// Of a Container limit: what is missing follows from what is there.
void default_limit_range(Json& range) {
  Json* limits = const_cast<Json*>(find_path(range, "spec/limits"));
  if (limits == nullptr || !limits->is_array()) return;
  for (Json& limit : *limits) {
    if (string_at(limit, "type") != "Container") continue;
    for (const auto& [target, source] :
         {std::pair{"default", "max"}, {"defaultRequest", "default"}, {"defaultRequest", "min"}}) {
      const Json values = limit.value(source, Json::object());
      if (!values.is_object() || values.empty()) continue;
      if (!limit[target].is_object()) limit[target] = Json::object();
      for (const auto& [name, quantity] : values.items())
        if (!limit[target].contains(name)) limit[target][name] = quantity;
    }
  }
}

// Write-only stringData ends up in data, where it wins.
void default_secret(Json& secret) {
  absent(secret, "type", "Opaque");
  if (const Json* plain = find(secret, "stringData"); plain != nullptr && plain->is_object()) {
    Json& data = secret["data"];
    if (!data.is_object()) data = Json::object();
    for (const auto& [key, value] : plain->items())
      data[key] = base64_encode(value.is_string() ? value.get<std::string>() : "");
  }
  secret.erase("stringData");
}

}  // namespace

void default_job(Json& job) {
  Json& spec = spec_of(job);
  if (!spec.contains("completions") && !spec.contains("parallelism")) spec["completions"] = 1;
  absent(spec, "parallelism", 1);
  absent(spec, "backoffLimit", 6);
  absent(spec, "completionMode", "NonIndexed");
  absent(spec, "suspend", false);
  if (!spec["template"].is_object()) spec["template"] = Json::object();
  default_pod_spec(spec["template"]["spec"].is_object() ? spec["template"]["spec"]
                                                        : spec["template"]["spec"] = Json::object());
  const Json* labels = find_path(spec, "template/metadata/labels");
  const Json* own = find_path(job, "metadata/labels");
  if (labels != nullptr && !labels->empty() && (own == nullptr || own->empty()))
    job["metadata"]["labels"] = Json(*labels);
  if (Json* rules = const_cast<Json*>(find_path(spec, "podFailurePolicy/rules"));
      rules != nullptr && rules->is_array()) {
    for (Json& rule : *rules) {
      if (!rule.contains("onPodConditions") || !rule["onPodConditions"].is_array()) continue;
      for (Json& pattern : rule["onPodConditions"]) absent(pattern, "status", "True");
    }
  }
}

void default_deployment(Json& deployment) {
  Json& spec = spec_of(deployment);
  absent(spec, "replicas", 1);
  absent(spec, "revisionHistoryLimit", 10);
  absent(spec, "progressDeadlineSeconds", 600);
  Json& strategy = spec["strategy"];
  if (!strategy.is_object()) strategy = Json::object();
  absent(strategy, "type", "RollingUpdate");
  if (strategy["type"] == "RollingUpdate") {
    Json& rolling = strategy["rollingUpdate"];
    if (!rolling.is_object()) rolling = Json::object();
    if (!rolling.contains("maxUnavailable")) rolling["maxUnavailable"] = "25%";
    if (!rolling.contains("maxSurge")) rolling["maxSurge"] = "25%";
  }
  if (!spec["template"].is_object()) spec["template"] = Json::object();
  default_pod_spec(spec["template"]["spec"].is_object() ? spec["template"]["spec"]
                                                        : spec["template"]["spec"] = Json::object());
}

void default_replica_set(Json& replica_set) {
  Json& spec = spec_of(replica_set);
  absent(spec, "replicas", 1);
  const Json* labels = find_path(spec, "template/metadata/labels");
  const Json* own = find_path(replica_set, "metadata/labels");
  if (labels != nullptr && !labels->empty() && (own == nullptr || own->empty()))
    replica_set["metadata"]["labels"] = Json(*labels);
  if (spec.contains("template") && spec["template"].is_object()) {
    default_pod_spec(spec["template"]["spec"].is_object() ? spec["template"]["spec"]
                                                          : spec["template"]["spec"] = Json::object());
  }
}

void apply_defaults(const Kind& kind, Json& object) {
  if (!object["metadata"].is_object()) object["metadata"] = Json::object();
  const std::string& plural = kind.plural;
  if (plural == "pods")
    default_pod(object);
  else if (plural == "jobs")
    default_job(object);
  else if (plural == "deployments")
    default_deployment(object);
  else if (plural == "replicasets")
    default_replica_set(object);
  else if (plural == "secrets")
    default_secret(object);
  else if (plural == "services")
    default_service(object);
  else if (plural == "namespaces")
    default_namespace(object);
  else if (plural == "persistentvolumeclaims")
    default_claim(object);
  else if (plural == "networkpolicies")
    default_network_policy(object);
  else if (plural == "limitranges")
    default_limit_range(object);
  else if (plural == "rolebindings" || plural == "clusterrolebindings")
    default_rbac_binding(object);
  else if (plural == "priorityclasses")
    absent(object, "preemptionPolicy", "PreemptLowerPriority");
}

}  // namespace fracta::devcluster
