// The admission plug-ins that a default API server runs and that change what clients see, in its order:
// NamespaceLifecycle, LimitRanger, ServiceAccount, PodSecurity, Priority, DefaultTolerationSeconds, RuntimeClass,
// StorageObjectInUseProtection, ResourceQuota. Those with much to say are in admission/.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "devcluster/admission/limit_range.hpp"
#include "devcluster/admission/pod_security.hpp"
#include "devcluster/admission/quota.hpp"
#include "devcluster/server/generated_name.hpp"
#include "devcluster/server/strategy.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr const char* kTokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";

Outcome<Done> check_namespace(const Registry& registry, const Kind& kind, std::string_view ns, const Json& object) {
  if (!kind.namespaced || !kind.stored) return Done{};
  const RecordPtr record = registry.store().get("namespaces", ns);
  if (!record) return not_found(kind_of("namespaces"), ns);
  if (!find_path(record->object, "metadata/deletionTimestamp")) return Done{};
  Failure failure =
      forbidden(kind, string_at(object, "metadata/name"),
                fmt::format("unable to create new content in namespace {} because it is being terminated", ns));
  failure.details["causes"] = Json::array({{{"reason", "NamespaceTerminating"},
                                            {"message", fmt::format("namespace {} is being terminated", ns)},
                                            {"field", "metadata.namespace"}}});
  return failure;
}

// A namespace's "default" account is made by a controller a moment after the namespace: a real server waits a little.
RecordPtr find_account(const Registry& registry, std::string_view ns, const std::string& name) {
  const int attempts = name == "default" ? 10 : 1;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (attempt > 0) wait_for({}, std::chrono::milliseconds(100));
    if (RecordPtr record = registry.store().get("serviceaccounts", object_key(ns, name))) return record;
  }
  return nullptr;
}

