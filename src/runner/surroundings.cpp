#include "runner/surroundings.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace fracta::runner::surroundings {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string working_directory() {
  const std::string claimed = variable("PWD");
  struct stat here {};
  struct stat there {};
  if (claimed.starts_with('/') && stat(claimed.c_str(), &there) == 0 && stat(".", &here) == 0 &&
      here.st_dev == there.st_dev && here.st_ino == there.st_ino) {
    return claimed;
  }
  std::error_code error;
  const auto path = std::filesystem::current_path(error);
  return error ? "." : path.string();
}

std::string home_directory(bool make) {
  std::string home = variable("HOME");
  if (home.empty()) {
    const passwd* user = getpwuid(getuid());
    if (user != nullptr && user->pw_dir != nullptr) home = user->pw_dir;
  }
  if (home.empty() && make) {
    std::string made = "/tmp/fracta-home-XXXXXX";
    if (mkdtemp(made.data()) != nullptr) home = made;
  }
  return home;
}

}  // namespace fracta::runner::surroundings
