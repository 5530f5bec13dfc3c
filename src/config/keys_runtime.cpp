#include "config/keys.hpp"

namespace fracta::config {

std::vector<KeySpec> runtime_keys();

namespace {

using enum KeyType;

std::vector<KeySpec> kubernetes_keys() {
  const std::string k = "runtime.kubernetes.";
  return {
      {"runtime.kubernetes", kObject, "", ""},
      {k + "namespace", kString, "fracta", "Namespace agents run in."},
      {k + "image", kString, "", "Image of agent containers, unless the runtime or the spawn request names one."},
      {k + "image_pull_policy", kString, "", "`Always`, `IfNotPresent` or `Never`. Absent: Kubernetes decides."},
      {k + "image_pull_secrets", kAny, "", "Secrets for pulling images: names, or `{name: ...}` objects."},
      {k + "service_account", kString, "", "Service account of agent pods. Absent: the namespace's default."},
      {k + "automount_service_account_token", kBoolean, "false", "Give agent pods a service account token."},
      {k + "pvc", kString, "", "Existing claim used as workspace. Absent: an emptyDir for each agent."},
      {k + "pvc_mount_path", kString, "/workspace", "Where the workspace is mounted."},
      {k + "labels", kStringMap, "", "Labels of every Job and Pod. Fracta's own labels win."},
      {k + "annotations", kStringMap, "", "Annotations of every Job and Pod."},
      {k + "node_selector", kStringMap, "", "Node labels agent pods need."},
      {k + "tolerations", kAny, "",
       "Taints agent pods accept: `key=value:Effect`, `key:Effect`, `key`, or full Toleration objects."},
      {k + "affinity", kAny, "", "A full Affinity object."},
      {k + "resources", kObject, "", ""},
      {k + "resources.cpu_request", kString, "", "CPU request of the main container, e.g. `500m`."},
      {k + "resources.cpu_limit", kString, "", "CPU limit."},
      {k + "resources.memory_request", kString, "", "Memory request, e.g. `512Mi`."},
      {k + "resources.memory_limit", kString, "", "Memory limit."},
      {k + "resources.requests", kObject, "", "", true},
      {k + "resources.requests.cpu", kString, "", "", true},
      {k + "resources.requests.memory", kString, "", "", true},
      {k + "resources.limits", kObject, "", "", true},
      {k + "resources.limits.cpu", kString, "", "", true},
      {k + "resources.limits.memory", kString, "", "", true},
      {k + "job_ttl_seconds", kInteger, "300",
       "Seconds a finished Job stays in the cluster. 0 means the default, as upstream."},
      {k + "active_deadline_seconds", kInteger, "", "Seconds after which Kubernetes ends an agent that still runs."},
      {k + "termination_grace_period_seconds", kInteger, "", "Seconds between SIGTERM and SIGKILL."},
      {k + "priority_class_name", kString, "", "PriorityClass of agent pods."},
      {k + "runtime_class_name", kString, "", "RuntimeClass of agent pods, e.g. gVisor's."},
      {k + "pod_security", kString, "",
       "`restricted`, `baseline` or `none`. Absent: seccomp RuntimeDefault, no privilege escalation."},
      {k + "pod_security_context", kAny, "", "A full PodSecurityContext; its fields win over `pod_security`."},
      {k + "container_security_context", kAny, "",
       "A full SecurityContext of the main container; its fields win over `pod_security`."},
      {k + "extra_volumes", kAny, "", "List of full Volume objects, added to every agent pod."},
      {k + "extra_volume_mounts", kAny, "", "List of full VolumeMount objects, added to the main container only."},
  };
}

}  // namespace

std::vector<KeySpec> runtime_keys() {
  std::vector<KeySpec> keys = {
      {"runtime", kObject, "", ""},
      {"runtime.backend", kString, "kubernetes", "`kubernetes`. (`local` is answered with what to use instead.)"},
      {"runtime.staging_dir", kString, "/tmp/fracta-staging", "Scratch directory of the strategy runner."},
      {"runtime.transport", kString, "stdio", "`stdio` or `http`; read by `fracta serve`."},
      {"runtime.listen_addr", kString, ":8080", "Read by `fracta serve` with transport http."},
      {"runtime.state", kObject, "", ""},
      {"runtime.state.driver", kString, "sqlite", "`sqlite` or `postgres`."},
      {"runtime.state.path", kString, "", "", true},
      {"runtime.state.sqlite", kObject, "", ""},
      {"runtime.state.sqlite.path", kString, ".fracta/state.db", "Database file."},
      {"runtime.state.postgres", kObject, "", ""},
      {"runtime.state.postgres.dsn", kString, "", "Connection string; best written as `${NAME}`."},
      {"runtime.state.postgres.max_conns", kInteger, "0", "Most connections. 0: the pool's default."},
      {"runtime.state.postgres.min_conns", kInteger, "0", "Connections kept open."},
      {"runtime.state.postgres.max_conn_lifetime", kDuration, "", "Connections older than this are replaced."},
      {"runtime.state.postgres.max_conn_idle_time", kDuration, "", "Idle connections are closed after this."},
      {"runtime.queue", kObject, "", ""},
      {"runtime.queue.backend", kString, "", "`memory` or `postgres`. Absent: no queue."},
      {"runtime.queue.workers", kInteger, "2", "Workers of the queue in this process."},
      {"runtime.queue.lease_timeout", kDuration, "30m", "A claimed entry is given to another worker after this."},
      {"runtime.queue.workspace_base", kString, "", "Scratch directory of the workers."},
  };
  for (KeySpec& spec : kubernetes_keys()) keys.push_back(std::move(spec));
  return keys;
}

}  // namespace fracta::config
