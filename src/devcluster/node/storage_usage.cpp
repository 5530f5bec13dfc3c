#include "devcluster/node/storage_usage.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>

#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::size_t kMaxEntries = 1'000'000;
constexpr std::int64_t kBlock = 512;  // of st_blocks

std::int64_t used_at(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return 0;
  return static_cast<std::int64_t>((info.f_blocks - info.f_bfree) * info.f_frsize);
}

// A process that is only being started has not yet changed its root: what it sees is this machine's.
bool has_own_root(const std::string& root) {
  struct stat own {
  }, ours{};
  return ::stat(root.c_str(), &own) == 0 && ::stat("/", &ours) == 0 &&
         (own.st_dev != ours.st_dev || own.st_ino != ours.st_ino);
}

}  // namespace

std::int64_t directory_usage(const std::string& directory) {
  struct stat top {};
  if (::lstat(directory.c_str(), &top) != 0) return 0;
  std::int64_t sum = 0;
  std::size_t count = 0;
  std::error_code ec;
  namespace fs = std::filesystem;
  for (fs::recursive_directory_iterator it(directory, fs::directory_options::skip_permission_denied, ec), end;
       !ec && it != end && count < kMaxEntries; it.increment(ec), ++count) {
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) != 0) continue;
    if (info.st_dev != top.st_dev) {
      it.disable_recursion_pending();
      continue;
    }
    sum += info.st_blocks * kBlock;
  }
  return sum;
}

// The writable parts of a container are one tmpfs below all its overlays, and one at the root (root_file_system.hpp).
std::int64_t writable_layer_usage(pid_t first) {
  const std::string root = fmt::format("/proc/{}/root", first);
  if (!has_own_root(root + "/")) return 0;
  std::int64_t sum = used_at(root + "/");
  const auto mounts = read_file(fmt::format("/proc/{}/mountinfo", first), 4u << 20);
  for (const auto& line : split(mounts.value_or(""), '\n')) {
    const auto separator = line.find(" - overlay ");
    const auto fields = split(line, ' ');
    if (separator == std::string::npos || fields.size() < 5) continue;
    return sum + used_at(root + fields[4]);
  }
  return sum;
}

}  // namespace fracta::devcluster
