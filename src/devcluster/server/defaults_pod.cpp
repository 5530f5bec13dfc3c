// Defaults of Pod and pod template (Kubernetes 1.26).
#include "devcluster/server/strategy.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

void set_default(Json& object, const char* key, Json value) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null() ||
      (found->is_string() && found->get_ref<const std::string&>().empty())) {
    object[key] = std::move(value);
  }
}

Json* member(Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// The tag of an image reference: what follows the last ':' after the last '/', "latest" when there is neither tag nor
// digest.
bool is_latest(const std::string& image) {
  if (image.find('@') != std::string::npos) return false;
  const auto slash = image.rfind('/');
  const auto colon = image.rfind(':');
  if (colon == std::string::npos || (slash != std::string::npos && colon < slash)) return !image.empty();
  return image.substr(colon + 1) == "latest";
}

void default_http_get(Json& handler) {
  if (Json* http = member(handler, "httpGet")) {
    set_default(*http, "path", "/");
    set_default(*http, "scheme", "HTTP");
  }
}

void default_number(Json& object, const char* key, int value) {
  const auto found = object.find(key);
  if (found == object.end() || *found == 0) object[key] = value;
}

void default_probe(Json& probe) {
  default_number(probe, "timeoutSeconds", 1);
  default_number(probe, "periodSeconds", 10);
  default_number(probe, "successThreshold", 1);
  default_number(probe, "failureThreshold", 3);
  default_http_get(probe);
  if (Json* grpc = member(probe, "grpc")) {
    if (!grpc->contains("service") || (*grpc)["service"].is_null()) (*grpc)["service"] = "";
  }
}

void default_field_ref(Json& holder) {
  if (Json* reference = member(holder, "fieldRef")) set_default(*reference, "apiVersion", "v1");
}

void default_resource_ref(Json& holder) {
  if (Json* reference = member(holder, "resourceFieldRef")) set_default(*reference, "divisor", "0");
}

void default_container(Json& container) {
  set_default(container, "imagePullPolicy", is_latest(string_at(container, "image")) ? "Always" : "IfNotPresent");
  set_default(container, "terminationMessagePath", "/dev/termination-log");
  set_default(container, "terminationMessagePolicy", "File");
  if (Json* context = member(container, "securityContext")) context->erase("procMount");  // behind a feature gate
  if (Json* ports = member(container, "ports")) {
    for (Json& port : *ports) set_default(port, "protocol", "TCP");
  }
  if (Json* env = member(container, "env")) {
    for (Json& variable : *env) {
      if (Json* from = member(variable, "valueFrom")) {
        default_field_ref(*from);
        default_resource_ref(*from);
      }
    }
  }
  for (const char* name : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    if (Json* probe = member(container, name)) default_probe(*probe);
  }
  if (Json* lifecycle = member(container, "lifecycle")) {
    for (const char* hook : {"postStart", "preStop"}) {
      if (Json* handler = member(*lifecycle, hook)) default_http_get(*handler);
    }
  }
}

void default_downward_items(Json& source) {
  if (Json* items = member(source, "items")) {
    for (Json& item : *items) {
      default_field_ref(item);
      default_resource_ref(item);
    }
  }
}

void default_projected(Json& projected) {
  if (!projected.contains("defaultMode")) projected["defaultMode"] = 420;
  Json* sources = member(projected, "sources");
  if (sources == nullptr) return;
  for (Json& source : *sources) {
    if (Json* token = member(source, "serviceAccountToken")) {
      if (!token->contains("expirationSeconds")) (*token)["expirationSeconds"] = 3600;
    }
    if (Json* downward = member(source, "downwardAPI")) default_downward_items(*downward);
  }
}

void default_storage_sources(Json& volume) {
  if (Json* iscsi = member(volume, "iscsi")) set_default(*iscsi, "iscsiInterface", "default");
  if (Json* rbd = member(volume, "rbd")) {
    set_default(*rbd, "pool", "rbd");
    set_default(*rbd, "user", "admin");
    set_default(*rbd, "keyring", "/etc/ceph/keyring");
  }
  if (Json* disk = member(volume, "azureDisk")) {
    set_default(*disk, "cachingMode", "ReadWrite");
    set_default(*disk, "kind", "Shared");
    if (!disk->contains("fsType")) (*disk)["fsType"] = "ext4";
    if (!disk->contains("readOnly")) (*disk)["readOnly"] = false;
  }
  if (Json* scale = member(volume, "scaleIO")) {
    set_default(*scale, "storageMode", "ThinProvisioned");
    set_default(*scale, "fsType", "xfs");
  }
  if (Json* ephemeral = member(volume, "ephemeral")) {
    if (Json* claim = member(*ephemeral, "volumeClaimTemplate"))
      set_default((*claim)["spec"], "volumeMode", "Filesystem");
  }
}

void default_volume(Json& volume) {
  if (volume.size() <= 1 && (volume.empty() || volume.contains("name"))) volume["emptyDir"] = Json::object();
  for (const char* source : {"configMap", "secret", "downwardAPI"}) {
    if (Json* found = member(volume, source)) {
      if (!found->contains("defaultMode")) (*found)["defaultMode"] = 420;
    }
  }
  if (Json* path = member(volume, "hostPath")) {
    if (!path->contains("type")) (*path)["type"] = "";
  }
  if (Json* downward = member(volume, "downwardAPI")) default_downward_items(*downward);
  if (Json* projected = member(volume, "projected")) default_projected(*projected);
  default_storage_sources(volume);
}

template <class Function>
void for_each_container(Json& spec, const Function& function) {
  for (const char* list : {"containers", "initContainers", "ephemeralContainers"}) {
    if (Json* containers = member(spec, list)) {
      for (Json& container : *containers) function(container);
    }
  }
}

void default_host_ports(Json& container) {
  if (Json* ports = member(container, "ports")) {
    for (Json& port : *ports) {
      if (int_at(port, "hostPort").value_or(0) == 0) port["hostPort"] = port.value("containerPort", 0);
    }
  }
}

}  // namespace

