// What the child does between clone and exec. System calls only: no allocation, no locks, no C++ runtime.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace fracta::devcluster::child {

// The plan as plain pointers into memory that was filled before the clone.
struct RawStep {
  int kind;
  const char* a;
  const char* b;
  int slot;
  long number;
  int skip;
  bool read_only, may_fail;
};
struct RawPlan {
  const RawStep* steps;
  std::size_t step_count;
  int* slots;
  bool user_namespace;
  const char *uid_map, *gid_map;
  int inside_pidfd;  // >= 0: enter that process's namespaces instead
  const char* hostname;
  char* const* candidates;
  char* const* argv;
  char* const* environment;
  const char* working_directory;
  uid_t uid;
  gid_t gid;
  const gid_t* groups;
  std::size_t group_count;
  bool no_new_privileges, drop_capabilities;
  std::uint64_t capabilities;
  int input, output, error;
  bool terminal;
  const char* join_file;
  int supervisor;  // >= 0: a socket; bind() and connect() go to whoever gets the descriptor sent over it
  int report;      // where a failure is written
};

enum class Stage : int { kNamespaces, kStep, kIdentity, kWorkingDirectory, kExec, kSockets };
struct Report {
  Stage stage;
  int error;
  int step;
};

[[noreturn]] void run(const RawPlan& plan);

}  // namespace fracta::devcluster::child
