// The part of an init process that a container needs: PID 1 gets no default signal actions from the kernel and inherits
// every orphan, so signals are forwarded by hand and all children are waited for.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "fracta/base/text.hpp"
#include "fracta/runner/runner.hpp"

namespace fracta::runner {
namespace {

constexpr std::array kForwarded{SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};

sigset_t waited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kForwarded) sigaddset(&set, signal);
  sigaddset(&set, SIGCHLD);
  return set;
}

// A terminal sends SIGINT to its whole foreground group. With the child in a group of its own it arrives once, not
// once from the terminal and once from us. Without a terminal the group stays as it is: whoever started us may want to
// signal all of it.
void take_terminal() {
  if (isatty(STDIN_FILENO) == 0) return;
  setpgid(0, 0);
  tcsetpgrp(STDIN_FILENO, getpgrp());  // SIGTTOU is ignored here, see start()
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

struct Program {
  std::vector<char*> argv, environment;
};

[[noreturn]] void become(Program program, const sigset_t& mask, int report, pid_t parent) {
  // If the runner is killed, nothing would tell the agent; as PID 1 the kernel does it by itself.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kExitFailed);
  signal(SIGTTOU, SIG_IGN);
  take_terminal();
  for (const int number : {SIGPIPE, SIGTTOU, SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT}) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  environ = program.environment.data();          // also where execvp finds PATH
  execvp(program.argv[0], program.argv.data());  // skips files that are not executable: a broken helper shadows nothing
  const int reason = errno;
  [[maybe_unused]] const ssize_t written = write(report, &reason, sizeof reason);
  _exit(kExitFailed);
}

// Reaps everything there is; true when `child` was among it.
bool reap(pid_t child, int& status) {
  bool ended = false;
  while (true) {
    int one = 0;
    const pid_t pid = waitpid(-1, &one, WNOHANG);
    if (pid <= 0) return ended;
    if (pid != child) continue;
    status = one;
    ended = true;
  }
}

int exit_code(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

int report_exec_failure(const std::string& program, const std::vector<std::string>& environment, int reason) {
  const std::string name = shorten(program, 200);
  if (reason == ENOENT || reason == ENOTDIR) {
    const auto path =
        std::find_if(environment.begin(), environment.end(), [](const auto& e) { return e.starts_with("PATH="); });
    std::fprintf(stderr, "fracta: agent run: %s: command not found (%s)\n", name.c_str(),
                 path == environment.end() ? "no PATH" : path->c_str());
    return kExitNotFound;
  }
  std::fprintf(stderr, "fracta: agent run: %s: cannot execute: %s\n", name.c_str(), std::strerror(reason));
  return kExitNotExecutable;
}

// Waits for the pipe to close (exec succeeded: 0) or to bring errno.
int exec_result(int report) {
  int reason = 0;
  ssize_t got = 0;
  do got = read(report, &reason, sizeof reason);
  while (got < 0 && errno == EINTR);
  return got == sizeof reason ? reason : 0;
}

}  // namespace

int run_child(const std::vector<std::string>& command, const ChildOptions& options) {
  const std::vector<std::string>& environment = options.environment;
  if (command.empty()) return kExitUsage;
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans come to us even when we are not PID 1
  signal(SIGCHLD, SIG_DFL);          // an inherited SIG_IGN would reap behind our back
  const sigset_t waited = waited_signals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &waited, &before);
  const sigset_t& mask = options.signal_mask != nullptr ? *options.signal_mask : before;
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) {
    std::fprintf(stderr, "fracta: agent run: pipe: %s\n", std::strerror(errno));
    return kExitFailed;
  }
  Program program{pointers(command), pointers(environment)};
  const pid_t self = getpid();
  const pid_t child = fork();
  if (child < 0) {
    std::fprintf(stderr, "fracta: agent run: fork: %s\n", std::strerror(errno));
    return kExitFailed;
  }
  if (child == 0) become(std::move(program), mask, report[1], self);
  close(report[1]);
  const int failed = exec_result(report[0]);
  close(report[0]);
  if (failed == 0 && options.started) options.started();

  int status = 0;
  while (!reap(child, status)) {
    siginfo_t info{};
    const int signal = sigwaitinfo(&waited, &info);
    if (signal > 0 && signal != SIGCHLD) kill(child, signal);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return failed != 0 ? report_exec_failure(command[0], environment, failed) : exit_code(status);
}

}  // namespace fracta::runner
