#include "agent/state/advice.hpp"

#include <array>

namespace fracta::agent {
namespace {

struct Advice {
  std::string_view reason;
  bool stuck;                 // a container waits with it and will not start without help
  std::string_view contains;  // only for messages with this in it; empty: any
  std::string_view next_step;
};

constexpr std::string_view kPull =
    "check the image's name and tag, that the node reaches the registry, and image_pull_secrets for a private one";
constexpr std::string_view kDisk =
    "raise the limit for ephemeral storage, or have the agent write less outside of its volumes";
constexpr std::string_view kStart =
    "check the command, the working directory and the mounts; \"fracta describe {agent}\" shows them";

// First match wins, so rows with `contains` stand above the general one.
constexpr auto kTable = std::to_array<Advice>({
    // Not on a node yet.
    {"Unschedulable", false, "persistentvolumeclaim",
     "create the PersistentVolumeClaim that runtime.kubernetes.pvc names, or check its StorageClass"},
    {"Unschedulable", false, "Insufficient",
     "lower runtime.kubernetes.resources, add nodes, or wait for other pods to finish"},
    {"Unschedulable", false, "taint", "add tolerations for the nodes' taints, or check node_selector"},
    {"Unschedulable", false, "affinity", "check node_selector and affinity against the nodes' labels"},
    {"Unschedulable", false, "", "the scheduler's message names what is missing on each node"},
    {"NotScheduled", false, "", "check that the cluster's scheduler is running"},
    {"SchedulingGated", false, "", "whoever set the pod's scheduling gate has to remove it"},
    {"Suspended", false, "", "it starts when the Job is resumed (a queue such as Kueue does that by itself)"},
    // No pod at all.
    {"QuotaExceeded", false, "",
     "wait for other agents to finish, lower runtime.kubernetes.resources, or raise the ResourceQuota"},
    {"FailedCreate", false, "must specify",
     "set all four of runtime.kubernetes.resources: the namespace's quota asks for them"},
    {"FailedCreate", false, "violates PodSecurity",
     "set runtime.kubernetes.pod_security to the namespace's level, or change the namespace's label"},
    {"FailedCreate", false, "serviceaccount",
     "create the ServiceAccount that runtime.kubernetes.service_account names"},
    {"FailedCreate", false, "PriorityClass",
     "create the PriorityClass or correct runtime.kubernetes.priority_class_name"},
    {"FailedCreate", false, "RuntimeClass", "create the RuntimeClass or correct runtime.kubernetes.runtime_class_name"},
    {"FailedCreate", false, "admission webhook", "ask the owner of that admission webhook, or change what it refuses"},
    {"FailedCreate", false, "", "look at the Job's events: quota or admission refused the pod"},
    // The image.
    {"ErrImagePull", true, "", kPull},
    {"ImagePullBackOff", true, "", kPull},
    {"RegistryUnavailable", true, "", kPull},
    {"ImageInspectError", true, "", kPull},
    {"InvalidImageName", true, "",
     "correct the image's name in runtime.kubernetes.image or the runtime's kubernetes.image"},
    {"ErrImageNeverPull", true, "", "image_pull_policy is Never: load the image onto the node, or set IfNotPresent"},
    // The container.
    {"CreateContainerConfigError", true, "runAsNonRoot",
     "use an image whose USER is a number other than 0, set pod_security_context.runAsUser, or choose a weaker "
     "pod_security"},
    {"CreateContainerConfigError", true, "", "create the Secret or ConfigMap the message names, or correct the key"},
    {"CreateContainerError", true, "", kStart},
    {"RunContainerError", true, "", kStart},
    {"StartError", true, "", kStart},
    {"ContainerCannotRun", true, "", kStart},
    {"CrashLoopBackOff", true, "", "\"fracta logs {agent}\" shows why it ends again and again"},
    {"FailedMount", false, "not found", "create the Secret, ConfigMap or claim that the message names"},
    {"FailedMount", false, "", "correct the volume in runtime.kubernetes.extra_volumes, or what it refers to"},
    {"FailedAttachVolume", false, "", "another node may still have the claim's disk: it is tried again"},
    {"FailedCreatePodSandBox", false, "",
     "the node's network plug-in or container runtime refused the pod: see the node"},
    {"ContainerCreating", false, "",
     "usually a volume cannot be mounted (Secret, ConfigMap or claim missing) or the image is large: see the pod's "
     "events"},
    {"PodInitializing", false, "", "\"fracta logs {agent} --container workspace-init\" shows what it is doing"},
    {"NotReady", false, "", "\"fracta logs {agent}\" shows whether its server came up"},
    {"SidecarRunning", false, "",
     "the agent has ended, but a sidecar keeps its pod alive: make it a native sidecar or exclude agents from "
     "injection"},
    {"Terminating", false, "", "somebody deleted the pod; the Job decides about a new one"},
    // The end.
    {"OOMKilled", false, "", "raise runtime.kubernetes.resources.memory_limit, or give the agent a smaller task"},
    {"Evicted", false, "Usage of EmptyDir volume",
     "raise the sizeLimit of the volume that the message names, or have the agent write less there"},
    {"Evicted", false, "local storage usage exceeds", kDisk},
    {"Evicted", false, "local ephemeral storage limit", kDisk},
    {"Evicted", false, "",
     "the node ran short: set resource requests, or limits for ephemeral storage; then spawn again"},
    {"DeadlineExceeded", false, "", "raise active_deadline_seconds, or give the agent a smaller task"},
    {"NodeLost", false, "", "the node does not answer; spawn again when it is clear that the agent is gone"},
    {"PreemptionByScheduler", false, "",
     "a pod of higher priority took its place: set priority_class_name, then spawn again"},
    {"EvictionByEvictionAPI", false, "", "the node is being drained: spawn again"},
    {"DeletionByTaintManager", false, "", "its node was tainted or lost: spawn again"},
    {"DeletionByPodGC", false, "", "its node is gone: spawn again"},
    {"TerminationByKubelet", false, "", "the node shut down or ran short: spawn again"},
    {"Shutdown", false, "", "the node shut down: spawn again"},
    {"Terminated", false, "", "the node shut down: spawn again"},
    {"NodeShutdown", false, "", "the node shut down: spawn again"},
    {"Preempting", false, "", "the node needed its place for a critical pod: spawn again"},
    {"NodeAffinity", false, "", "the node no longer fits node_selector or affinity: spawn again"},
    {"UnexpectedAdmissionError", false, "", "the node refused the pod: see its kubelet's log"},
    {"WorkspaceInitFailed", false, "",
     "\"fracta logs {agent} --container workspace-init\" shows which step; the workspace must be writable for the "
     "container's user"},
    {"BackoffLimitExceeded", false, "", "its pod is gone already; \"fracta describe {agent}\" lists what happened"},
    {"PodFailurePolicy", false, "", "the Job's pod failure policy ended it"},
    {"Killed", false, "",
     "something on the node killed it (out of memory on the node, or a time-out): see the node's log"},
    {"Error", false, "stored credentials: ",
     "put right what the message says of the credential (\"fracta credential get NAME\"), then spawn again"},
    {"Error", false, "", "\"fracta logs {agent}\" shows its last words"},
});

}  // namespace

std::string next_step(std::string_view reason, std::string_view message, std::string_view agent) {
  // OutOfcpu, OutOfmemory, OutOfpods, ...: the kubelet refused the pod because the node filled up meanwhile.
  if (reason.starts_with("OutOf")) return "the node filled up before the pod arrived: spawn again";
  for (const Advice& advice : kTable) {
    if (advice.reason != reason || message.find(advice.contains) == std::string_view::npos) continue;
    std::string text(advice.next_step);
    constexpr std::string_view kPlaceholder = "{agent}";
    for (auto at = text.find(kPlaceholder); at != std::string::npos; at = text.find(kPlaceholder, at + agent.size())) {
      text.replace(at, kPlaceholder.size(), agent);
    }
    return text;
  }
  return "";
}

bool is_stuck_reason(std::string_view reason) {
  for (const Advice& advice : kTable) {
    if (advice.reason == reason) return advice.stuck;
  }
  return false;
}

}  // namespace fracta::agent