void default_pod_spec(Json& spec) {
  if (!spec.is_object()) return;
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "restartPolicy", "Always");
  set_default(spec, "schedulerName", "default-scheduler");
  if (member(spec, "securityContext") == nullptr) spec["securityContext"] = Json::object();
  if (!spec.contains("terminationGracePeriodSeconds")) spec["terminationGracePeriodSeconds"] = 30;
  // Two names for one thing, kept equal.
  if (const std::string account = string_at(spec, "serviceAccountName"); !account.empty()) {
    spec["serviceAccount"] = account;
  } else if (const std::string old = string_at(spec, "serviceAccount"); !old.empty()) {
    spec["serviceAccountName"] = old;
  }
  for_each_container(spec, default_container);
  if (bool_at(spec, "hostNetwork")) for_each_container(spec, default_host_ports);
  if (Json* volumes = member(spec, "volumes")) {
    for (Json& volume : *volumes) default_volume(volume);
  }
}

void default_pod(Json& pod) {
  Json& spec = pod["spec"];
  if (!spec.is_object()) spec = Json::object();
  default_pod_spec(spec);
  if (!spec.contains("enableServiceLinks")) spec["enableServiceLinks"] = true;
  // The first of podIPs again, for readers of before dual stack.
  if (const Json* addresses = find_path(pod, "status/podIPs"); addresses != nullptr && !addresses->empty()) {
    const std::string first = string_at(addresses->front(), "ip");
    if (!first.empty()) pod["status"]["podIP"] = first;
  }
  for (const char* list : {"containers", "initContainers"}) {
    Json* containers = member(spec, list);
    if (containers == nullptr) continue;
    for (Json& container : *containers) {
      const Json* limits = find_path(container, "resources/limits");
      if (limits == nullptr || !limits->is_object()) continue;
      const Json copy = *limits;
      Json& requests = container["resources"]["requests"];
      if (!requests.is_object()) requests = Json::object();
      for (const auto& [name, value] : copy.items()) {
        if (!requests.contains(name)) requests[name] = value;
      }
    }
  }
}

}  // namespace fracta::devcluster
