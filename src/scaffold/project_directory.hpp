// The directory `fracta init` works in, held by a descriptor; nothing reaches outside it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::scaffold {

struct FileContent {
  std::string text;
  mode_t mode = 0;  // permission bits
};

class ProjectDirectory {
 public:
  // kNotFound when it does not exist.
  static Result<ProjectDirectory> open(const std::string& path);
  ProjectDirectory(ProjectDirectory&& other) noexcept;
  ProjectDirectory& operator=(ProjectDirectory&&) = delete;
  ~ProjectDirectory();

  // Paths are relative, in their plain form: no "", "." or ".." segment (kInvalid).
  // Nothing when the file or a directory on its way does not exist; kInvalid for symlinks and other file types.
  [[nodiscard]] Result<std::optional<FileContent>> read(const std::string& path) const;
  // Makes missing directories (0755) and replaces the file atomically.
  [[nodiscard]] Result<void> write(const std::string& path, std::string_view text, mode_t mode) const;
  // Names in a directory; none when it does not exist.
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) const;

 private:
  ProjectDirectory(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  [[nodiscard]] Result<int> enter(const std::vector<std::string>& segments, bool create) const;
  [[nodiscard]] Error error(const std::string& path, int number) const;

  std::string path_;
  int fd_;
};

}  // namespace fracta::scaffold
