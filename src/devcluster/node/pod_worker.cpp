#include "devcluster/node/pod_worker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

using Kind = ContainerState::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kSystemCritical = 2'000'000'000;  // pods above are not evicted
constexpr milliseconds kVolumesRetryMax{122'000};        // a kubelet's exponential back-off ends at 2m2s

Json list_at(const Json& object, std::string_view path) {
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_array() ? *found : Json::array();
}

std::string host_name(const Json& pod) {
  std::string name = string_at(pod, "spec/hostname", string_at(pod, "metadata/name")).substr(0, 63);
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name;
}

std::string hosts_file(const Json& pod, const std::string& ip) {
  std::string text =
      "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n";
  text += fmt::format("{}\t{}\n", ip, host_name(pod));
  for (const auto& alias : list_at(pod, "spec/hostAliases"))
    for (const auto& name : list_at(alias, "hostnames"))
      if (name.is_string()) text += fmt::format("{}\t{}\n", string_at(alias, "ip"), name.get<std::string>());
  return text;
}

}  // namespace

std::string pod_label(const Json& pod) {
  return fmt::format("{}_{}({})", string_at(pod, "metadata/name"), string_at(pod, "metadata/namespace"),
                     string_at(pod, "metadata/uid"));
}

PodWorker::PodWorker(const PodContext& context, Object pod)
    : context_(context),
      namespace_(string_at(*pod, "metadata/namespace")),
      name_(string_at(*pod, "metadata/name")),
      uid_(string_at(*pod, "metadata/uid")),
      directory_(context.options.directory + "/pods/" + uid_),
      pod_(std::move(pod)),
      restart_policy_(string_at(*pod_, "spec/restartPolicy", "Always")),
      volumes_(context.api, context_.node, directory_, context.options.directory + "/claims"),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  for (const bool init : {true, false})
    for (const auto& spec : list_at(*pod_, init ? "spec/initContainers" : "spec/containers")) {
      auto container = std::make_unique<Container>();
      container->spec = spec;
      container->init = init;
      container->view.name = string_at(spec, "name");
      container->view.image = string_at(spec, "image");
      container->view.state.reason =
          find_path(*pod_, "spec/initContainers") != nullptr && !list_at(*pod_, "spec/initContainers").empty()
              ? "PodInitializing"
              : "ContainerCreating";
      containers_.push_back(std::move(container));
    }
  if (context_.isolation.own_addresses && !bool_at(*pod_, "spec/hostNetwork"))
    address_ = context_.sockets.take_address();
  view_.start_time = context_.clock.system_now();
  view_.host_ip = context_.node.host_ip;
  active_since_ = context_.clock.steady_now();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

PodWorker::~PodWorker() {
  thread_.request_stop();
  wake();
  if (thread_.joinable()) thread_.join();
  context_.sockets.give_back(address_);
}

void PodWorker::wake() { (void)!::write(wake_.get(), "\1\0\0\0\0\0\0\0", 8); }

void PodWorker::update(Object pod) {
  {
    const std::lock_guard lock(mutex_);
    incoming_ = std::move(pod);
  }
  wake();
}

void PodWorker::object_gone() {
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
  }
  wake();
}

void PodWorker::source_changed() {
  {
    const std::lock_guard lock(mutex_);
    sources_changed_ = true;
  }
  wake();
}

Result<std::shared_ptr<ContainerLog>> PodWorker::log(const std::string& container, bool previous,
                                                     std::string_view waiting_reason) {
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(container);
  if (found == logs_.end() || !found->second.first) {
    if (previous)
      return make_error(ErrorCode::kInvalid,
                        fmt::format("previous terminated container \"{}\" in pod \"{}\" not found", container, name_));
    // validateContainerLogStatus of a kubelet.
    const std::string_view why = waiting_reason == "ErrImagePull"       ? "image can't be pulled"
                                 : waiting_reason == "ImagePullBackOff" ? "trying and failing to pull image"
                                                                        : waiting_reason;
    return make_error(ErrorCode::kInvalid,
                      fmt::format("container \"{}\" in pod \"{}\" is waiting to start: {}", container, name_, why));
  }
  auto log = previous ? found->second.second : found->second.first;
  if (!log)
    return make_error(ErrorCode::kInvalid,
                      fmt::format("previous terminated container \"{}\" in pod \"{}\" not found", container, name_));
  return log;
}

Result<PodWorker::Inside> PodWorker::inside(const std::string& container) {
  const std::lock_guard lock(mutex_);
  const auto found = insides_.find(container);
  if (found == insides_.end())
    return make_error(ErrorCode::kNotFound, fmt::format("container not found (\"{}\")", container));
  const Inside& known = found->second;
  return Inside{UniqueFd(::fcntl(known.pidfd.get(), F_DUPFD_CLOEXEC, 3)), known.pid, known.plan, known.stdio};
}

