#include "scaffold/project_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "fracta/base/text.hpp"

namespace fracta::scaffold {
namespace {

constexpr std::size_t kMaxFile = 4u << 20;  // far above any template

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Result<std::vector<std::string>> segments_of(const std::string& path) {
  auto segments = split(path, '/');
  for (const auto& segment : segments)
    if (segment.empty() || segment == "." || segment == "..")
      return make_error(ErrorCode::kInvalid, shorten(path, 200) + ": not a plain path below the project directory");
  return segments;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace

Result<ProjectDirectory> ProjectDirectory::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    const int number = errno;
    return make_error(number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kInvalid,
                      path + ": " + to_lower(std::system_category().message(number)));
  }
  return ProjectDirectory(path, fd);
}

ProjectDirectory::ProjectDirectory(ProjectDirectory&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

ProjectDirectory::~ProjectDirectory() {
  if (fd_ >= 0) close(fd_);
}

Error ProjectDirectory::error(const std::string& path, int number) const {
  const std::string where = path_ + "/" + path;
  if (number == ELOOP || number == ENOTDIR)
    return make_error(ErrorCode::kInvalid, where +
                                               ": a symlink or something else that is no plain file or directory is in "
                                               "the way; nothing is written through it");
  return make_error(
      number == EACCES || number == EPERM || number == EROFS ? ErrorCode::kForbidden : ErrorCode::kInternal,
      where + ": " + to_lower(std::system_category().message(number)));
}

// A descriptor of the directory that holds the last segment; -1 when it does not exist and `create` is false.
Result<int> ProjectDirectory::enter(const std::vector<std::string>& segments, bool create) const {
  int current = openat(fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::string walked;
  for (std::size_t i = 0; current >= 0 && i + 1 < segments.size(); ++i) {
    const std::string& name = segments[i];
    walked += (walked.empty() ? "" : "/") + name;
    if (create && mkdirat(current, name.c_str(), 0755) != 0 && errno != EEXIST) {
      const int number = errno;
      close(current);
      return error(walked, number);
    }
    const int next = openat(current, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const int number = errno;
    close(current);
    if (next < 0 && number == ENOENT && !create) return -1;
    if (next < 0) return error(walked, number);
    current = next;
  }
  if (current < 0) return error(".", errno);
  return current;
}

Result<std::optional<FileContent>> ProjectDirectory::read(const std::string& path) const {
  auto segments = segments_of(path);
  if (!segments) return segments.error();
  auto entered = enter(*segments, false);
  if (!entered) return entered.error();
  if (*entered < 0) return std::optional<FileContent>{};
  const Descriptor directory(*entered);
  const Descriptor file(
      openat(directory.get(), segments->back().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return std::optional<FileContent>{};
  if (file.get() < 0) return error(path, errno);
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return error(path, errno);
  if (!S_ISREG(info.st_mode)) return error(path, ENOTDIR);
  FileContent content{.text = {}, .mode = info.st_mode & 07777};
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return error(path, errno);
    if (got == 0) break;
    content.text.append(buffer.data(), static_cast<std::size_t>(got));
    if (content.text.size() > kMaxFile)
      return make_error(ErrorCode::kResourceExhausted, path_ + "/" + path + ": larger than 4 MiB, so not of this kind");
  }
  return std::optional<FileContent>(std::move(content));
}

Result<void> ProjectDirectory::write(const std::string& path, std::string_view text, mode_t mode) const {
  auto segments = segments_of(path);
  if (!segments) return segments.error();
  auto entered = enter(*segments, true);
  if (!entered) return entered.error();
  const Descriptor directory(*entered);
  const std::string temporary = ".fracta-init-" + random_hex(8);
  const Descriptor file(
      openat(directory.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return error(path, errno);
  // fchmod, because the umask has no say in it: a helper without its x bits is no helper.
  if (!write_all(file.get(), text) || fchmod(file.get(), mode) != 0 || fsync(file.get()) != 0 ||
      renameat(directory.get(), temporary.c_str(), directory.get(), segments->back().c_str()) != 0) {
    const int number = errno;
    unlinkat(directory.get(), temporary.c_str(), 0);
    return error(path, number);
  }
  return {};
}

Result<std::vector<std::string>> ProjectDirectory::list(const std::string& path) const {
  auto segments = segments_of(path + "/x");  // enter() opens all but the last
  if (!segments) return segments.error();
  auto entered = enter(*segments, false);
  if (!entered) return entered.error();
  std::vector<std::string> names;
  if (*entered < 0) return names;
  DIR* opened = fdopendir(*entered);
  if (opened == nullptr) {
    const int number = errno;
    close(*entered);
    return error(path, number);
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opened, closedir);
  while (const dirent* entry = readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace fracta::scaffold
