#include "agent/build/init_script.hpp"

#include <set>

#include "fracta/agent/build.hpp"

namespace fracta::agent {

std::string shell_quote(std::string_view word) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@%+,=";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string init_script(const std::string& working_directory, const std::vector<WorkspaceFile>& files,
                        const std::vector<std::string>& extra_directories) {
  if (files.empty() && extra_directories.empty()) return "";
  std::set<std::string> directories = {working_directory};
  directories.insert(extra_directories.begin(), extra_directories.end());
  for (const WorkspaceFile& file : files) {
    const std::size_t slash = file.path.rfind('/');
    if (slash != std::string::npos) directories.insert(working_directory + "/" + file.path.substr(0, slash));
  }
  std::string script = "mkdir -p";
  for (const std::string& directory : directories) script += " " + shell_quote(directory);
  for (const WorkspaceFile& file : files) {
    script += " && cp " + shell_quote(std::string(kConfigMountPath) + "/" + file.config_map_key) + " " +
              shell_quote(working_directory + "/" + file.path);
  }
  return script;
}

}  // namespace fracta::agent
