#include "controlplane/agent_cache.hpp"

#include <algorithm>

#include "fracta/agent/spec.hpp"

namespace fracta::controlplane {

namespace {

const std::string kEmpty;

kube::ReflectorOptions reflect(const kube::Resource& resource, const std::string& ns, std::string name,
                               MetricsRegistry* metrics) {
  kube::ReflectorOptions options;
  options.resource = resource;
  options.ns = ns;
  options.label_selector = agent::labels::kSelector;
  options.name = std::move(name);
  options.metrics = metrics;
  return options;
}

// A label is only a claim: anybody in the namespace may write it. The object's name has to agree.
bool owns(const agent::JobSummary& job) { return job.name == agent::job_name(job.agent_id); }
bool owns(const agent::PodSummary& pod) { return pod.stream && pod.name == agent::stream_pod_name(pod.agent_id); }

}  // namespace

bool belongs(const agent::PodSummary& pod) {
  return owns(pod) || (!pod.stream && pod.job_name == agent::job_name(pod.agent_id));
}

const std::string& AgentView::uid() const {
  if (job) return job->uid;
  return pods.empty() ? kEmpty : pods.front()->uid;
}
const std::string& AgentView::name() const {
  const auto& given = job ? job->agent_name : pods.empty() ? kEmpty : pods.front()->agent_name;
  return given.empty() ? id : given;  // made by an older version, whose names were their own ids
}
bool AgentView::deleting() const { return job ? job->deleting : !pods.empty() && pods.front()->deleting; }
std::optional<SystemTime> AgentView::created_at() const {
  if (job) return job->created_at;
  return pods.empty() ? std::nullopt : pods.front()->created_at;
}
std::optional<SystemTime> AgentView::deadline() const {
  if (job) return job->deadline;
  return pods.empty() ? std::nullopt : pods.front()->deadline;
}
const agent::PodSummary* AgentView::newest_pod() const {
  auto newest = std::max_element(pods.begin(), pods.end(),
                                 [](const auto& a, const auto& b) { return a->created_at < b->created_at; });
  return newest == pods.end() ? nullptr : newest->get();
}

AgentCache::AgentCache(kube::Client& client, const Clock& clock, std::string ns, MetricsRegistry* metrics,
                       std::function<void(const std::string&)> on_change)
    : clock_(clock),
      ns_(std::move(ns)),
      on_change_(std::move(on_change)),
      jobs_(client, clock, reflect(kube::kJobs, ns_, "jobs", metrics), agent::summarize_job,
            [this](const std::string&, const agent::JobSummary* before, const agent::JobSummary* after) {
              job_changed(before, after);
            }),
      pods_(client, clock, reflect(kube::kPods, ns_, "pods", metrics), agent::summarize_pod,
            [this](const std::string& k, const agent::PodSummary* before, const agent::PodSummary* after) {
              pod_changed(k, before, after);
            }) {}

void AgentCache::start() {
  jobs_.start();
  pods_.start();
}

void AgentCache::stop() {
  jobs_.stop();
  pods_.stop();
}

bool AgentCache::synced() const { return jobs_.loop().synced() && pods_.loop().synced(); }

bool AgentCache::wait_until_synced(std::chrono::milliseconds timeout, const std::stop_token& stop) const {
  auto until = clock_.steady_now() + timeout;
  if (!jobs_.loop().wait_until_synced(timeout, stop)) return false;
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock_.steady_now());
  return pods_.loop().wait_until_synced(std::max(left, std::chrono::milliseconds{0}), stop);
}

Check AgentCache::reachable() const {
  // A watch that is being re-opened is normal; an error that lasts is not.
  constexpr std::chrono::seconds kTolerated{20};
  for (const auto* loop : {&jobs_.loop(), &pods_.loop()}) {
    auto error = loop->last_error();
    if (!error.empty() && (!loop->synced() || loop->since_last_contact() > kTolerated))
      return {"apiserver", false, error};
  }
  return {"apiserver", true, ""};
}

void AgentCache::job_changed(const agent::JobSummary* before, const agent::JobSummary* after) {
  const auto& job = after ? *after : *before;
  if (!owns(job)) return;
  if (!after) {
    std::lock_guard lock(mutex_);
    explanations_.erase(job.agent_id);
  }
  on_change_(job.agent_id);
}

void AgentCache::pod_changed(const std::string& k, const agent::PodSummary* before, const agent::PodSummary* after) {
  auto drop = [&](const agent::PodSummary& pod) {
    auto it = pods_of_.find(pod.agent_id);
    if (it == pods_of_.end()) return;
    it->second.erase(k);
    if (it->second.empty()) pods_of_.erase(it);
  };
  bool was = before && belongs(*before), is = after && belongs(*after);
  {
    std::lock_guard lock(mutex_);
    if (was) drop(*before);
    if (was && !is && before->stream) explanations_.erase(before->agent_id);
    if (is) pods_of_[after->agent_id].insert(k);
  }
  if (was) on_change_(before->agent_id);
  if (is && !(was && before->agent_id == after->agent_id)) on_change_(after->agent_id);
}

