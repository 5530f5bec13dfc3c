#include "devcluster/node/memory_limit.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <vector>

#include "devcluster/node/unique_fd.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::string_view kRoot = "/sys/fs/cgroup";
constexpr std::size_t kMaxProcesses = 10'000;

std::string text_of(const std::string& path) { return read_file(path, 1u << 20).value_or(""); }

// Not write_file_atomic(): these are no files that could be renamed over.
bool write_to(const std::string& path, const std::string& text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.valid() && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// Where our own process is, as /proc/self/cgroup says: "0::/a/b", "4:memory:/a/b".
std::string own_path(std::string_view controller) {
  for (const auto& line : split(text_of("/proc/self/cgroup"), '\n')) {
    const auto parts = split(line, ':');
    if (parts.size() >= 3 && parts[1] == controller) return parts[2] == "/" ? "" : parts[2];
  }
  return "";
}

std::string make_group(const std::string& parent) {
  std::string path = fmt::format("{}/fracta-{}", parent, random_hex(8));
  return ::mkdir(path.c_str(), 0755) == 0 ? path : "";
}

// Version 2: beside our own group, because a group with processes in it cannot have limited ones below.
std::string group_v2(std::int64_t bytes) {
  const std::string own = own_path("");
  const std::string parent =
      std::string(kRoot) + own.substr(0, own.rfind('/') == std::string::npos ? 0 : own.rfind('/'));
  if (text_of(parent + "/cgroup.controllers").find("memory") == std::string::npos) return "";
  (void)write_to(parent + "/cgroup.subtree_control", "+memory");
  const std::string group = make_group(parent);
  if (group.empty() || !write_to(group + "/memory.max", std::to_string(bytes))) {
    if (!group.empty()) ::rmdir(group.c_str());
    return "";
  }
  (void)write_to(group + "/memory.swap.max", "0");
  return group;
}

// Version 1: below our own group, so that a limit on all of us stays one.
std::string group_v1(std::int64_t bytes) {
  const std::string root = std::string(kRoot) + "/memory";
  std::string parent = root + own_path("memory");
  if (!exists(parent + "/memory.limit_in_bytes")) parent = root;
  if (!exists(parent + "/memory.limit_in_bytes")) return "";
  const std::string group = make_group(parent);
  if (group.empty() || !write_to(group + "/memory.limit_in_bytes", std::to_string(bytes))) {
    if (!group.empty()) ::rmdir(group.c_str());
    return "";
  }
  (void)write_to(group + "/memory.memsw.limit_in_bytes", std::to_string(bytes));
  return group;
}

// "oom_kill 1" in memory.events (v2) or memory.oom_control (v1).
bool counted_kills(const std::string& file) {
  for (const auto& line : split(text_of(file), '\n'))
    if (line.starts_with("oom_kill ")) return line != "oom_kill 0";
  return false;
}

// What only this process has in memory.
std::int64_t anonymous_bytes(pid_t pid) {
  const auto fields = split(text_of(fmt::format("/proc/{}/statm", pid)), ' ');
  if (fields.size() < 3) return 0;
  return (parse_int(fields[1]).value_or(0) - parse_int(fields[2]).value_or(0)) * ::sysconf(_SC_PAGESIZE);
}

std::vector<pid_t> family(pid_t first) {
  std::vector<pid_t> all{first};
  for (std::size_t i = 0; i < all.size() && all.size() < kMaxProcesses; ++i)
    for (const auto& word : split(text_of(fmt::format("/proc/{0}/task/{0}/children", all[i])), ' '))
      if (const auto child = parse_int(trim(word))) all.push_back(static_cast<pid_t>(*child));
  return all;
}

std::string pid_namespace(pid_t pid) {
  std::error_code ec;
  return std::filesystem::read_symlink(fmt::format("/proc/{}/ns/pid", pid), ec).string();
}

}  // namespace

MemoryLimit::MemoryLimit(std::int64_t bytes) : bytes_(bytes), group_(group_v2(bytes)) {
  if (group_.empty()) group_ = group_v1(bytes);
}

MemoryLimit::~MemoryLimit() {
  // The kernel lets go of the last process a moment after it was reaped.
  for (int i = 0; !group_.empty() && ::rmdir(group_.c_str()) != 0 && i < 20; ++i)
    wait_for({}, std::chrono::milliseconds{10});
}

void MemoryLimit::enforce(pid_t first) {
  std::int64_t sum = 0, largest = -1;
  pid_t victim = -1;
  for (const pid_t pid : family(first)) {
    const std::int64_t bytes = anonymous_bytes(pid);
    sum += bytes;
    if (bytes > largest) largest = bytes, victim = pid;
  }
  if (sum <= bytes_ || victim <= 0) return;
  // A number may have become another's meanwhile; `first` cannot, it is our child and not reaped.
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, victim, 0)));
  if (!pidfd.valid() || pid_namespace(victim) != pid_namespace(first)) return;
  killed_ = ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) == 0 || killed_;
}

bool MemoryLimit::killed() const {
  if (group_.empty()) return killed_;
  return counted_kills(group_ + "/memory.events") || counted_kills(group_ + "/memory.oom_control");
}

}  // namespace fracta::devcluster
