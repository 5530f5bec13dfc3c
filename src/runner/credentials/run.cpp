#include "runner/credentials/run.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <thread>

#include "fracta/base/text.hpp"
#include "runner/credentials/session.hpp"

namespace fracta::runner {
namespace {

constexpr std::array kEnding{SIGTERM, SIGINT, SIGHUP, SIGQUIT};
constexpr std::array kOther{SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD};  // the rest of what run_child() waits for

sigset_t set_of_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kEnding) sigaddset(&set, signal);
  for (const int signal : kOther) sigaddset(&set, signal);
  return set;
}

bool ends(int signal) { return std::find(kEnding.begin(), kEnding.end(), signal) != kEnding.end(); }

// Fetches in the background while this thread waits for signals: as PID 1 nobody else would act on them. Returns the
// signal that ended it, or 0.
int prepare(CredentialSession& session, const sigset_t& signals, Result<void>& result) {
  std::stop_source stop;
  std::atomic<bool> done = false;
  int ended_by = 0;
  std::jthread worker([&] {
    result = session.prepare(stop.get_token());
    done = true;
  });
  while (!done && ended_by == 0) {
    const timespec pause{.tv_sec = 0, .tv_nsec = 10'000'000};
    const int signal = sigtimedwait(&signals, nullptr, &pause);
    if (signal > 0 && ends(signal)) ended_by = signal;
  }
  if (ended_by != 0) stop.request_stop();
  return ended_by;
}

// The kubelet makes the file and shows its content as the container's message; without it there is none to write.
void write_termination_message(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return;
  const std::string message = shorten(text, 2048);
  [[maybe_unused]] const ssize_t written = write(file, message.data(), message.size());
  close(file);
}

}  // namespace

int report_missing_credentials(const RunOptions& options, const Error& error) {
  const std::string text = "stored credentials: " + error.message;
  std::fprintf(stderr, "fracta: agent run: %s\n", text.c_str());
  write_termination_message(options.termination_log, text);
  return kExitCredentials;
}

int run_with_credentials(const RunOptions& options, const Manifest& manifest, const StartChild& start) {
  // Neither a core file nor another process of this user may show what passes through here. The child's exec undoes it.
  prctl(PR_SET_DUMPABLE, 0);
  const sigset_t signals = set_of_signals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &signals, &before);  // until the end: a signal must not cut the clean-up short
  auto session = CredentialSession::create(manifest, options.credentials);
  if (!session) return report_missing_credentials(options, session.error());
  Result<void> prepared;
  if (const int signal = prepare(**session, signals, prepared); signal != 0) return 128 + signal;
  if (!prepared) return report_missing_credentials(options, prepared.error());
  return start((*session)->environment(),
               {.environment = {}, .signal_mask = &before, .started = [&session = **session] { session.follow(); }});
}

}  // namespace fracta::runner
