#include "devcluster/node/run_inside.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace fracta::devcluster {
namespace {

constexpr std::size_t kMaxOutput = 10u << 10;

// False at the end of the stream.
bool read_some(int fd, std::string& output) {
  char buffer[4096];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
  output.append(buffer, std::min(static_cast<std::size_t>(got), kMaxOutput - std::min(kMaxOutput, output.size())));
  return true;
}

}  // namespace

Result<InsideResult> run_inside(int container_pidfd, LaunchPlan plan, std::chrono::milliseconds timeout,
                                const std::stop_token& stop) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return make_error(ErrorCode::kResourceExhausted, fmt::format("pipe: {}", std::strerror(errno)));
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  plan.standard_output = plan.standard_error = write_end.get();
  const UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(stop, [&] { (void)!::write(wake.get(), "\1\0\0\0\0\0\0\0", 8); });
  auto process = launch_inside(container_pidfd, plan);
  if (!process) return process.error();
  write_end.reset();
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  InsideResult result;
  std::optional<Error> failure;
  bool open = true;
  ExitState exit;
  while (!try_wait(*process, exit)) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (!failure && stop.stop_requested()) failure = make_error(ErrorCode::kCanceled, "stopped");
    if (!failure && left <= 0)
      failure = make_error(ErrorCode::kDeadlineExceeded, fmt::format("command timed out after {}ms", timeout.count()));
    if (failure) kill_process(*process, SIGKILL);
    pollfd wait[3] = {{process->pidfd.get(), POLLIN, 0},
                      {open ? read_end.get() : -1, POLLIN, 0},
                      {failure ? -1 : wake.get(), POLLIN, 0}};
    (void)::poll(wait, 3, failure ? 1'000 : static_cast<int>(std::min<long>(left + 1, 60'000)));
    if (open && wait[1].revents != 0) open = read_some(read_end.get(), result.output);
  }
  if (failure) return *failure;
  (void)::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  while (open && result.output.size() < kMaxOutput) {
    const auto before = result.output.size();
    if (!read_some(read_end.get(), result.output) || result.output.size() == before) break;
  }
  result.exit_code = exit.code;
  return result;
}

}  // namespace fracta::devcluster
