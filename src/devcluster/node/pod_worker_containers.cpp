// The pod worker's half that deals with single containers: start, probes, stop, end.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "devcluster/node/pod_worker.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

using Kind = ContainerState::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kConfigRetry{2'000};
constexpr std::size_t kMaxMessage = 4096;
constexpr int kDrainChunks = 64;  // then let other containers have their turn
constexpr SystemTime kEpoch{};

// Go's time.Duration.String for whole seconds.
std::string go_seconds(seconds value) {
  if (value < seconds{60}) return fmt::format("{}s", value.count());
  return fmt::format("{}m{}s", value.count() / 60, value.count() % 60);
}

}  // namespace

void PodWorker::wait_state(Container& c, std::string reason, std::string message) {
  if (c.view.state.kind == Kind::kTerminated) c.view.last = c.view.state;
  if (c.view.state.kind == Kind::kWaiting && c.view.state.reason == reason && c.view.state.message == message) return;
  c.view.state = {};
  c.view.state.reason = std::move(reason);
  c.view.state.message = std::move(message);
  dirty_ = true;
}

bool PodWorker::ensure_image(Container& c, Image& image) {
  const auto now = context_.clock.steady_now();
  const std::string& name = c.view.image;
  const auto fail = [&](std::string reason, std::string message, milliseconds retry) {
    event(c, "Warning", "Failed", "Error: " + reason);
    wait_state(c, std::move(reason), std::move(message));
    c.retry_at = now + retry;
    wake_at(c.retry_at);
    return false;
  };
  if (!is_image_reference(name)) {
    std::string message = fmt::format(
        "Failed to apply default image tag \"{0}\": couldn't parse image reference \"{0}\": invalid reference format",
        name);
    event(c, "Warning", "InspectFailed", message);
    return fail("InvalidImageName", std::move(message), kConfigRetry * 5);
  }
  auto found = context_.images.find(name);
  const std::string policy = string_at(c.spec, "imagePullPolicy", "IfNotPresent");
  if (found && *found) {
    image = std::move(**found);
    c.view.image_id = "docker.io/fracta/local@sha256:" + sha256_hex(image.root + "\n" + name);
    if (policy == "Always") {
      event(c, "Normal", "Pulling", fmt::format("Pulling image \"{}\"", name));
      event(c, "Normal", "Pulled", fmt::format("Successfully pulled image \"{}\" in 0s (0s including waiting)", name));
    } else {
      event(c, "Normal", "Pulled", fmt::format("Container image \"{}\" already present on machine", name));
    }
    return true;
  }
  if (policy == "Never") {
    std::string message = fmt::format("Container image \"{}\" is not present with pull policy of Never", name);
    event(c, "Warning", "ErrImageNeverPull", message);
    return fail("ErrImageNeverPull", std::move(message), seconds{10});
  }
  if (c.pull.waiting(c.pull_failed, now)) {
    std::string message = fmt::format("Back-off pulling image \"{}\"", name);
    event(c, "Normal", "BackOff", message);
    return fail("ImagePullBackOff", std::move(message),
                std::chrono::ceil<milliseconds>(c.pull_failed + c.pull.delay() - now));
  }
  event(c, "Normal", "Pulling", fmt::format("Pulling image \"{}\"", name));
  std::string message = found ? fmt::format(
                                    "rpc error: code = NotFound desc = failed to pull and unpack image \"{0}\": failed "
                                    "to resolve reference \"{0}\": {0}: not found",
                                    name)
                              : "rpc error: code = Unknown desc = " + found.error().message;
  event(c, "Warning", "Failed", fmt::format("Failed to pull image \"{}\": {}", name, message));
  c.pull.next(now);
  c.pull_failed = now;
  return fail("ErrImagePull", std::move(message), seconds{1});
}

void PodWorker::try_start(Container& c) {
  const auto now = context_.clock.steady_now();
  if (now < c.retry_at) {
    wake_at(c.retry_at);
    return;
  }
  const bool restart = c.view.state.kind == Kind::kTerminated || c.view.last.has_value();
  if (restart && c.crash.waiting(c.finished, now)) {
    event(c, "Warning", "BackOff",
          fmt::format("Back-off restarting failed container {} in pod {}", c.view.name, pod_label(*pod_)));
    wait_state(c, "CrashLoopBackOff",
               fmt::format("back-off {} restarting failed container={} pod={}", go_seconds(c.crash.delay()),
                           c.view.name, pod_label(*pod_)));
    c.retry_at = c.finished + c.crash.delay();
    wake_at(c.retry_at);
    return;
  }
  Image image;
  if (!ensure_image(c, image)) return;
  if (restart) {
    c.crash.next(now);
    if (c.view.state.kind == Kind::kTerminated) c.view.last = c.view.state;
    ++c.view.restart_count;
  }
  PodEnvironment environment{pod_.get(), &volumes_, directory_, pod_ip(), ""};
  environment.hostname = string_at(*pod_, "spec/hostname", name_).substr(0, 63);
  const auto problem = start_container(context_, environment, image, c);
  if (!problem) return started(c);
  event(c, "Warning", "Failed", "Error: " + problem->message);
  if (restart && !problem->start_error) --c.view.restart_count;  // no container came of it
  if (!problem->start_error) {
    wait_state(c, problem->reason, problem->message);
    c.retry_at = now + kConfigRetry;
    wake_at(c.retry_at);
    return;
  }
  c.view.container_id = "containerd://" + random_hex(32);
  c.view.state = {Kind::kTerminated,           "StartError",       problem->message, 128, kEpoch,
                  context_.clock.system_now(), c.view.container_id};
  c.finished = now;
  dirty_ = true;
  const std::lock_guard lock(mutex_);
  logs_[c.view.name] = {c.log, c.previous_log};
  wake_at(now);
}

