#include "controlplane/pod_lookup.hpp"

#include "fracta/agent/spec.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::controlplane {

namespace {

Error refused(std::string why) {
  auto error = make_error(ErrorCode::kForbidden, std::move(why));
  error.reason = "NoAgentPod";
  return error;
}

bool has_ended(const agent::PodSummary& pod) { return pod.phase == "Succeeded" || pod.phase == "Failed"; }

}  // namespace

PodLookup::PodLookup(kube::Client& client, const AgentCache& cache, std::string ns,
                     std::chrono::milliseconds call_timeout)
    : client_(client), cache_(cache), ns_(std::move(ns)), call_timeout_(call_timeout) {}

Result<agent::PodSummary> PodLookup::find(const std::string& name, std::string_view uid,
                                          const std::stop_token& stop) const {
  if (const auto known = cache_.pod(name); known && known->uid == uid) return *known;
  // A pod may ask before the watch has told of it.
  auto found = client_.get(kube::kPods, ns_, name, {call_timeout_, stop});
  if (!found && found.error().code == ErrorCode::kNotFound) return refused("pod \"" + shorten(name, 80) + "\" is gone");
  if (!found) return make_error(ErrorCode::kUnavailable, "the pod cannot be looked up: " + found.error().message);
  return agent::summarize_pod(*found);
}

Result<std::string> PodLookup::agent_of(std::string_view name, std::string_view uid,
                                        const std::stop_token& stop) const {
  const std::string pod_name(name);
  if (uid.empty() || !is_dns1123_subdomain(pod_name)) return refused("no such pod");
  const auto pod = find(pod_name, uid, stop);
  if (!pod) return pod.error();
  const std::string shown = "pod \"" + shorten(pod_name, 80) + "\"";
  if (pod->uid != uid) return refused(shown + " is another one by now");
  if (pod->agent_id.empty() || !belongs(*pod)) return refused(shown + " is not an agent's");
  if (pod->deleting) return refused(shown + " is being deleted");
  if (has_ended(*pod)) return refused(shown + " has ended");
  const auto view = cache_.view(pod->agent_id);
  if (pod->stream) {
    if (view.stream() && view.uid() == uid) return pod->agent_id;
    return make_error(ErrorCode::kUnavailable, shown + " is not known yet");
  }
  // The Job counts, by uid and as the one that controls the pod: name and labels anybody can copy.
  if (pod->job_uid.empty()) return refused(shown + " is not controlled by a Job");
  if (!view.job) return make_error(ErrorCode::kUnavailable, "the Job of " + shown + " is not known yet");
  if (view.job->uid != pod->job_uid) return refused(shown + " belongs to an earlier Job");
  if (view.job->deleting || view.job->complete || view.job->failed) return refused("the agent has ended");
  return pod->agent_id;
}

}  // namespace fracta::controlplane
