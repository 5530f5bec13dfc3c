#include "devcluster/node/atomic_writer.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

namespace fs = std::filesystem;

Error system_error(std::string_view what, const std::string& path) {
  return make_error(ErrorCode::kInternal, fmt::format("{} {}: {}", what, path, std::strerror(errno)));
}

bool stays_inside(const std::string& path) {
  if (path.empty() || path.front() == '/') return false;
  const auto parts = split(path, '/');
  for (const auto& part : parts)
    if (part.empty() || part == "." || part == "..") return false;
  return parts.front().rfind("..", 0) != 0;  // "..data" and its like are ours
}

Result<void> write_one(const std::string& path, const VolumeFile& file, std::optional<gid_t> group) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return system_error("creating", path);
  std::string_view rest = file.content;
  bool ok = true;
  while (ok && !rest.empty()) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    ok = n > 0;
    if (ok) rest.remove_prefix(static_cast<std::size_t>(n));
  }
  // Without root there is one user only, and it owns the file already.
  if (ok && (group || file.owner))
    (void)!::fchown(fd, file.owner.value_or(static_cast<uid_t>(-1)), group.value_or(static_cast<gid_t>(-1)));
  ok = ::fchmod(fd, group ? file.mode | 0440U : file.mode) == 0 && ok;
  const Result<void> result = ok ? Result<void>{} : Result<void>{system_error("writing", path)};
  ::close(fd);
  return result;
}

// Past the umask; with fsGroup also setgid, so that what is made inside belongs to the group.
Result<void> own_directory(const std::string& path, mode_t mode, std::optional<gid_t> group) {
  FRACTA_TRY(make_directories(path, 0755));
  if (group) (void)!::chown(path.c_str(), static_cast<uid_t>(-1), *group);
  if (::chmod(path.c_str(), group ? mode | S_ISGID : mode) != 0) return system_error("chmod", path);
  return {};
}

Result<void> point(const std::string& link, const std::string& target) {
  const std::string temporary = link + "_tmp";
  (void)::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0) return system_error("linking", temporary);
  if (std::rename(temporary.c_str(), link.c_str()) != 0) return system_error("renaming", link);
  return {};
}

}  // namespace

Result<void> write_payload(const std::string& directory, mode_t mode, const Payload& payload,
                           std::optional<gid_t> group, SystemTime now) {
  FRACTA_TRY(own_directory(directory, mode, group));
  std::error_code ec;
  const std::string old = fs::read_symlink(directory + "/..data", ec).string();
  const auto stamp = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  const std::string name =
      fmt::format("..{:%Y_%m_%d_%H_%M_%S}.{}{}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                  stamp % 1'000'000'000, random_hex(2));
  const std::string fresh = directory + "/" + name;
  FRACTA_TRY(own_directory(fresh, 0755, group));
  std::set<std::string> visible;
  for (const auto& [path, file] : payload) {
    if (!stays_inside(path))
      return make_error(ErrorCode::kInvalid, fmt::format("invalid path {}: must stay inside the volume", path));
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
      FRACTA_TRY(own_directory(fresh + "/" + path.substr(0, slash), 0755, group));
    FRACTA_TRY(write_one(fresh + "/" + path, file, group));
    visible.insert(path.substr(0, path.find('/')));
  }
  FRACTA_TRY(point(directory + "/..data", name));
  for (const auto& top : visible)
    if (!fs::is_symlink(directory + "/" + top, ec)) FRACTA_TRY(point(directory + "/" + top, "..data/" + top));
  for (fs::directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec)) {
    const std::string entry = it->path().filename();
    if (entry.rfind("..", 0) != 0 && visible.count(entry) == 0) (void)::unlink(it->path().c_str());
  }
  if (!old.empty() && old.find('/') == std::string::npos) fs::remove_all(directory + "/" + old, ec);
  return {};
}

}  // namespace fracta::devcluster
