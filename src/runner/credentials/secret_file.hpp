// Files that hold secrets, in directories other users may write to as well. Nothing here follows a symbolic link: the
// way down is walked by descriptor, the file appears by rename. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "fracta/base/result.hpp"

namespace fracta::runner {

// An open directory whose every step down from the root belonged to root or to us and was no foreign symbolic link.
class SafeDirectory {
 public:
  // kForbidden: a step belongs to somebody else, or is a symbolic link that root did not make. With `create` missing
  // directories are made, 0700.
  static Result<SafeDirectory> open(const std::string& path, bool create);
  SafeDirectory(SafeDirectory&& other) noexcept;
  SafeDirectory& operator=(SafeDirectory&&) = delete;
  ~SafeDirectory();
  [[nodiscard]] int fd() const { return fd_; }
  // Anybody may put another file in the place of ours: no sticky bit (an emptyDir at /tmp).
  [[nodiscard]] bool open_to_all() const { return open_to_all_; }
  void sync() const;

 private:
  SafeDirectory(int fd, bool open_to_all) : fd_(fd), open_to_all_(open_to_all) {}
  int fd_;
  bool open_to_all_;
};

struct SecretPath {
  std::string directory, name;
};
// kInvalid: not absolute, no file name, or with "." or ".." in it.
Result<SecretPath> split_secret_path(const std::string& path);

// 0600 from its first byte: a temporary file beside it (O_EXCL, `path` + `suffix`), fsync, rename, fsync. What stood
// there is replaced if it is a file or symbolic link of ours, refused (kForbidden, kInvalid) if it is another user's or
// a directory.
Result<void> write_secret_file(const std::string& path, std::string_view content, const std::string& suffix);

// Removes a file or symbolic link of ours; one that is not there, or not ours, is left alone.
Result<void> remove_secret_file(const std::string& path);

}  // namespace fracta::runner
