#include "devcluster/node/node_exec.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "devcluster/node/prober.hpp"
#include "devcluster/node/stdin_pump.hpp"
#include "devcluster/node/terminal.hpp"

namespace fracta::devcluster {
namespace {

constexpr int kPollMs = 200;
// What a command leaves in its pipes when others have inherited them is waited for no longer than this.
constexpr int kRestMs = 500;

struct Pipe {
  UniqueFd read, write;
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read.reset(ends[0]), write.reset(ends[1]);
    return true;
  }
};

Error no_pipe() { return make_error(ErrorCode::kResourceExhausted, fmt::format("pipe: {}", std::strerror(errno))); }

// One running command and its streams.
class Session {
 public:
  Session(ExecStreams& streams, const NodeExecOptions& options) : streams_(streams), options_(options) {}
  ~Session() {
    streams_.on_resize({});
    feeder_ = {};  // joins
    if (process_.pidfd.valid() && !reaped_) end_process(process_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Result<void> start(int pidfd, pid_t pid, LaunchPlan& plan) {
    if (options_.tty) {
      FRACTA_TRY(with_terminal(pid, plan));
    } else {
      FRACTA_TRY(with_pipes(plan));
    }
    auto process = launch_inside(pidfd, plan);
    if (!process) return process.error();
    process_ = std::move(*process);
    childs_.clear();
    if (options_.tty) {
      streams_.on_resize([master = output_.get()](unsigned short columns, unsigned short rows) {
        resize_terminal(master, columns, rows);
      });
    }
    if (input_.valid()) {
      feeder_ = std::jthread([this](const std::stop_token& stop) {
        (void)pump_stdin(stop, streams_, input_.get());
        if (!options_.tty) input_.reset();
      });
    }
    return {};
  }

  int run() {
    ExitState exit;
    int rest = kRestMs;
    while (output_.valid() || error_.valid()) {
      std::array<pollfd, 3> wait = {pollfd{output_.get(), POLLIN, 0}, pollfd{error_.get(), POLLIN, 0},
                                    pollfd{reaped_ ? -1 : process_.pidfd.get(), POLLIN, 0}};
      const int ready = ::poll(wait.data(), wait.size(), kPollMs);
      if (streams_.stop().stop_requested()) hang_up();
      if (wait[0].revents != 0) forward(output_, false);
      if (wait[1].revents != 0) forward(error_, true);
      if (!reaped_) {
        reaped_ = try_wait(process_, exit);
      } else if (ready == 0 && (rest -= kPollMs) <= 0) {
        break;
      }
    }
    pollfd wait{process_.pidfd.get(), POLLIN, 0};
    while (!reaped_ && !(reaped_ = try_wait(process_, exit))) {
      if (streams_.stop().stop_requested()) hang_up();
      (void)::poll(&wait, 1, kPollMs);
    }
    return exit.code;
  }

 private:
  Result<void> with_terminal(pid_t pid, LaunchPlan& plan) {
    auto terminal = open_terminal(pid, plan.uid);
    if (!terminal) return terminal.error();
    plan.terminal = true;
    plan.standard_input = plan.standard_output = plan.standard_error = terminal->slave.get();
    childs_.push_back(std::move(terminal->slave));
    output_ = std::move(terminal->master);
    if (options_.stdin_open) input_.reset(::fcntl(output_.get(), F_DUPFD_CLOEXEC, 3));
    return {};
  }

  Result<void> with_pipes(LaunchPlan& plan) {
    Pipe input, output, error;
    if (!input.open() || !output.open() || !error.open()) return no_pipe();
    plan.standard_input = options_.stdin_open ? input.read.get() : -1;
    plan.standard_output = output.write.get();
    plan.standard_error = error.write.get();
    output_ = std::move(output.read);
    error_ = std::move(error.read);
    if (options_.stdin_open) input_ = std::move(input.write);
    for (auto* fd : {&input.read, &output.write, &error.write}) childs_.push_back(std::move(*fd));
    return {};
  }

  void forward(UniqueFd& fd, bool error) {
    std::array<char, 16u << 10> buffer;  // NOLINT: filled by read()
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return fd.reset();  // a terminal's end is EIO
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (!(error ? streams_.write_stderr(bytes) : streams_.write_stdout(bytes))) hang_up();
  }

  // Nobody is there any more to see what the command does.
  void hang_up() {
    if (!reaped_) kill_process(process_, SIGKILL);
  }

  ExecStreams& streams_;
  const NodeExecOptions& options_;
  Process process_;
  bool reaped_ = false;
  UniqueFd input_, output_, error_;  // our ends
  std::vector<UniqueFd> childs_;     // the command's ends, until it has them
  std::jthread feeder_;
};

}  // namespace

Result<int> exec_inside(int pidfd, pid_t pid, LaunchPlan plan, const NodeExecOptions& options, ExecStreams& streams) {
  if (options.command.empty() || options.command.front().empty())
    return make_error(ErrorCode::kInvalid, "you must specify at least one command for the container");
  plan.argv = options.command;
  plan.candidates = program_candidates(plan.argv.front(), plan.environment);
  if (options.tty) plan.environment.emplace_back("TERM=xterm");
  Session session(streams, options);
  if (auto started = session.start(pidfd, pid, plan); !started) {
    // containerd's and runc's words around it.
    Error error = started.error();
    error.message =
        "failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start "
        "container process: " +
        error.message + ": unknown";
    return error;
  }
  return session.run();
}

}  // namespace fracta::devcluster
