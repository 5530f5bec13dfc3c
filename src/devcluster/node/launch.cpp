#include "devcluster/node/launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "devcluster/node/launch_child.hpp"
#include "devcluster/node/pod_sockets.hpp"

namespace fracta::devcluster {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// Owns what RawPlan points to.
struct Prepared {
  explicit Prepared(const LaunchPlan& plan)
      : candidates(pointers(plan.candidates)), argv(pointers(plan.argv)), environment(pointers(plan.environment)) {
    steps.reserve(plan.steps.size());
    for (const auto& step : plan.steps)
      steps.push_back({static_cast<int>(step.kind), step.a.c_str(), step.b.c_str(), step.slot, step.number, step.skip,
                       step.read_only, step.may_fail});
    slots.assign(static_cast<std::size_t>(plan.slots) + 1, -1);
    uid_map = fmt::format("{} {} 1\n", plan.uid, geteuid());
    gid_map = fmt::format("{} {} 1\n", plan.gid, getegid());
  }
  std::vector<child::RawStep> steps;
  std::vector<int> slots;
  std::vector<char*> candidates, argv, environment;
  std::string uid_map, gid_map;
};

child::RawPlan raw_plan(const LaunchPlan& plan, Prepared& prepared, int inside, int report, int supervisor) {
  child::RawPlan raw{};
  raw.steps = prepared.steps.data();
  raw.step_count = prepared.steps.size();
  raw.slots = prepared.slots.data();
  raw.user_namespace = plan.user_namespace;
  raw.uid_map = prepared.uid_map.c_str();
  raw.gid_map = prepared.gid_map.c_str();
  raw.inside_pidfd = inside;
  raw.hostname = plan.hostname.c_str();
  raw.candidates = prepared.candidates.data();
  raw.argv = prepared.argv.data();
  raw.environment = prepared.environment.data();
  raw.working_directory = plan.working_directory.c_str();
  raw.uid = plan.uid;
  raw.gid = plan.gid;
  raw.groups = plan.groups.data();
  raw.group_count = plan.groups.size();
  raw.no_new_privileges = plan.no_new_privileges;
  raw.drop_capabilities = plan.drop_capabilities;
  raw.capabilities = plan.capabilities;
  raw.input = plan.standard_input;
  raw.output = plan.standard_output;
  raw.error = plan.standard_error;
  raw.terminal = plan.terminal;
  raw.supervisor = supervisor;
  raw.join_file = plan.join_file.c_str();
  raw.report = report;
  return raw;
}

Error describe(const LaunchPlan& plan, const child::Report& report) {
  const std::string reason = std::strerror(report.error);
  switch (report.stage) {
    case child::Stage::kExec: {
      // runc's words, which is what a container's status shows on a real node.
      const std::string name = plan.argv.empty() ? "" : plan.argv.front();
      if (report.error == ENOENT && name.find('/') == std::string::npos)
        return make_error(ErrorCode::kNotFound, fmt::format("exec: \"{}\": executable file not found in $PATH", name));
      if (report.error == ENOENT)
        return make_error(ErrorCode::kNotFound,
                          fmt::format("exec: \"{0}\": stat {0}: no such file or directory", name));
      if (report.error == EACCES)
        return make_error(ErrorCode::kForbidden, fmt::format("exec: \"{}\": permission denied", name));
      return make_error(ErrorCode::kInvalid, fmt::format("exec {}: {}", name, reason));
    }
    case child::Stage::kWorkingDirectory:
      return make_error(ErrorCode::kInvalid, fmt::format("chdir to cwd (\"{}\") set in config.json failed: {}",
                                                         plan.working_directory, reason));
    case child::Stage::kStep: {
      const auto& step = plan.steps[static_cast<std::size_t>(std::max(report.step, 0))];
      return make_error(ErrorCode::kInternal, fmt::format("mounting \"{}\" failed (step {}): {}", step.a,
                                                          static_cast<int>(step.kind), reason));
    }
    case child::Stage::kIdentity:
      return make_error(ErrorCode::kInternal,
                        fmt::format("becoming uid {} gid {} failed: {}", plan.uid, plan.gid, reason));
    case child::Stage::kSockets:
      return make_error(ErrorCode::kInternal, fmt::format("supervising sockets failed: {}", reason));
    case child::Stage::kNamespaces:
      break;
  }
  return make_error(ErrorCode::kInternal, fmt::format("entering the container's namespaces failed: {}", reason));
}

// All signals are blocked around the clone: a handler of the daemon must never run in the child.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &old_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t old_{};
};