Json token_volume(const std::string& name) {
  return {
      {"name", name},
      {"projected",
       {{"defaultMode", 420},
        {"sources",
         Json::array(
             {{{"serviceAccountToken", {{"expirationSeconds", 3607}, {"path", "token"}}}},
              {{"configMap",
                {{"name", "kube-root-ca.crt"}, {"items", Json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})}}}},
              {{"downwardAPI",
                {{"items",
                  Json::array({{{"path", "namespace"},
                                {"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}}}}})}}}}})}}}};
}

void mount_token(Json& spec) {
  std::string volume_name;
  const auto mount_into = [&](Json& container) {
    Json& mounts = container["volumeMounts"];
    if (!mounts.is_array()) mounts = Json::array();
    for (const Json& mount : mounts) {
      if (string_at(mount, "mountPath") == kTokenPath) return;
    }
    if (volume_name.empty()) volume_name = "kube-api-access-" + random_suffix();
    mounts.push_back({{"name", volume_name}, {"mountPath", kTokenPath}, {"readOnly", true}});
  };
  for (const char* list : {"initContainers", "containers"}) {
    if (!spec.contains(list) || !spec[list].is_array()) continue;
    for (Json& container : spec[list]) mount_into(container);
  }
  if (volume_name.empty()) return;
  Json& volumes = spec["volumes"];
  if (!volumes.is_array()) volumes = Json::array();
  volumes.push_back(token_volume(volume_name));
}

Outcome<Done> admit_service_account(const Registry& registry, const Kind& kind, std::string_view ns, Json& pod) {
  Json& spec = pod["spec"];
  std::string name = string_at(spec, "serviceAccountName");
  if (name.empty()) name = "default";
  const RecordPtr account = find_account(registry, ns, name);
  if (!account) {
    return forbidden(
        kind, string_at(pod, "metadata/name"),
        fmt::format("error looking up service account {}/{}: serviceaccount \"{}\" not found", ns, name, name));
  }
  spec["serviceAccountName"] = name;
  spec["serviceAccount"] = name;
  bool automount = bool_at(account->object, "automountServiceAccountToken", true);
  if (spec.contains("automountServiceAccountToken")) automount = bool_at(spec, "automountServiceAccountToken", true);
  if (automount) mount_token(spec);
  const Json* secrets = find(account->object, "imagePullSecrets");
  const Json* own = find(spec, "imagePullSecrets");
  if (secrets != nullptr && !secrets->empty() && (own == nullptr || own->empty())) spec["imagePullSecrets"] = *secrets;
  return Done{};
}

Outcome<Done> admit_priority(const Registry& registry, const Kind& kind, Json& pod) {
  Json& spec = pod["spec"];
  std::string class_name = string_at(spec, "priorityClassName");
  std::int64_t value = 0;
  std::string preemption = "PreemptLowerPriority";
  RecordPtr found;
  if (class_name.empty()) {
    const auto classes = registry.store().list("priorityclasses.scheduling.k8s.io", "");
    for (const auto& [key, record] : classes->records) {
      if (bool_at(record->object, "globalDefault")) found = record;
    }
    if (found) class_name = string_at(found->object, "metadata/name");
  } else {
    found = registry.store().get("priorityclasses.scheduling.k8s.io", class_name);
    if (!found) {
      return forbidden(kind, string_at(pod, "metadata/name"),
                       fmt::format("no PriorityClass with name {} was found", class_name));
    }
  }
  if (found) {
    value = int_at(found->object, "value").value_or(0);
    preemption = string_at(found->object, "preemptionPolicy", preemption);
    spec["priorityClassName"] = class_name;
  }
  if (const auto given = int_at(spec, "priority"); given && *given != value) {
    return forbidden(
        kind, string_at(pod, "metadata/name"),
        fmt::format("the integer value of priority ({}) must not be provided in pod spec; priority admission "
                    "controller computed {} from the given PriorityClass name",
                    *given, value));
  }
  if (const std::string given = string_at(spec, "preemptionPolicy"); !given.empty() && given != preemption) {
    return forbidden(
        kind, string_at(pod, "metadata/name"),
        fmt::format("the string value of PreemptionPolicy ({}) must not be provided in pod spec; priority admission "
                    "controller computed {} from the given PriorityClass name",
                    given, preemption));
  }
  spec["priority"] = value;
  spec["preemptionPolicy"] = preemption;
  return Done{};
}

// No RuntimeClass is served, so none is ever found.
Outcome<Done> admit_runtime_class(const Kind& kind, const Json& pod) {
  const std::string name = string_at(pod, "metadata/name");
  if (const std::string wanted = string_at(pod, "spec/runtimeClassName"); !wanted.empty()) {
    return forbidden(kind, name, fmt::format("pod rejected: RuntimeClass \"{}\" not found", wanted));
  }
  if (find_path(pod, "spec/overhead") != nullptr) {
    return forbidden(kind, name, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
  }
  return Done{};
}

void add_tolerations(Json& pod) {
  Json& tolerations = pod["spec"]["tolerations"];
  if (!tolerations.is_array()) tolerations = Json::array();
  for (const char* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    bool present = false;
    for (const Json& toleration : tolerations) {
      const std::string effect = string_at(toleration, "effect");
      const std::string own = string_at(toleration, "key");
      if ((own == key || own.empty()) && (effect == "NoExecute" || effect.empty())) present = true;
    }
    if (!present) {
      tolerations.push_back(
          {{"key", key}, {"operator", "Exists"}, {"effect", "NoExecute"}, {"tolerationSeconds", 300}});
    }
  }
}

// A claim in use outlives its deletion.
void protect_claim(Json& claim) {
  constexpr const char* kFinalizer = "kubernetes.io/pvc-protection";
  Json& finalizers = claim["metadata"]["finalizers"];
  if (!finalizers.is_array()) finalizers = Json::array();
  if (std::find(finalizers.begin(), finalizers.end(), kFinalizer) == finalizers.end()) finalizers.push_back(kFinalizer);
}

}  // namespace

Outcome<Done> admit_create(const Registry& registry, const Kind& kind, std::string_view ns, Json& object) {
  if (auto checked = check_namespace(registry, kind, ns, object); !checked.ok()) return checked;
  if (kind.plural == "persistentvolumeclaims") protect_claim(object);
  if (kind.plural == "services") return give_address(registry, object);
  if (kind.plural != "pods") return Done{};
  if (!object["spec"].is_object()) object["spec"] = Json::object();
  apply_limit_defaults(registry.store(), ns, object);
  if (auto admitted = admit_service_account(registry, kind, ns, object); !admitted.ok()) return admitted;
  if (auto admitted = admit_priority(registry, kind, object); !admitted.ok()) return admitted;
  if (auto admitted = admit_runtime_class(kind, object); !admitted.ok()) return admitted;
  add_tolerations(object);
  return Done{};
}

Outcome<Done> admit_valid(Registry& registry, const Kind& kind, std::string_view ns, const Json& object,
                          const Json* old, const WriteOptions& options) {
  const bool checks_limits =
      old == nullptr || (kind.plural != "pods" && !old->at("metadata").contains("deletionTimestamp"));
  if (checks_limits)
    if (auto admitted = admit_limits(registry.store(), kind, ns, object); !admitted.ok()) return admitted;
  if (auto admitted = admit_pod_security(registry, kind, ns, object, old, options.warnings); !admitted.ok())
    return admitted;
  return charge_quota(registry.store(), registry.clock(), kind, ns, object, old, options.dry_run);
}

void admit_update(const Kind& kind, std::string_view subresource, const Json& old, Json& object) {
  if (kind.plural == "services" && subresource.empty()) keep_address(old, object);
  if (kind.plural != "pods" || !subresource.empty() || !object["spec"].is_object()) return;
  for (const char* field : {"priority", "preemptionPolicy"}) {
    const Json* before = find_path(old, std::string("spec/") + field);
    if (before != nullptr && !object["spec"].contains(field)) object["spec"][field] = *before;
  }
  add_tolerations(object);
}

}  // namespace fracta::devcluster
