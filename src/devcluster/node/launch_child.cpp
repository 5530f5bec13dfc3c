#include "devcluster/node/launch_child.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "devcluster/node/launch.hpp"

// The sanitizers' run-time must not be entered in a child of a threaded process.
#define FRACTA_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

namespace fracta::devcluster::child {
namespace {

constexpr std::size_t kPathMax = 4096;

FRACTA_CHILD long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  return ::syscall(number, a, b, c, d, e);
}
FRACTA_CHILD long ptr(const void* p) { return reinterpret_cast<long>(p); }

[[noreturn]] FRACTA_CHILD void fail(const RawPlan& plan, Stage stage, int step = -1) {
  const Report report{stage, errno, step};
  (void)call(SYS_write, plan.report, ptr(&report), sizeof report);
  call(SYS_exit_group, 127);
  __builtin_unreachable();
}

FRACTA_CHILD int make_directory(const char* path, long mode) {
  if (call(SYS_mkdirat, AT_FDCWD, ptr(path), mode) == 0 || errno == EEXIST) return 0;
  return -1;
}

// mkdir -p of all parents, and of the path itself when `last`.
FRACTA_CHILD int make_parents(const char* path, bool last, long mode) {
  char buffer[kPathMax];
  std::size_t i = 0;
  for (; path[i] != 0; ++i) {
    if (i + 1 >= kPathMax) {
      errno = ENAMETOOLONG;
      return -1;
    }
    if (path[i] == '/' && i > 0) {
      buffer[i] = 0;
      if (make_directory(buffer, mode) != 0) return -1;
    }
    buffer[i] = path[i];
  }
  buffer[i] = 0;
  return last && i > 1 ? make_directory(buffer, mode) : 0;
}

FRACTA_CHILD int mount_call(const char* source, const char* target, const char* type, unsigned long flags,
                            const char* data) {
  return static_cast<int>(call(SYS_mount, ptr(source), ptr(target), ptr(type), static_cast<long>(flags), ptr(data)));
}

FRACTA_CHILD int set_read_only(int directory, const char* path, unsigned flags) {
  struct mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  return static_cast<int>(call(SYS_mount_setattr, directory, ptr(path), flags, ptr(&attributes), sizeof attributes));
}

// A descriptor of the daemon's would belong to another mount namespace, so a subPath is resolved here.
FRACTA_CHILD long open_beneath(const char* base, const char* path) {
  const long directory = call(SYS_openat, AT_FDCWD, ptr(base), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return -1;
  struct open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return call(SYS_openat2, directory, ptr(path), ptr(&how), sizeof how);
}

FRACTA_CHILD int open_tree_step(const RawPlan& plan, const RawStep& step) {
  constexpr unsigned kFlags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
  long fd = -1;
  if (step.b[0] != 0) {
    const long inside = open_beneath(step.a, step.b);
    if (inside < 0) return -1;
    fd = call(SYS_open_tree, inside, ptr(""), kFlags | AT_EMPTY_PATH);
  } else {
    fd = call(SYS_open_tree, AT_FDCWD, ptr(step.a), kFlags);
  }
  if (fd < 0) return -1;
  plan.slots[step.slot] = static_cast<int>(fd);
  return step.read_only ? set_read_only(static_cast<int>(fd), "", AT_EMPTY_PATH | AT_RECURSIVE) : 0;
}

FRACTA_CHILD int pivot(const char* root) {
  if (call(SYS_chdir, ptr(root)) != 0 || call(SYS_pivot_root, ptr("."), ptr(".")) != 0) return -1;
  if (call(SYS_umount2, ptr("."), MNT_DETACH) != 0) return -1;
  return static_cast<int>(call(SYS_chdir, ptr("/")));
}

// An image's dangling symlink (/etc/resolv.conf into a hidden /run) makes way for the file. Not opened for writing: an
// overlay would copy what is there into the container's writable layer first.
FRACTA_CHILD int touch(const char* path) {
  if (make_parents(path, false, 0755) != 0) return -1;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const long fd = call(SYS_openat, AT_FDCWD, ptr(path), O_RDONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
    if (fd >= 0) return static_cast<int>(call(SYS_close, fd));
    if (call(SYS_faccessat, AT_FDCWD, ptr(path), F_OK) == 0) return 0;
    if (call(SYS_unlinkat, AT_FDCWD, ptr(path), 0) != 0) return -1;
  }
  return -1;
}

FRACTA_CHILD int run_step(const RawPlan& plan, const RawStep& step) {
  switch (static_cast<StepKind>(step.kind)) {
    case StepKind::kTmpfs:
      return mount_call("tmpfs", step.a, "tmpfs", MS_NOSUID | MS_NODEV, step.b);
    case StepKind::kOverlay:
      return mount_call("overlay", step.a, "overlay", 0, step.b);
    case StepKind::kMkdir:
      return make_directory(step.a, step.number);
    case StepKind::kMkdirs:
      return make_parents(step.a, true, step.number);
    case StepKind::kTouch:
      return touch(step.a);
    case StepKind::kSymlink:
      return static_cast<int>(call(SYS_symlinkat, ptr(step.b), AT_FDCWD, ptr(step.a)));
    case StepKind::kTree:
      return open_tree_step(plan, step);
    case StepKind::kMove:
      return static_cast<int>(call(SYS_move_mount, plan.slots[step.slot], ptr(""), AT_FDCWD, ptr(step.a),
                                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS));
    case StepKind::kProc:
      return mount_call("proc", step.a, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    case StepKind::kPivot:
      return pivot(step.a);
    case StepKind::kReadOnly:
      return set_read_only(AT_FDCWD, step.a, 0);
    case StepKind::kDevpts:
      return mount_call("devpts", step.a, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620");
  }
  return 0;
}

FRACTA_CHILD int write_file(const char* path, const char* text) {
  const long fd = call(SYS_openat, AT_FDCWD, ptr(path), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  std::size_t size = 0;
  while (text[size] != 0) ++size;
  const long written = call(SYS_write, fd, ptr(text), static_cast<long>(size));
  call(SYS_close, fd);
  return written == static_cast<long>(size) ? 0 : -1;
}

FRACTA_CHILD int enter_namespaces(const RawPlan& plan) {
  if (plan.user_namespace) {
    if (write_file("/proc/self/setgroups", "deny") != 0 || write_file("/proc/self/uid_map", plan.uid_map) != 0 ||
        write_file("/proc/self/gid_map", plan.gid_map) != 0)
      return -1;
  }
  if (plan.hostname[0] != 0) {
    std::size_t size = 0;
    while (plan.hostname[size] != 0) ++size;
    if (call(SYS_sethostname, ptr(plan.hostname), static_cast<long>(size)) != 0) return -1;
  }
  return 0;
}

FRACTA_CHILD int build_file_system(const RawPlan& plan, int& failed) {
  if (plan.step_count == 0) return 0;
  if (mount_call("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return -1;
  for (std::size_t i = 0; i < plan.step_count; ++i) {
    failed = static_cast<int>(i);
    if (run_step(plan, plan.steps[i]) == 0) {
      if (static_cast<StepKind>(plan.steps[i].kind) == StepKind::kOverlay)
        i += static_cast<std::size_t>(plan.steps[i].skip);
    } else if (!plan.steps[i].may_fail) {
      return -1;
    }
  }
  failed = -1;
  return 0;
}

FRACTA_CHILD int become_user(const RawPlan& plan) {
  if (plan.drop_capabilities)
    for (long capability = 0; capability < 64; ++capability)
      if ((plan.capabilities >> capability & 1U) == 0 && call(SYS_prctl, PR_CAPBSET_DROP, capability) != 0) {
        if (errno == EINVAL) break;     // past the kernel's last capability
        if (errno != EPERM) return -1;  // not ours to drop: we never had it
      }
  if (!plan.user_namespace) {
    if (call(SYS_getuid) == 0 && call(SYS_setgroups, static_cast<long>(plan.group_count), ptr(plan.groups)) != 0)
      return -1;
    if (call(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0 ||
        call(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0)
      return -1;
  }
  if (plan.no_new_privileges && call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1) != 0) return -1;
  // After the change of user, which clears it.
  return static_cast<int>(call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL));
}

FRACTA_CHILD int standard_streams(const RawPlan& plan) {
  const int wanted[3] = {plan.input, plan.output, plan.error};
  for (int i = 0; i < 3; ++i) {
    if (wanted[i] >= 0) {
      if (call(SYS_dup3, wanted[i], i, 0) < 0) return -1;
      continue;
    }
    const long fd = call(SYS_openat, AT_FDCWD, ptr("/dev/null"), O_RDWR);
    if (fd < 0) return -1;
    if (fd != i && call(SYS_dup3, fd, i, 0) < 0) return -1;
    if (fd > 2) call(SYS_close, fd);
  }
  return 0;
}

FRACTA_CHILD void default_signals() {
  struct KernelSigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    unsigned long mask;
  } action = {};
  for (int signal = 1; signal <= 64; ++signal) (void)call(SYS_rt_sigaction, signal, ptr(&action), 0, 8);
  const unsigned long none = 0;
  (void)call(SYS_rt_sigprocmask, SIG_SETMASK, ptr(&none), 0, 8);
}

#if defined(__x86_64__)
constexpr unsigned kArchitecture = AUDIT_ARCH_X86_64;
#else
constexpr unsigned kArchitecture = AUDIT_ARCH_AARCH64;
#endif

// bind() and connect() wait for an answer of the node; everything else is none of its business.
FRACTA_CHILD int supervise_sockets(int supervisor) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
  };
  const sock_fprog program = {sizeof filter / sizeof filter[0], filter};
  const long listener = call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, ptr(&program));
  if (listener < 0) return -1;
  char byte = 0;
  iovec data = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  *reinterpret_cast<int*>(CMSG_DATA(head)) = static_cast<int>(listener);
  const long sent = call(SYS_sendmsg, supervisor, ptr(&message), 0);
  call(SYS_close, listener);
  return sent == 1 ? 0 : -1;
}

[[noreturn]] FRACTA_CHILD void execute(const RawPlan& plan, long group) {
  if (group >= 0) (void)call(SYS_write, group, ptr("0"), 1);
  // Job control wants a session leader of the container's own pid namespace.
  if (plan.terminal) {
    (void)call(SYS_setsid);
    (void)call(SYS_ioctl, 0, TIOCSCTTY, 0);
  }
  // While we still may: it needs CAP_SYS_ADMIN.
  if (plan.supervisor >= 0 && supervise_sockets(plan.supervisor) != 0) fail(plan, Stage::kSockets);
  if (become_user(plan) != 0) fail(plan, Stage::kIdentity);
  if (call(SYS_chdir, ptr(plan.working_directory)) != 0) fail(plan, Stage::kWorkingDirectory);
  default_signals();
  int worst = ENOENT;
  for (char* const* path = plan.candidates; *path != nullptr; ++path) {
    (void)call(SYS_execve, ptr(*path), ptr(plan.argv), ptr(plan.environment));
    if (errno != ENOENT && errno != ENOTDIR) worst = errno;
  }
  errno = worst;
  fail(plan, Stage::kExec);
}

// Middle man of launch_inside: a joined pid namespace holds for children only.
[[noreturn]] FRACTA_CHILD void execute_inside(const RawPlan& plan, long group) {
  constexpr long kOwn = CLONE_NEWNS | CLONE_NEWPID, kShared = CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC;
  if (!plan.user_namespace) {
    if (call(SYS_setns, plan.inside_pidfd, kOwn | kShared) != 0) fail(plan, Stage::kNamespaces);
  } else {
    // Network and ipc are the host's then, and not ours to enter.
    if (call(SYS_setns, plan.inside_pidfd, CLONE_NEWUSER | kOwn) != 0) fail(plan, Stage::kNamespaces);
    (void)call(SYS_setns, plan.inside_pidfd, CLONE_NEWUTS);
  }
  const long pid = call(SYS_clone, SIGCHLD);
  if (pid < 0) fail(plan, Stage::kNamespaces);
  if (pid == 0) execute(plan, group);
  // It never execs: whatever of the daemon's stayed open here (pipes, connections) would never end for its readers.
  (void)call(SYS_close_range, 0, ~0U, 0);
  int status = 0;
  while (call(SYS_wait4, pid, ptr(&status)) < 0 && errno == EINTR) {
  }
  call(SYS_exit_group, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  __builtin_unreachable();
}

}  // namespace

[[noreturn]] FRACTA_CHILD void run(const RawPlan& plan) {
  (void)call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  (void)call(SYS_setsid);
  (void)call(SYS_umask, 022);
  if (standard_streams(plan) != 0) fail(plan, Stage::kNamespaces);
  (void)call(SYS_close_range, 3, ~0U, 1U << 2);  // CLOSE_RANGE_CLOEXEC: nothing of the daemon's reaches the program
  // Opened here, where its path still means something; joined last, so that no copy of the daemon counts in the group.
  const long group =
      plan.join_file[0] == 0 ? -1 : call(SYS_openat, AT_FDCWD, ptr(plan.join_file), O_WRONLY | O_CLOEXEC);
  if (plan.inside_pidfd >= 0) execute_inside(plan, group);
  if (enter_namespaces(plan) != 0) fail(plan, Stage::kNamespaces);
  int failed = -1;
  (void)call(SYS_umask, 0);  // modes as planned: /tmp is for every user
  if (build_file_system(plan, failed) != 0) fail(plan, Stage::kStep, failed);
  (void)call(SYS_umask, 022);
  execute(plan, group);
}

}  // namespace fracta::devcluster::child
