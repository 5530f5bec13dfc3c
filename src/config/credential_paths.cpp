#include "fracta/config/credential_paths.hpp"

#include <algorithm>
#include <array>

#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

constexpr std::array<std::string_view, 21> kImageDirectories = {
    "",      "/bin",  "/boot",   "/dev",  "/etc",        "/etc/fracta",
    "/home", "/lib",  "/lib64",  "/opt",  "/opt/fracta", "/opt/fracta/auth-helpers",
    "/proc", "/root", "/run",    "/sbin", "/sys",        "/tmp",
    "/usr",  "/var",  "/var/run"};

bool is_plain(std::string_view path) {
  const auto steps = split(path.starts_with('/') ? path.substr(1) : path, '/');
  return path.size() <= 1000 && std::none_of(steps.begin(), steps.end(), [](const std::string& step) {
           return step.empty() || step == "." || step.starts_with("..") || step.find('\0') != std::string::npos;
         });
}

}  // namespace

std::string credential_path_problem(std::string_view path, std::string_view workspace_mount_path) {
  if (!is_plain(path)) return "must be a plain path of a file, without empty steps or \"..\"";
  const std::string own = kCredentialDirectory;
  if (!path.starts_with('/')) {
    if (path.find('/') == std::string_view::npos) return "";
    return "must be absolute, or the bare name of a file in " + own;
  }
  const std::string directory(path.substr(0, path.rfind('/')));
  if (directory.starts_with(own + "/"))
    return "lies inside " + own + ", which is one read-only volume; use it directly or a directory elsewhere";
  const auto below = [&](std::string_view top) { return directory.starts_with(top); };
  if (std::find(kImageDirectories.begin(), kImageDirectories.end(), directory) == kImageDirectories.end() &&
      directory != workspace_mount_path && !below("/proc/") && !below("/sys/") && !below("/dev/"))
    return "";
  return "the credential's directory is mounted as a whole and would hide what " +
         (directory.empty() ? "/" : directory) + " holds; use a directory of its own, e.g. " + own;
}

}  // namespace fracta::config