void PodWorker::started(Container& c) {
  c.view.container_id = "containerd://" + random_hex(32);
  c.stop_message.clear();
  event(c, "Normal", "Created", "Created container " + c.view.name);
  event(c, "Normal", "Started", "Started container " + c.view.name);
  {
    const std::lock_guard lock(mutex_);
    logs_[c.view.name] = {c.log, c.previous_log};
    insides_[c.view.name] = {UniqueFd(::fcntl(c.run->process.pidfd.get(), F_DUPFD_CLOEXEC, 3)), c.run->process.pid,
                             c.run->inside, c.run->stdio};
  }
  c.view.state.started_at = context_.clock.system_now();
  // Until its postStart hook has ended, a container is not seen to run.
  if (const Json* hook = find_path(c.spec, "lifecycle/postStart"); hook != nullptr && hook->is_object()) {
    c.run->post_start = start_hook(c, *hook);
    return;
  }
  running(c);
}

void PodWorker::running(Container& c) {
  const SystemTime since = c.view.state.started_at;
  c.view.state = {};
  c.view.state.kind = Kind::kRunning;
  c.view.state.started_at = since;
  const bool startup = find(c.spec, "startupProbe") != nullptr;
  c.view.started = !c.init && !startup;
  c.view.ready = !c.init && !startup && find(c.spec, "readinessProbe") == nullptr;
  if (!c.init) start_probers(c, false);
  dirty_ = true;
}

ProbeTarget PodWorker::target_of(const Container& c) const {
  return {c.run->process.pidfd.get(), c.run->inside, pod_ip(), c.run->ports};
}

std::unique_ptr<LifecycleHook> PodWorker::start_hook(Container& c, const Json& handler) {
  return std::make_unique<LifecycleHook>(handler, target_of(c),
                                         fmt::format("Container \"{}\" in Pod \"{}\"", c.view.name, pod_label(*pod_)),
                                         [this] { wake(); });
}

void PodWorker::advance_start(Container& c) {
  if (!c.run->post_start->ended()) return;
  const std::string failure = c.run->post_start->failure();
  c.run->post_start.reset();
  if (failure.empty()) return running(c);
  event(c, "Warning", "FailedPostStartHook", "PostStartHook failed");
  c.run->post_start_failure = failure;
  const auto grace = int_at(*pod_, "spec/terminationGracePeriodSeconds").value_or(30);
  stop_container(c, seconds{grace}, "FailedPostStartHook");
}

void PodWorker::start_probers(Container& c, bool after_startup) {
  const bool startup = find(c.spec, "startupProbe") != nullptr;
  const auto start = [&](ProbeType type, const char* key) {
    const Json* probe = find(c.spec, key);
    if (probe == nullptr || !probe->is_object()) return;
    c.run->probers.push_back(
        std::make_unique<Prober>(type, *probe, target_of(c), [this, id = c.view.container_id](ProbeReport report) {
          {
            const std::lock_guard lock(mutex_);
            reports_.emplace_back(id, std::move(report));
          }
          wake();
        }));
  };
  if (startup && !after_startup) return start(ProbeType::kStartup, "startupProbe");
  start(ProbeType::kReadiness, "readinessProbe");
  start(ProbeType::kLiveness, "livenessProbe");
}

