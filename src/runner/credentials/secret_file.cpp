#include "runner/credentials/secret_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "fracta/base/text.hpp"

namespace fracta::runner {
namespace {

constexpr int kStep = O_PATH | O_DIRECTORY | O_CLOEXEC;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(-1); }
  void reset(int fd) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }
  int release() { return std::exchange(fd_, -1); }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Error system_error(const std::string& path, int number) {
  const ErrorCode code = number == ENOENT                                         ? ErrorCode::kNotFound
                         : number == EACCES || number == EPERM || number == EROFS ? ErrorCode::kForbidden
                                                                                  : ErrorCode::kInternal;
  return make_error(code, path + ": " + to_lower(std::strerror(number)));
}

Error refused(const std::string& path, const std::string& why) {
  return make_error(ErrorCode::kForbidden, path + " " + why);
}

bool is_ours(const struct stat& info) { return info.st_uid == geteuid(); }
bool is_trusted(const struct stat& info) { return is_ours(info) || info.st_uid == 0; }

// One step down. A symbolic link is taken only if root made it, like /var/run.
Result<int> step(int parent, const std::string& name, const std::string& shown, bool create) {
  int next = openat(parent, name.c_str(), kStep | O_NOFOLLOW);
  if (next < 0 && errno == ENOENT && create) {
    if (mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) return system_error(shown, errno);
    next = openat(parent, name.c_str(), kStep | O_NOFOLLOW);
  }
  if (next >= 0) return next;
  const int number = errno;
  struct stat info {};
  if ((number != ELOOP && number != ENOTDIR) || fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return system_error(shown, number);
  if (!S_ISLNK(info.st_mode)) return make_error(ErrorCode::kInvalid, shown + " is not a directory");
  if (info.st_uid != 0) return refused(shown, "is a symbolic link; secrets are not written through it");
  next = openat(parent, name.c_str(), kStep);
  if (next < 0) return system_error(shown, errno);
  return next;
}

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error(path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// What stands at the place and would be replaced.
Result<void> check_place(int directory, const SecretPath& place, const std::string& path) {
  struct stat info {};
  if (fstatat(directory, place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? Result<void>() : system_error(path, errno);
  if (S_ISDIR(info.st_mode)) return make_error(ErrorCode::kInvalid, path + " is a directory");
  if (!is_ours(info) && geteuid() != 0)
    return refused(path, fmt::format("belongs to another user ({}); remove it", info.st_uid));
  return {};
}

Result<void> write_beside(int directory, const std::string& temporary, std::string_view content,
                          const std::string& path) {
  (void)unlinkat(directory, temporary.c_str(), 0);  // of a run that was killed
  const Fd file(openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return system_error(path, errno);
  // fchmod: a umask may have taken away even our own rights.
  auto written = write_all(file.get(), content, path);
  if (written && (fchmod(file.get(), 0600) != 0 || fsync(file.get()) != 0)) written = system_error(path, errno);
  if (!written) (void)unlinkat(directory, temporary.c_str(), 0);
  return written;
}

}  // namespace

SafeDirectory::SafeDirectory(SafeDirectory&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), open_to_all_(other.open_to_all_) {}
SafeDirectory::~SafeDirectory() {
  if (fd_ >= 0) close(fd_);
}

Result<SafeDirectory> SafeDirectory::open(const std::string& path, bool create) {
  Fd current(::open("/", kStep));
  if (current.get() < 0) return system_error("/", errno);
  std::string shown;
  struct stat info {};
  for (const auto& name : split(path, '/')) {
    if (name.empty()) continue;
    shown += "/" + name;
    auto next = step(current.get(), name, shown, create);
    if (!next) return next.error();
    current.reset(*next);
    if (fstat(current.get(), &info) != 0) return system_error(shown, errno);
    if (!is_trusted(info)) return refused(shown, fmt::format("belongs to another user ({})", info.st_uid));
  }
  const bool open_to_all = (info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0;
  return SafeDirectory(current.release(), open_to_all);
}

void SafeDirectory::sync() const {
  const Fd directory(openat(fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) (void)fsync(directory.get());
}

Result<SecretPath> split_secret_path(const std::string& path) {
  const auto steps = split(path, '/');
  const bool plain =
      std::none_of(steps.begin(), steps.end(), [](const std::string& s) { return s == "." || s == ".."; });
  if (!path.starts_with('/') || path.ends_with('/') || !plain || path.find('\0') != std::string::npos)
    return make_error(ErrorCode::kInvalid, "\"" + shorten(path, 200) + "\" is no absolute path of a file");
  const auto slash = path.rfind('/');
  return SecretPath{slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

Result<void> write_secret_file(const std::string& path, std::string_view content, const std::string& suffix) {
  const auto place = split_secret_path(path);
  if (!place) return place.error();
  const auto directory = SafeDirectory::open(place->directory, true);
  if (!directory) return directory.error();
  FRACTA_TRY(check_place(directory->fd(), *place, path));
  const std::string temporary = place->name + suffix;
  FRACTA_TRY(write_beside(directory->fd(), temporary, content, path));
  if (renameat(directory->fd(), temporary.c_str(), directory->fd(), place->name.c_str()) != 0) {
    const int number = errno;
    (void)unlinkat(directory->fd(), temporary.c_str(), 0);
    return system_error(path, number);
  }
  directory->sync();
  return {};
}

Result<void> remove_secret_file(const std::string& path) {
  const auto place = split_secret_path(path);
  if (!place) return place.error();
  const auto directory = SafeDirectory::open(place->directory, false);
  if (!directory) return directory.error().code == ErrorCode::kNotFound ? Result<void>() : directory.error();
  struct stat info {};
  if (fstatat(directory->fd(), place->name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? Result<void>() : system_error(path, errno);
  if (!is_ours(info) || S_ISDIR(info.st_mode)) return {};
  if (unlinkat(directory->fd(), place->name.c_str(), 0) != 0 && errno != ENOENT) return system_error(path, errno);
  return {};
}

}  // namespace fracta::runner
