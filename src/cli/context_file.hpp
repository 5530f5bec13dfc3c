// The contexts `fracta login` writes: ${XDG_CONFIG_HOME:-~/.config}/fracta/config.yaml, which only its owner may read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/cli/cli.hpp"

namespace fracta::cli {

struct ServerContext {
  std::string name;
  std::string server;  // URL
  std::string ca_pem;  // empty: the system's authorities
  std::string token;   // a secret
  std::string token_file;
};

struct ContextFile {
  std::string path;
  std::string current;
  std::vector<ServerContext> contexts;

  [[nodiscard]] const ServerContext* find(const std::string& name) const;
  void put(ServerContext context);       // replaces one of that name
  bool remove(const std::string& name);  // false: there was none
};

// kInvalid without HOME and XDG_CONFIG_HOME.
Result<std::string> context_file_path(Context& context);
// A file that does not exist is an empty one. Refused: a symlink, one that belongs to somebody else or that others can
// read, and what does not parse.
Result<ContextFile> read_context_file(Context& context);
// Directory 0700, file 0600, replaced as a whole; a symlink there is refused.
Result<void> write_context_file(const ContextFile& file);

}  // namespace fracta::cli