void PodWorker::run(const std::stop_token& stop) {
  while (!stop.stop_requested() && !removed_) {
    next_ = SteadyTime::max();
    receive();
    reap();
    step();
    publish();
    if (!removed_ && !stop.stop_requested()) wait(stop);
  }
  each([&](Container& c) {
    if (!c.run) return;
    c.run->probers.clear();
    c.run->post_start.reset();
    c.run->pre_stop.reset();
    end_process(c.run->process);
    c.run->log->close(context_.clock.system_now());
    c.run->stdio->close();
    c.run.reset();
  });
  std::error_code ignored;
  volumes_.release();
  if (removed_) std::filesystem::remove_all(directory_, ignored);
  finished_ = true;
}

void PodWorker::receive() {
  std::vector<std::pair<std::string, ProbeReport>> reports;
  std::string eviction;
  {
    const std::lock_guard lock(mutex_);
    if (incoming_) {
      // Labels and annotations may be in a downward API volume.
      if (find_path(*pod_, "metadata/labels") != nullptr || find_path(*pod_, "metadata/annotations") != nullptr)
        refresh_at_ = std::min(refresh_at_, context_.clock.steady_now() + context_.options.volume_sync);
      pod_ = std::exchange(incoming_, nullptr);
      dirty_ = true;  // somebody else may have written into the status: the node knows better
    }
    if (std::exchange(sources_changed_, false)) {
      volumes_retry_ = {};
      refresh_at_ = std::min(refresh_at_, context_.clock.steady_now() + context_.options.volume_sync);
      each([](Container& c) {
        if (c.view.state.reason == "CreateContainerConfigError") c.retry_at = {};
      });
    }
    reports.swap(reports_);
    eviction.swap(eviction_);
  }
  const bool critical = int_at(*pod_, "spec/priority").value_or(0) >= kSystemCritical;
  if (!eviction.empty() && !terminal_ && !critical) evict(eviction);
  for (const auto& [id, report] : reports)
    each([&, &id = id, &report = report](Container& c) {
      if (c.run && c.view.container_id == id) apply(&c, report);
    });
}

bool PodWorker::any_running() const {
  return std::any_of(containers_.begin(), containers_.end(), [](const auto& c) { return c->run.has_value(); });
}

void PodWorker::step() {
  each([&](Container& c) {
    if (c.run && c.run->stopping)
      advance_stop(c);
    else if (c.run && c.run->post_start)
      advance_start(c);
  });
  enforce_limits();
  if (terminating() || terminal_) return;
  if (!volumes_ready()) return;
  if (run_init_containers()) run_main_containers();
  if (refresh_at_ <= context_.clock.steady_now()) {
    volumes_.refresh(*pod_, pod_ip(), context_.clock.system_now());
    refresh_at_ = SteadyTime::max();
  }
  wake_at(refresh_at_);
  if (const auto renewal = volumes_.renewal()) {
    const auto left = *renewal - context_.clock.system_now();
    refresh_at_ = std::min(refresh_at_, context_.clock.steady_now() + std::max(left, SystemTime::duration{seconds{1}}));
    wake_at(refresh_at_);
  }
}

// Deletion and the pod's own deadline.
bool PodWorker::terminating() {
  bool gone;
  {
    const std::lock_guard lock(mutex_);
    gone = gone_;
  }
  const bool deleted = find_path(*pod_, "metadata/deletionTimestamp") != nullptr;
  if (gone || deleted) {
    const auto grace = gone ? std::int64_t{1} : int_at(*pod_, "metadata/deletionGracePeriodSeconds").value_or(30);
    each([&](Container& c) {
      if (c.run) stop_container(c, seconds{grace}, fmt::format("Stopping container {}", c.view.name));
    });
    if (any_running()) return true;
    if (gone) {
      removed_ = true;
    } else if (!ending_) {
      publish();  // how it ended, before the object goes
      RemoveOptions now;
      now.grace_period_seconds = 0;
      now.precondition_uid = uid_;
      const auto done = context_.api.remove("pods", namespace_, name_, now);
      if (done || done.error().code == ErrorCode::kNotFound || done.error().code == ErrorCode::kConflict)
        ending_ = true;
      else
        wake_at(context_.clock.steady_now() + seconds{1});
    }
    return true;
  }
  if (const auto limit = int_at(*pod_, "spec/activeDeadlineSeconds"); limit && !terminal_) {
    const auto deadline = active_since_ + seconds{std::min<std::int64_t>(*limit, 1LL << 31)};
    if (context_.clock.steady_now() < deadline) {
      wake_at(deadline);
    } else {
      const std::string message = "Pod was active on the node longer than the specified deadline";
      event("Normal", "DeadlineExceeded", message);
      fail_pod("DeadlineExceeded", message);
      const auto grace = int_at(*pod_, "spec/terminationGracePeriodSeconds").value_or(30);
      each([&](Container& c) {
        if (c.run) stop_container(c, seconds{grace}, fmt::format("Stopping container {}", c.view.name));
      });
    }
  }
  return false;
}

