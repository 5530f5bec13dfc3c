#include "fracta/base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "fracta/base/text.hpp"

namespace fracta {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::string system_text(int number) { return std::system_category().message(number); }

Error file_error(const std::string& path, int number) {
  const ErrorCode code = number == ENOENT                      ? ErrorCode::kNotFound
                         : number == EACCES || number == EPERM ? ErrorCode::kForbidden
                         : number == EISDIR || number == ELOOP ? ErrorCode::kInvalid
                                                               : ErrorCode::kInternal;
  return make_error(code, fmt::format("{}: {}", path, to_lower(system_text(number))));
}

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return file_error(path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO that somebody put there must not wait for a writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) return file_error(path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return file_error(path, errno);
  if (S_ISDIR(info.st_mode)) return file_error(path, EISDIR);
  if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode))
    return make_error(ErrorCode::kInvalid, path + ": not a regular file");
  std::string content;
  std::string buffer(64u << 10, '\0');
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path, errno);
    if (got == 0) return content;
    content.append(buffer, 0, static_cast<std::size_t>(got));
    if (content.size() > max_bytes)
      return make_error(ErrorCode::kResourceExhausted,
                        fmt::format("{}: larger than the limit of {} bytes", path, max_bytes));
  }
}

Result<void> write_file_atomic(const std::string& path, std::string_view content, const WriteOptions& options) {
  const std::string temporary = fmt::format("{}.tmp-{}", path, random_hex(8));
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, options.mode & 0700));
    if (!file.ok()) return file_error(path, errno).with_context("writing");
    // fchmod: the umask must not decide who may read it.
    auto written = write_all(file.get(), content, path);
    if (written && (::fchmod(file.get(), options.mode) != 0 || ::fsync(file.get()) != 0))
      written = file_error(path, errno);
    if (!written) {
      ::unlink(temporary.c_str());
      return written.error().with_context("writing");
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int number = errno;
    ::unlink(temporary.c_str());
    return file_error(path, number).with_context("writing");
  }
  // The rename itself must survive a power cut.
  const Descriptor directory(::open(parent_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.ok()) ::fsync(directory.get());
  return {};
}

Result<void> make_directories(const std::string& path, mode_t mode) {
  std::string partial;
  for (const auto& piece : split(path, '/')) {
    partial += piece;
    if (!partial.empty() && ::mkdir(partial.c_str(), mode) != 0 && errno != EEXIST)
      return file_error(partial, errno).with_context("creating directory");
    partial += '/';
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return file_error(path, errno);
  if (!S_ISDIR(info.st_mode)) return make_error(ErrorCode::kInvalid, path + ": exists and is not a directory");
  return {};
}

Result<TemporaryDirectory> TemporaryDirectory::create(std::string_view prefix) {
  const char* base = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): nobody calls setenv after start-up
  std::string path = fmt::format("{}/{}XXXXXX", base != nullptr && *base != '\0' ? base : "/tmp", prefix);
  if (::mkdtemp(path.data()) == nullptr) return file_error(path, errno).with_context("creating a temporary directory");
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory& TemporaryDirectory::operator=(TemporaryDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace fracta