// The descriptor that the child has sent, if it has.
UniqueFd receive_descriptor(int socket) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1) return {};
  const cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (head == nullptr || head->cmsg_type != SCM_RIGHTS) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
  return UniqueFd(fd);
}

Result<Process> start(const LaunchPlan& plan, int inside, unsigned long namespaces) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return make_error(ErrorCode::kResourceExhausted, fmt::format("pipe: {}", std::strerror(errno)));
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  UniqueFd ours, theirs;
  if (plan.sockets != nullptr) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return make_error(ErrorCode::kResourceExhausted, fmt::format("socketpair: {}", std::strerror(errno)));
    ours.reset(ends[0]), theirs.reset(ends[1]);
  }
  Prepared prepared(plan);
  const child::RawPlan raw = raw_plan(plan, prepared, inside, write_end.get(), theirs.get());
  int pidfd = -1;
  long pid = -1;
  {
    BlockSignals blocked;
    // Not fork(): glibc's runs handlers of every library, and pid namespaces need clone's flags anyway.
    pid = syscall(SYS_clone, namespaces | CLONE_PIDFD | SIGCHLD, nullptr, &pidfd, nullptr, nullptr);
    if (pid == 0) child::run(raw);
  }
  if (pid < 0) return make_error(ErrorCode::kInternal, fmt::format("clone: {}", std::strerror(errno)));
  Process process{static_cast<pid_t>(pid), UniqueFd(pidfd)};
  write_end.reset();
  child::Report report{};
  ssize_t got = 0;
  do got = read(read_end.get(), &report, sizeof report);
  while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof report)) {
    // Sent before the program was started, so it is there.
    if (plan.sockets != nullptr) plan.sockets->supervise(receive_descriptor(ours.get()), plan.address);
    return process;
  }
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED) < 0 && errno == EINTR) {
  }
  return describe(plan, report);
}

}  // namespace

Result<Process> launch(const LaunchPlan& plan) {
  unsigned long namespaces = 0;
  if (!plan.steps.empty()) namespaces = CLONE_NEWNS | CLONE_NEWPID;
  if (plan.user_namespace) namespaces |= CLONE_NEWUSER;
  if (!plan.hostname.empty()) namespaces |= CLONE_NEWUTS;
  return start(plan, -1, namespaces);
}

Result<Process> launch_inside(int container_pidfd, const LaunchPlan& plan) { return start(plan, container_pidfd, 0); }

bool try_wait(const Process& process, ExitState& exit) {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED | WNOHANG) != 0) {
    exit = {255, 0};  // somebody else reaped it: cannot happen, but never wait for it for ever
    return errno == ECHILD;
  }
  if (info.si_pid == 0) return false;
  exit.signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
  exit.code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  return true;
}

void kill_process(const Process& process, int signal) {
  if (process.pidfd.valid()) (void)syscall(SYS_pidfd_send_signal, process.pidfd.get(), signal, nullptr, 0);
}

void end_process(const Process& process) {
  kill_process(process, SIGKILL);
  pollfd gone{process.pidfd.get(), POLLIN, 0};
  (void)::poll(&gone, 1, 5'000);
  ExitState ignored;
  (void)try_wait(process, ignored);
}

}  // namespace fracta::devcluster
