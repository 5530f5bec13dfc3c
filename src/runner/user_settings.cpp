#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "fracta/base/file.hpp"
#include "fracta/runner/runner.hpp"

namespace fracta::runner {

Result<bool> install_user_settings(const std::string& source, const std::string& home) {
  struct stat info {};
  if (stat(source.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return make_error(ErrorCode::kForbidden, source + ": " + std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) return make_error(ErrorCode::kInvalid, source + " is not a regular file");
  auto content = read_file(source, 1u << 20);
  if (!content) return content.error();
  const std::string directory = home + "/.claude";
  const std::string target = directory + "/settings.json";
  const std::string remedy = "installing " + source + " as " + target + " (is HOME writable for this user?)";
  if (auto made = make_directories(directory, 0700); !made) return made.error().with_context(remedy);
  if (auto written = write_file_atomic(target, *content, {.mode = 0600}); !written)
    return written.error().with_context(remedy);
  return true;
}

}  // namespace fracta::runner
