#include "runner/credentials/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "fracta/base/text.hpp"
#include "runner/credentials/secret_file.hpp"

namespace fracta::runner {
namespace {

constexpr std::size_t kMaxJournal = 64u << 10;

// A file of ours, private and with one name only: nobody else has written it, nor made it a second name of another
// file.
bool is_private(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() && info.st_nlink == 1 &&
         (info.st_mode & 0077) == 0;
}

// Only what this program could have made: a private regular file of ours.
bool is_left_over(const std::string& path) {
  const auto place = split_secret_path(path);
  if (!place) return false;
  const auto directory = SafeDirectory::open(place->directory, false);
  struct stat info {};
  return directory && fstatat(directory->fd(), place->name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(info.st_mode) && info.st_uid == geteuid() && (info.st_mode & 0777) == 0600;
}

}  // namespace

Journal::Journal(Journal&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), removed_(std::move(other.removed_)) {}
Journal::~Journal() {
  if (fd_ >= 0) close(fd_);
}

Result<Journal> Journal::open(const std::string& directory) {
  const auto safe = SafeDirectory::open(directory, true);
  if (!safe) return safe.error();
  const std::string name = ".fracta-agent-credentials." + std::to_string(geteuid());
  const std::string path = directory + "/" + name;
  const int fd = openat(safe->fd(), name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (fd < 0) return make_error(ErrorCode::kForbidden, path + ": " + to_lower(std::strerror(errno)));
  Journal journal(path, fd);
  if (!is_private(fd)) return make_error(ErrorCode::kForbidden, path + " is not a private file of ours; remove it");
  if (flock(fd, LOCK_EX | LOCK_NB) != 0)
    return make_error(ErrorCode::kConflict,
                      "another `fracta agent run` has credentials in " + directory + "; they would take each other's");
  journal.clean();
  return journal;
}

void Journal::clean() {
  std::string text(kMaxJournal, '\0');
  const ssize_t got = pread(fd_, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  for (const auto& path : split(text, '\n'))
    if (!path.empty() && is_left_over(path) && remove_secret_file(path).ok()) removed_.push_back(path);
}

Result<void> Journal::note(const std::vector<std::string>& paths) {
  const std::string text = join(paths, "\n") + "\n";
  const auto failed = [&] { return make_error(ErrorCode::kInternal, path_ + ": " + to_lower(std::strerror(errno))); };
  if (text.size() > kMaxJournal) return make_error(ErrorCode::kInvalid, "too many secret files");
  if (ftruncate(fd_, 0) != 0) return failed();
  if (pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return failed();
  if (fsync(fd_) != 0) return failed();
  return {};
}

void Journal::finish() { (void)remove_secret_file(path_); }

}  // namespace fracta::runner
