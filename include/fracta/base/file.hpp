// Files read with a limit and written safely.
#pragma once

#include <sys/types.h>
#include <cstddef>
#include <string>
#include <string_view>

#include "fracta/base/result.hpp"

namespace fracta {

// kNotFound, kForbidden, kResourceExhausted (larger than max_bytes) or kInvalid (a directory); text names the path.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = 16u << 20);

struct WriteOptions {
  mode_t mode = 0600;
};
// Temporary file (O_EXCL, O_NOFOLLOW) in the same directory, fsync, rename, fsync of the directory. A symlink at `path`
// is replaced, never followed. Nothing is left behind on failure.
Result<void> write_file_atomic(const std::string& path, std::string_view content, const WriteOptions& options = {});

// mkdir -p; new directories get `mode`.
Result<void> make_directories(const std::string& path, mode_t mode = 0755);

// A directory of its own under TMPDIR, 0700, removed with its content by the destructor.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> create(std::string_view prefix = "fracta-");
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace fracta