void PodWorker::apply(const Container* target, const ProbeReport& report) {
  for (auto& container : containers_) {
    Container& c = *container;
    if (&c != target || c.run->stopping) continue;
    if (!report.message.empty()) event(c, "Warning", "Unhealthy", report.message);
    if (!report.settled) continue;
    if (report.type == ProbeType::kReadiness) {
      dirty_ = dirty_ || c.view.ready != report.success;
      c.view.ready = report.success;
    } else if (!report.success) {
      const auto own =
          int_at(c.spec, std::string(report.type == ProbeType::kLiveness ? "livenessProbe" : "startupProbe") +
                             "/terminationGracePeriodSeconds");
      const auto grace = own.value_or(int_at(*pod_, "spec/terminationGracePeriodSeconds").value_or(30));
      stop_container(c, seconds{grace},
                     fmt::format("Container {} failed {} probe{}", c.view.name,
                                 report.type == ProbeType::kLiveness ? "liveness" : "startup",
                                 restart_policy_ == "Never" ? "" : ", will be restarted"));
    } else if (report.type == ProbeType::kStartup && !c.view.started) {
      c.view.started = true;
      c.view.ready = find(c.spec, "readinessProbe") == nullptr;
      dirty_ = true;
      start_probers(c, true);
    }
  }
}

// preStop hook, then SIGTERM to pid 1, then SIGKILL when the grace period is over. Calling again may only shorten it.
void PodWorker::stop_container(Container& c, seconds grace, const std::string& message) {
  const auto kill_at = context_.clock.steady_now() + std::max(grace, seconds{0});
  if (c.run->stopping) {
    c.run->kill_at = std::min(c.run->kill_at, kill_at);
    return wake_at(c.run->kill_at);
  }
  c.run->stopping = true;
  c.run->kill_at = kill_at;
  event(c, "Normal", "Killing", message);
  c.run->post_start.reset();
  if (const Json* hook = find_path(c.spec, "lifecycle/preStop");
      hook != nullptr && hook->is_object() && grace.count() > 0)
    c.run->pre_stop = start_hook(c, *hook);
  advance_stop(c);
}

void PodWorker::advance_stop(Container& c) {
  RunningContainer& run = *c.run;
  const auto now = context_.clock.steady_now();
  if (run.pre_stop) {
    const bool ended = run.pre_stop->ended();
    if (!ended && now < run.kill_at) return wake_at(run.kill_at);
    if (ended && !run.pre_stop->failure().empty()) event(c, "Warning", "FailedPreStopHook", "PreStopHook failed");
    run.pre_stop.reset();
    run.kill_at = std::max(run.kill_at, now + seconds{2});  // a kubelet's least grace after the hook
  }
  if (!run.signalled) {
    kill_process(run.process, SIGTERM);
    run.signalled = true;
  }
  if (now >= run.kill_at)
    kill_process(run.process, SIGKILL);
  else
    wake_at(run.kill_at);
}

void PodWorker::drain(Container& c) {
  char buffer[16u << 10];
  for (const bool error : {false, true}) {
    UniqueFd& fd = error ? c.run->error : c.run->output;
    for (int i = 0; i < kDrainChunks && fd.valid(); ++i) {
      const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
      if (got > 0) {
        const std::string_view bytes(buffer, static_cast<std::size_t>(got));
        c.run->log->append(error, bytes, context_.clock.system_now());
        c.run->stdio->publish(error, bytes);
      } else if (got == 0 || errno == EIO)  // a terminal's end
        fd.reset();
      else
        break;
    }
  }
}

void PodWorker::reap() {
  each([&](Container& c) {
    if (!c.run) return;
    ExitState exit;
    const bool over = try_wait(c.run->process, exit);  // before the last read: what it wrote is in the pipe then
    drain(c);
    if (over) ended(c, exit);
  });
}

void PodWorker::ended(Container& c, const ExitState& exit) {
  RunningContainer& run = *c.run;
  run.probers.clear();
  run.post_start.reset();
  run.pre_stop.reset();
  for (int i = 0; i < 16 && (run.output.valid() || run.error.valid()); ++i) drain(c);
  run.log->close(context_.clock.system_now());
  run.stdio->close();
  c.view.ready = c.view.started = false;
  c.view.state = {Kind::kTerminated,
                  run.memory && run.memory->killed() ? "OOMKilled"
                  : exit.code == 0                   ? "Completed"
                                                     : "Error",
                  "",
                  exit.code,
                  c.view.state.started_at,
                  context_.clock.system_now(),
                  c.view.container_id};
  std::string message = read_file(run.termination_file, 1u << 20).value_or("").substr(0, kMaxMessage);
  if (message.empty() && exit.code != 0 && string_at(c.spec, "terminationMessagePolicy") == "FallbackToLogsOnError")
    message = run.log->tail(80, 2048);
  c.view.state.message = std::move(message);
  c.finished = context_.clock.steady_now();
  c.retry_at = {};
  {
    const std::lock_guard lock(mutex_);
    insides_.erase(c.view.name);
  }
  const std::string hook_failure = run.post_start_failure;
  c.run.reset();
  dirty_ = true;
  if (!hook_failure.empty() && !terminal_ && should_restart(c)) {
    wait_state(c, "PostStartHookError", hook_failure);
    c.retry_at = context_.clock.steady_now() + kConfigRetry;
    wake_at(c.retry_at);
  }
}

}  // namespace fracta::devcluster
