#include "fracta/base/subprocess.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "fracta/base/text.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace fracta {

namespace {

using SteadyClock = std::chrono::steady_clock;

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read_end = ends[0];
    write_end = ends[1];
    return true;
  }
  static void close(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  ~Pipe() {
    close(read_end);
    close(write_end);
  }
};

// The child inherits an ignored SIGPIPE otherwise, and a token helper written as a shell pipe relies on the default.
int spawn_child(const CommandOptions& options, const std::string& program, Pipe& in, Pipe& out, Pipe& err,
                pid_t* child) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, in.read_end, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end, 1);
  posix_spawn_file_actions_adddup2(&actions, err.write_end, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (!options.working_directory.empty())
    posix_spawn_file_actions_addchdir_np(&actions, options.working_directory.c_str());
  sigset_t defaults, none;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

  std::vector<char*> argv, envp;
  for (const auto& argument : options.argv) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  if (options.environment)
    for (const auto& entry : *options.environment) envp.push_back(const_cast<char*>(entry.c_str()));
  envp.push_back(nullptr);
  const int result = ::posix_spawn(child, program.c_str(), &actions, &attributes, argv.data(),
                                   options.environment ? envp.data() : environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return result;
}

std::string search_path(const CommandOptions& options) {
  if (!options.environment) {
    const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody calls setenv after start-up
    return path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  }
  for (const auto& entry : *options.environment)
    if (entry.rfind("PATH=", 0) == 0) return entry.substr(5);
  return "/usr/local/bin:/usr/bin:/bin";
}

// One running child: moves bytes until both outputs are closed and the child has been reaped.
class Run {
 public:
  Run(const CommandOptions& options, pid_t child, Pipe& in, Pipe& out, Pipe& err)
      : options_(options), child_(child), in_(in), out_(out), err_(err), started_(SteadyClock::now()) {
    for (const int fd : {in_.write_end, out_.read_end, err_.read_end}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }

  Result<CommandResult> finish() {
    const auto deadline = started_ + options_.timeout;
    std::optional<Error> failure;
    std::optional<SteadyClock::time_point> kill_at;
    bool reaped = false;
    int status = 0;
    while (!reaped || (out_.read_end >= 0 && !failure)) {
      pump(reaped ? 0 : 20);
      if (!reaped) reaped = ::waitpid(child_, &status, WNOHANG) == child_;
      if (reaped) {
        // Grandchildren that kept the pipe open do not keep us: take what is there and leave.
        pump(0);
        break;
      }
      if (!failure) failure = reason_to_end(deadline);
      if (failure && !kill_at) {
        ::kill(-child_, SIGTERM);
        kill_at = SteadyClock::now() + options_.kill_grace;
      }
      if (kill_at && SteadyClock::now() >= *kill_at) ::kill(-child_, SIGKILL);
    }
    ::kill(-child_, SIGKILL);  // whatever it left behind in its process group
    if (!failure && overflow_) failure = reason_to_end(SteadyClock::time_point::max());
    if (failure) return *failure;
    CommandResult result;
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.standard_output = std::move(stdout_);
    result.standard_error = std::move(stderr_);
    result.duration = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - started_);
    return result;
  }

 private:
  std::optional<Error> reason_to_end(SteadyClock::time_point deadline) const {
    const std::string& name = options_.argv.front();
    if (overflow_)
      return make_error(ErrorCode::kResourceExhausted,
                        fmt::format("{}: more than {} bytes on standard output", name, options_.max_stdout));
    if (options_.stop.stop_requested()) return make_error(ErrorCode::kCanceled, name + ": canceled");
    if (SteadyClock::now() >= deadline)
      return make_error(ErrorCode::kDeadlineExceeded,
                        fmt::format("{}: no result within {} ms", name, options_.timeout.count()));
    return std::nullopt;
  }

  void pump(int timeout_ms) {
    std::array<pollfd, 3> polled = {
        {{in_.write_end, POLLOUT, 0}, {out_.read_end, POLLIN, 0}, {err_.read_end, POLLIN, 0}}};
    ::poll(polled.data(), polled.size(), timeout_ms);
    feed_input();
    drain(out_.read_end, [this](std::string_view bytes) { add_output(bytes); });
    drain(err_.read_end, [this](std::string_view bytes) { add_error(bytes); });
  }

  void add_output(std::string_view bytes) {
    const std::size_t room = options_.max_stdout - std::min(options_.max_stdout, stdout_.size());
    stdout_.append(bytes.substr(0, room));
    if (bytes.size() > room) overflow_ = true;
  }

  // Its end is what says why.
  void add_error(std::string_view bytes) {
    stderr_.append(bytes);
    if (stderr_.size() > options_.max_stderr) stderr_.erase(0, stderr_.size() - options_.max_stderr);
  }

  void feed_input() {
    if (in_.write_end < 0) return;
    while (input_at_ < options_.standard_input.size()) {
      const ssize_t n = ::write(in_.write_end, options_.standard_input.data() + input_at_,
                                options_.standard_input.size() - input_at_);
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) break;  // the child does not read it: its business
      input_at_ += static_cast<std::size_t>(n);
    }
    Pipe::close(in_.write_end);
  }

  // A pipe full at most: a child that never stops writing must not keep us from looking at the clock.
  template <class Take>
  void drain(int& fd, Take take) {
    if (fd < 0) return;
    std::array<char, 4096> buffer{};
    for (int pieces = 0; pieces < 32 && !overflow_; ++pieces) {
      const ssize_t n = ::read(fd, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) return Pipe::close(fd);
      take({buffer.data(), static_cast<std::size_t>(n)});
    }
  }

  const CommandOptions& options_;
  pid_t child_;
  Pipe& in_;
  Pipe& out_;
  Pipe& err_;
  SteadyClock::time_point started_;
  std::string stdout_, stderr_;
  std::size_t input_at_ = 0;
  bool overflow_ = false;
};

}  // namespace

std::string find_on_path(std::string_view name, std::string_view path) {
  const auto executable = [](const std::string& candidate) {
    struct stat info {};
    return ::stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(candidate.c_str(), X_OK) == 0;
  };
  if (name.empty()) return {};
  if (name.find('/') != std::string_view::npos)
    return executable(std::string(name)) ? std::string(name) : std::string();
  for (const auto& directory : split(path, ':')) {
    std::string candidate = (directory.empty() ? "." : directory) + "/" + std::string(name);
    if (executable(candidate)) return candidate;
  }
  return {};
}

Result<CommandResult> run_command(const CommandOptions& options) {
  if (options.argv.empty()) return make_error(ErrorCode::kInvalid, "empty command");
  const std::string program = find_on_path(options.argv.front(), search_path(options));
  if (program.empty())
    return make_error(ErrorCode::kNotFound,
                      fmt::format("{}: no such program on PATH", shorten(options.argv.front(), 200)));
  Pipe in, out, err;
  if (!in.open() || !out.open() || !err.open())
    return make_error(ErrorCode::kInternal, "no file descriptors left for a child process");
  pid_t child = -1;
  if (const int number = spawn_child(options, program, in, out, err, &child); number != 0)
    return make_error(ErrorCode::kInternal, fmt::format("{}: {}", program, std::system_category().message(number)));
  Pipe::close(in.read_end);
  Pipe::close(out.write_end);
  Pipe::close(err.write_end);
  return Run(options, child, in, out, err).finish();
}

}  // namespace fracta
