#include "devcluster/node/node_exec.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "devcluster/node/prober.hpp"

namespace fracta::devcluster {
namespace {

struct Pipe {
  UniqueFd read, write;
  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read.reset(ends[0]), write.reset(ends[1]);
    return true;
  }
};

// Everything the reader sends goes to the command's standard input until it ends.
void pump_input(const std::stop_token& stop, ExecStreams& streams, UniqueFd input) {
  char buffer[16u << 10];
  (void)::fcntl(input.get(), F_SETFL, O_NONBLOCK);
  while (!stop.stop_requested()) {
    const auto got = streams.read_stdin(buffer, sizeof buffer, std::chrono::milliseconds{200});
    if (got == -2) continue;
    if (got <= 0) return;
    std::string_view rest(buffer, static_cast<std::size_t>(got));
    while (!rest.empty() && !stop.stop_requested()) {
      const ssize_t n = ::write(input.get(), rest.data(), rest.size());
      if (n > 0) {
        rest.remove_prefix(static_cast<std::size_t>(n));
      } else if (n < 0 && errno == EAGAIN) {
        pollfd wait{input.get(), POLLOUT, 0};
        (void)::poll(&wait, 1, 200);
      } else {
        return;
      }
    }
  }
}

}  // namespace

Result<int> exec_inside(int container_pidfd, LaunchPlan plan, const NodeExecOptions& options, ExecStreams& streams) {
  if (options.tty) return make_error(ErrorCode::kInvalid, "the development cluster has no terminals: leave out -t");
  if (options.command.empty())
    return make_error(ErrorCode::kInvalid, "you must specify at least one command for the container");
  Pipe input, output, error;
  if (!input.open() || !output.open() || !error.open())
    return make_error(ErrorCode::kResourceExhausted, fmt::format("pipe: {}", std::strerror(errno)));
  plan.argv = options.command;
  plan.candidates = program_candidates(plan.argv.front(), plan.environment);
  plan.standard_input = options.stdin_open ? input.read.get() : -1;
  plan.standard_output = output.write.get();
  plan.standard_error = error.write.get();
  auto process = launch_inside(container_pidfd, plan);
  if (!process) return process.error();
  input.read.reset(), output.write.reset(), error.write.reset();
  std::jthread feeder;
  if (options.stdin_open)
    feeder = std::jthread([&streams, fd = std::move(input.write)](const std::stop_token& stop) mutable {
      pump_input(stop, streams, std::move(fd));
    });
  bool killed = false;
  while (output.read.valid() || error.read.valid()) {
    pollfd wait[2] = {{output.read.get(), POLLIN, 0}, {error.read.get(), POLLIN, 0}};
    (void)::poll(wait, 2, 200);
    if (!killed && streams.stop().stop_requested()) killed = true, kill_process(*process, SIGKILL);
    for (int i = 0; i < 2; ++i) {
      if (wait[i].revents == 0) continue;
      char buffer[16u << 10];
      const ssize_t got = ::read(wait[i].fd, buffer, sizeof buffer);
      const std::string_view bytes(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
      const bool wanted = bytes.empty() || (i == 0 ? streams.write_stdout(bytes) : streams.write_stderr(bytes));
      if (!wanted && !killed) killed = true, kill_process(*process, SIGKILL);
      if (got <= 0) (i == 0 ? output.read : error.read).reset();
    }
    ExitState exit;
    if (killed && try_wait(*process, exit)) return exit.code;
  }
  pollfd wait{process->pidfd.get(), POLLIN, 0};
  ExitState exit;
  while (!try_wait(*process, exit)) {
    if (streams.stop().stop_requested()) kill_process(*process, SIGKILL);
    (void)::poll(&wait, 1, 200);
  }
  return exit.code;
}

}  // namespace fracta::devcluster
