// `fracta init`: writes the deployment tree that is built into the program into a project directory.
//
// Nothing outside that directory is read or written: every path is walked from the directory's own descriptor without
// following a symlink, also one that appears meanwhile. Not thread-safe with itself on one directory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "fracta/base/result.hpp"

namespace fracta::scaffold {

struct Template {
  std::string path;  // below the project directory
  std::string_view content;
  mode_t mode = 0644;  // 0755 for auth helpers
};

// kInvalid, naming the kinds there are.
Result<std::vector<Template>> templates(std::string_view kind);

enum class FileState {
  kMissing,
  kSame,
  kDiffers,   // in content or mode
  kReplaced,  // the example helper, missing where other helpers are: it was renamed, as its header says
};

struct PlannedFile {
  Template source;
  FileState state = FileState::kMissing;
};

struct Plan {
  std::string directory;
  std::vector<PlannedFile> files;
  std::vector<std::string> ignore;   // lines that .gitignore lacks
  std::vector<std::string> foreign;  // manifests that are no template's: `kubectl apply -f` takes them along
  [[nodiscard]] std::vector<std::string> paths(FileState state) const;
};

// Looks, and refuses what must not be touched: an unknown kind, a project scaffolded as another kind, a symlink or
// something else that is no regular file in the way (all kInvalid). Writes nothing. A directory that does not exist is
// an empty one.
Result<Plan> make_plan(std::string_view kind, const std::string& directory);

struct Outcome {
  std::vector<std::string> written;  // in the order written, with .gitignore
  std::size_t skipped = 0;
};

// Missing files are written, with `overwrite` also those that differ; each one whole or not at all. An error names the
// file; what was written before it stays.
Result<Outcome> apply(const Plan& plan, bool overwrite);

}  // namespace fracta::scaffold