AgentView AgentCache::view(const std::string& id) const {
  AgentView view;
  view.id = id;
  view.job = jobs_.get(key(agent::job_name(id)));
  if (view.job && (!owns(*view.job) || view.job->agent_id != id)) view.job = nullptr;
  std::set<std::string> keys;
  Explanation explanation;
  {
    std::lock_guard lock(mutex_);
    if (auto it = pods_of_.find(id); it != pods_of_.end()) keys = it->second;
    if (auto it = explanations_.find(id); it != explanations_.end()) explanation = it->second;
  }
  for (const auto& k : keys) {
    auto pod = pods_.get(k);
    // Pods of a Job that is gone are the garbage collector's business.
    if (pod && pod->stream == !view.job) view.pods.push_back(std::move(pod));
  }
  if (view.job && view.pods.empty() && explanation.uid == view.job->uid && !explanation.message.empty()) {
    auto explained = std::make_shared<agent::JobSummary>(*view.job);
    explained->failed_create_message = std::move(explanation.message);
    view.job = std::move(explained);
    return view;
  }
  for (auto& pod : view.pods) {
    if (explanation.reason.empty() || pod->uid != explanation.uid || pod->phase != "Pending") continue;
    auto trouble =
        pod->trouble ? std::make_shared<agent::PodTrouble>(*pod->trouble) : std::make_shared<agent::PodTrouble>();
    trouble->start_reason = explanation.reason;
    trouble->start_message = explanation.message;
    auto explained = std::make_shared<agent::PodSummary>(*pod);
    explained->trouble = std::move(trouble);
    pod = std::move(explained);
  }
  return view;
}

std::shared_ptr<const agent::PodSummary> AgentCache::pod(const std::string& name) const { return pods_.get(key(name)); }

std::vector<std::string> AgentCache::ids() const {
  std::set<std::string> ids;
  for (const auto& job : jobs_.all())
    if (owns(*job)) ids.insert(job->agent_id);
  for (const auto& pod : pods_.all())
    if (owns(*pod)) ids.insert(pod->agent_id);
  return {ids.begin(), ids.end()};
}

std::set<std::string> AgentCache::unfinished() const {
  std::set<std::string> ids;
  for (const auto& job : jobs_.all())
    if (owns(*job) && !job->complete && !job->failed && !job->deleting) ids.insert(job->agent_id);
  for (const auto& pod : pods_.all())
    if (owns(*pod) && !pod->deleting && pod->phase != "Succeeded" && pod->phase != "Failed") ids.insert(pod->agent_id);
  return ids;
}

void AgentCache::explain(const std::string& id, const std::string& uid, std::string reason, std::string message) {
  {
    std::lock_guard lock(mutex_);
    auto& explanation = explanations_[id];
    if (explanation.uid == uid && explanation.reason == reason && explanation.message == message) return;
    explanation = {uid, std::move(reason), std::move(message)};
  }
  on_change_(id);
}

agent::AgentStatus status_of(const AgentView& view, SystemTime now) {
  return agent::derive_status(view.job.get(), view.pods, now);
}

AgentInfo make_info(const AgentView& view, const agent::AgentStatus& status, const std::string& ns) {
  AgentInfo info;
  info.id = view.id;
  info.name = view.name();
  info.ns = ns;
  info.kind = view.stream() ? "Pod" : "Job";
  info.object = view.stream() ? agent::stream_pod_name(view.id) : agent::job_name(view.id);
  info.mode = view.stream() ? "stream" : "batch";
  info.runtime = view.job ? view.job->runtime : view.pods.front()->runtime;
  info.model = view.job ? view.job->model : view.pods.front()->model;
  info.credentials = parse_bound_credentials(view.job ? view.job->credentials : view.pods.front()->credentials);
  info.phase = agent::to_string(status.phase);
  info.terminal = agent::is_terminal(status.phase);
  info.reason = status.reason;
  info.message = status.message;
  info.next_step = status.next_step;
  info.exit_code = status.exit_code;
  info.started_at = status.started_at;
  info.finished_at = status.finished_at;
  info.created_at = view.created_at();
  info.deadline = view.deadline();
  info.pod_name = status.pod_name;
  for (const auto& pod : view.pods) {
    if (pod->name != info.pod_name && view.pods.size() > 1) continue;
    info.pod_name = pod->name;
    info.node = pod->node;
    info.pod_ip = pod->ip;
    info.ready = pod->ready;
    for (const auto& container : pod->containers) info.restarts += container.restart_count;
  }
  return info;
}

}  // namespace fracta::controlplane
