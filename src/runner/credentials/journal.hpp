// Which secret files this runner has written, so that the next one can remove what a SIGKILL left. The journal is a
// file of ours in the private directory, locked for as long as its runner lives: whoever gets the lock knows that
// nobody uses the files any more.
#pragma once

#include <string>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::runner {

class Journal {
 public:
  // Opens (or makes) <directory>/.fracta-agent-credentials.<uid> and removes what it lists. kForbidden: it is not ours;
  // kConflict: another runner is using it.
  static Result<Journal> open(const std::string& directory);
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;
  ~Journal();  // the file stays unless finish() was called

  // Before the files are written. Replaces what was noted before.
  Result<void> note(const std::vector<std::string>& paths);
  void finish();                                                                      // everything noted is gone
  [[nodiscard]] const std::vector<std::string>& removed() const { return removed_; }  // by open()

 private:
  Journal(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  void clean();
  std::string path_;
  int fd_;
  std::vector<std::string> removed_;
};

}  // namespace fracta::runner
