#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string_view>

#include "fracta/base/text.hpp"
#include "fracta/runner/runner.hpp"

namespace fracta::runner {
namespace {

// Enough for any sane directory; keeps the line readable when somebody mounts a huge one.
constexpr std::size_t kMaxHelpers = 256;

bool looks_like_a_program(int directory, const char* name) {
  const int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return false;
  std::array<char, 4> head{};
  const ssize_t got = read(file, head.data(), head.size());
  close(file);
  const std::string_view text(head.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  return text.starts_with("#!") || text ==
                                       "\x7f"
                                       "ELF";
}

// `kubectl create configmap --from-file=DIRECTORY` packages the directory's README.md as well, and defaultMode: 0755
// makes everything executable. Nobody calls a helper x.md; listing it would only hide what there is.
bool is_document(std::string_view name) { return name.ends_with(".md") || name.ends_with(".txt"); }

// A ConfigMap volume holds symlinks (name -> ..data/name -> ..2026_.../name), so entries are followed; its own
// bookkeeping entries begin with a dot.
void scan(const std::string& path, std::set<std::string>& executable, std::set<std::string>& not_executable,
          std::set<std::string>& data) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (!directory) return;
  const int fd = dirfd(directory.get());
  while (const dirent* entry = readdir(directory.get())) {
    const std::string name = entry->d_name;
    struct stat info {};
    if (name.starts_with('.') || fstatat(fd, name.c_str(), &info, 0) != 0 || !S_ISREG(info.st_mode)) continue;
    const bool runs = faccessat(fd, name.c_str(), X_OK, AT_EACCESS) == 0;
    if (is_document(name) && !looks_like_a_program(fd, name.c_str())) continue;
    if (runs)
      executable.insert(name);
    else
      (looks_like_a_program(fd, name.c_str()) ? not_executable : data).insert(name);
  }
}

}  // namespace

AuthHelpers find_auth_helpers(const std::vector<std::string>& directories) {
  std::set<std::string> executable;
  std::set<std::string> not_executable;
  std::set<std::string> data;  // beside helpers that run
  for (const auto& directory : directories) scan(directory, executable, not_executable, data);
  // Where nothing runs at all the x bits were forgotten, and a shell would run a script without `#!`, too.
  if (executable.empty()) not_executable.merge(data);
  return {{executable.begin(), executable.end()}, {not_executable.begin(), not_executable.end()}};
}

std::string diagnostic_line(bool settings_present, const AuthHelpers& helpers) {
  std::vector<std::string> names;
  for (const auto& name : helpers.executable) {
    if (names.size() == kMaxHelpers) {
      names.push_back("...");
      break;
    }
    names.push_back(shorten(name, 255));  // also escapes control characters: the line must stay one line
  }
  return std::string("fracta: user-settings.json present=") + (settings_present ? "true" : "false") +
         "; auth-helpers=[" + (names.empty() ? "none" : join(names, ",")) + "]";
}

std::string helper_path(const std::string& workspace, const std::string& auth_helpers_directory,
                        const std::string& path) {
  return workspace + "/.fracta/auth-helpers:" + auth_helpers_directory + ":" +
         (path.empty() ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" : path);
}

}  // namespace fracta::runner
