// Starts one container process: new mount and pid namespace (and user namespace when we are not root), the file system
// assembled from a list of steps, then exec as pid 1.
//
// Why not bubblewrap: version 0.8 of Debian 12 has no overlay (images would be read-only), cannot switch users as root
// without losing its die-with-parent, and offers no way back in for exec probes. The kernel calls it would make are
// made here directly: everything is prepared before the clone, the child itself only makes system calls (the daemon has
// threads, so nothing else is safe between clone and exec).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "devcluster/node/unique_fd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

class PodSockets;

// One step of the child. Paths before kPivot are the host's, after it the container's.
enum class StepKind : std::uint8_t {
  kTmpfs,     // a: target, b: options
  kOverlay,   // a: target, b: options; on success the next `skip` steps are skipped
  kMkdir,     // a: directory, number: mode; existing is fine
  kMkdirs,    // a: directory with parents, number: mode
  kTouch,     // a: file with parents; existing is fine
  kSymlink,   // a: where, b: what it points to
  kTree,      // a: host path, b: path beneath it or empty -> detached mount in `slot`; read_only applies
  kMove,      // slot -> a
  kProc,      // a: target
  kPivot,     // a: new root
  kReadOnly,  // a: mount that becomes read-only (not its submounts)
  kDevpts,    // a: target
};

struct Step {
  StepKind kind;
  std::string a, b;
  int slot = -1;
  long number = 0;
  int skip = 0;
  bool read_only = false;
  bool may_fail = false;  // a failure is no reason to give up
};

struct LaunchPlan {
  std::vector<Step> steps;
  int slots = 0;
  bool user_namespace = false;          // map uid/gid below to ours
  std::string hostname;                 // empty: the host's
  std::vector<std::string> candidates;  // absolute paths tried in order (argv[0] on the container's PATH)
  std::vector<std::string> argv, environment;
  std::string working_directory = "/";  // created when missing, as container runtimes do
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  bool no_new_privileges = false;
  std::uint64_t capabilities = 0;  // bounding set (root only)
  bool drop_capabilities = true;
  int standard_input = -1, standard_output = -1, standard_error = -1;  // -1: /dev/null
  bool terminal = false;  // standard input is a terminal and becomes the controlling one
  // The pod's own address and who sees to it that its sockets get it; null: the host's addresses.
  PodSockets* sockets = nullptr;
  std::string address;
  std::string join_file;  // of the control group; empty: none
};

struct Process {
  pid_t pid = -1;
  UniqueFd pidfd;
};

// kNotFound: no candidate exists in the container; kForbidden: not executable; kInvalid: the working directory;
// kInternal: a step failed (the text names it). The process dies with the calling *thread*: start containers from a
// thread that outlives them.
Result<Process> launch(const LaunchPlan& plan);

// Runs a command inside a running container (all its namespaces). The process returned is a middle man in our pid
// namespace: it exits as the command does, and killing it kills the command.
Result<Process> launch_inside(int container_pidfd, const LaunchPlan& plan);

// Exit code as a container runtime reports it (128 + signal), or empty while it runs. Reaps.
struct ExitState {
  int code = 0;
  int signal = 0;
};
bool try_wait(const Process& process, ExitState& exit);
void kill_process(const Process& process, int signal);
// SIGKILL and reap; gives up after five seconds (a process stuck in the kernel).
void end_process(const Process& process);

}  // namespace fracta::devcluster
