#include <pthread.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>

#include "fracta/base/log.hpp"
#include "fracta/daemon/daemon.hpp"

namespace fracta::daemon {

namespace {

// Of the five seconds a stop may take, most go to calls that are running.
constexpr std::chrono::milliseconds kFinishCalls{3'500};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

// A handler and not the default action: as process 1 of a container the kernel would ignore the latter.
extern "C" void exit_at_once(int number) { _exit(128 + number); }

void let_next_signal_kill(const sigset_t& signals) {
  struct sigaction action {};
  action.sa_handler = exit_at_once;
  for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaction(number, &action, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

int fail(const Error& error) {
  std::fprintf(stderr, "fracta: %s\n", error.message.c_str());
  log::error("daemon", "controlplane did not start", {{"error", error.message}});
  return 1;
}

}  // namespace

int run_controlplane(const DaemonOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  // Blocked before the first thread exists, so that only sigwait below receives them.
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  auto daemon = Daemon::create(options);
  if (!daemon) return fail(daemon.error());
  if (auto started = (*daemon)->start(); !started) return fail(started.error());
  int number = 0;
  sigwait(&signals, &number);
  log::info("daemon", "stopping", {{"signal", number}});
  let_next_signal_kill(signals);
  (*daemon)->stop(kFinishCalls);
  return 0;
}

}  // namespace fracta::daemon