bool PodWorker::volumes_ready() {
  if (volumes_mounted_) return true;
  const auto now = context_.clock.steady_now();
  if (now < volumes_retry_) {
    wake_at(volumes_retry_);
    return false;
  }
  if (!prepared_) {
    (void)make_directories(directory_, 0755).ok();
    (void)write_file_atomic(directory_ + "/etc-hosts", hosts_file(*pod_, pod_ip()), {0644}).ok();
    (void)write_file_atomic(directory_ + "/resolv.conf", read_file("/etc/resolv.conf", 64u << 10).value_or(""), {0644})
        .ok();
    prepared_ = true;
  }
  const auto problems = volumes_.set_up(*pod_, pod_ip(), context_.clock.system_now());
  for (const auto& problem : problems)
    event("Warning", "FailedMount",
          fmt::format("MountVolume.SetUp failed for volume \"{}\" : {}", problem.volume, problem.message));
  volumes_mounted_ = problems.empty();
  if (volumes_mounted_) {
    view_.pod_ip = pod_ip();
    dirty_ = true;
    return true;
  }
  volumes_retry_ = now + volumes_backoff_;
  volumes_backoff_ = std::min(volumes_backoff_ * 2, kVolumesRetryMax);
  wake_at(volumes_retry_);
  return false;
}

// True when all of them have ended well.
bool PodWorker::run_init_containers() {
  for (auto& container : containers_) {
    Container& c = *container;
    if (!c.init) break;
    if (c.view.state.kind == Kind::kTerminated && c.view.state.exit_code == 0) continue;
    if (c.run) return false;
    const bool fresh = c.view.state.kind == Kind::kWaiting && !c.view.last;
    if (fresh || should_restart(c)) try_start(c);
    return false;
  }
  return true;
}

void PodWorker::run_main_containers() {
  for (auto& container : containers_) {
    Container& c = *container;
    if (c.init || c.run) continue;
    const bool fresh = c.view.state.kind == Kind::kWaiting && !c.view.last;
    if (fresh || should_restart(c)) try_start(c);
  }
}

bool PodWorker::should_restart(const Container& c) const {
  if (restart_policy_ == "Never") return false;
  const ContainerState& ended = c.view.state.kind == Kind::kTerminated ? c.view.state
                                : c.view.last                          ? *c.view.last
                                                                       : c.view.state;
  if (c.init) return ended.exit_code != 0;
  return restart_policy_ == "Always" || ended.exit_code != 0;
}

void PodWorker::event(std::string_view type, std::string_view reason, std::string_view message) {
  if (!context_.silent) context_.api.record_event(*pod_, type, reason, message, "kubelet");
}

// About one container: the path that events of a real node carry, which `kubectl describe` and others show.
void PodWorker::event(const Container& container, std::string_view type, std::string_view reason,
                      std::string_view message) {
  if (context_.silent) return;
  const Json about = {{"kind", "Pod"},
                      {"apiVersion", "v1"},
                      {"metadata", find(*pod_, "metadata") != nullptr ? *find(*pod_, "metadata") : Json::object()},
                      {"spec", {{"nodeName", string_at(*pod_, "spec/nodeName")}}},
                      {"fieldPath", fmt::format("spec.{}{{{}}}", container.init ? "initContainers" : "containers",
                                                container.view.name)}};
  context_.api.record_event(about, type, reason, message, "kubelet");
}

// Many changes make one write: the status is built anew from the view and written when it differs.
void PodWorker::publish() {
  if (!dirty_ || context_.silent) return;
  dirty_ = false;
  view_.init.clear();
  view_.main.clear();
  each([&](Container& c) { (c.init ? view_.init : view_.main).push_back(c.view); });
  const std::string phase = pod_phase(*find(*pod_, "spec"), view_);
  if (phase == "Succeeded" || phase == "Failed") {
    terminal_ = true;
    view_.phase_override = phase;
  }
  const auto written = context_.api.mutate(
      "pods", namespace_, name_,
      [&](Json& object) {
        if (string_at(object, "metadata/uid") != uid_) return false;
        Json status = make_pod_status(object, view_, context_.clock.system_now());
        if (const Json* old = find(object, "status"); old != nullptr && *old == status) return false;
        object["status"] = std::move(status);
        return true;
      },
      "status");
  if (!written && written.error().code != ErrorCode::kNotFound) {
    log::warn("node", "pod status not written", {{"pod", name_}, {"error", written.error().message}});
    dirty_ = true;
    wake_at(context_.clock.steady_now() + seconds{1});
  }
}

void PodWorker::wait(const std::stop_token& stop) {
  std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
  each([&](Container& c) {
    if (!c.run) return;
    fds.push_back({c.run->process.pidfd.get(), POLLIN, 0});
    if (c.run->output.valid()) fds.push_back({c.run->output.get(), POLLIN, 0});
    if (c.run->error.valid()) fds.push_back({c.run->error.get(), POLLIN, 0});
  });
  int timeout = -1;
  if (next_ != SteadyTime::max()) {
    const auto left = std::chrono::ceil<milliseconds>(next_ - context_.clock.steady_now()).count();
    timeout = static_cast<int>(std::clamp<long>(left, 0, 3'600'000));
  }
  if (stop.stop_requested()) return;
  (void)::poll(fds.data(), fds.size(), timeout);
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);
}

}  // namespace fracta::devcluster
