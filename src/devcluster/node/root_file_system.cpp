#include "devcluster/node/root_file_system.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "devcluster/node/pod_sockets.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 9> kHiddenOnHost = {"boot", "home", "lost+found", "media", "mnt",
                                                           "root", "run",  "srv",        "tmp"};
constexpr std::array<std::string_view, 3> kKernel = {"dev", "proc", "sys"};
constexpr std::array<std::string_view, 6> kDevices = {"null", "zero", "full", "random", "urandom", "tty"};
constexpr std::size_t kMaxNestedMounts = 64;

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// Overlay's option syntax: ':' separates lower directories, ',' options.
std::string escape_option(std::string_view path) {
  std::string result;
  for (const char c : path) {
    if (c == ':' || c == ',' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

class Builder {
 public:
  Builder(const FileSystemRequest& request, LaunchPlan& plan)
      : request_(request),
        plan_(plan),
        root_(request.staging + "/r"),
        lower_(request.image->is_host() ? "" : request.image->root) {}

  void build() {
    add(StepKind::kTmpfs, request_.staging, "mode=0700");
    for (const char* name : {"/u", "/w", "/r"}) directory(request_.staging + name, 0755);
    add(StepKind::kTmpfs, root_, "mode=0755");
    image_entries();
    if (request_.image->is_host()) {
      nested_host_mounts();
      for (const auto& file : request_.visible_files) bind_file(file, root_ + file);
    }
    kernel_file_systems();
    std::vector<int> slots;
    for (const auto& mount : request_.mounts) slots.push_back(tree(mount));
    add(StepKind::kPivot, root_);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const auto& mount = request_.mounts[i];
      if (mount.is_directory)
        add(StepKind::kMkdirs, mount.container_path).number = 0755;
      else
        add(StepKind::kTouch, mount.container_path);
      add(StepKind::kMove, mount.container_path).slot = slots[i];
    }
    if (request_.working_directory != "/") {
      auto& step = add(StepKind::kMkdirs, request_.working_directory);
      step.number = 0755;
      step.may_fail = true;  // inside a read-only volume; chdir tells if it matters
    }
    if (request_.read_only_root)
      for (const auto& mount : writable_) add(StepKind::kReadOnly, mount);
  }

 private:
  Step& add(StepKind kind, std::string a, std::string b = "") {
    Step step{};
    step.kind = kind;
    step.a = std::move(a);
    step.b = std::move(b);
    plan_.steps.push_back(std::move(step));
    return plan_.steps.back();
  }
  void directory(const std::string& path, long mode) { add(StepKind::kMkdir, path).number = mode; }

  int tree(const ContainerMount& mount) {
    auto& step = add(StepKind::kTree, mount.host_path, mount.sub_path);
    step.read_only = mount.read_only;
    return step.slot = plan_.slots++;
  }

  void bind(const std::string& from, const std::string& to, bool read_only, bool may_fail = true) {
    auto& step = add(StepKind::kTree, from);
    step.slot = plan_.slots;
    step.read_only = read_only;
    step.may_fail = may_fail;
    auto& move = add(StepKind::kMove, to);
    move.slot = plan_.slots++;
    move.may_fail = may_fail;
  }

  void bind_file(const std::string& from, const std::string& to) {
    add(StepKind::kTouch, to).may_fail = true;
    bind(from, to, true);
  }

  void image_entries() {
    std::set<std::string> made;
    std::error_code ec;
    for (fs::directory_iterator it(lower_ + "/", ec), end; !ec && it != end; it.increment(ec)) {
      const std::string name = it->path().filename();
      if (contains(kKernel, name) || (request_.image->is_host() && contains(kHiddenOnHost, name))) continue;
      made.insert(name);
      entry(*it, name);
    }
    for (const char* name : {"dev", "proc", "sys", "etc", "run", "home"}) directory(root_ + "/" + name, 0755);
    if (made.count("tmp") == 0) directory(root_ + "/tmp", 01777);
    if (made.count("root") == 0) directory(root_ + "/root", 0700);
    writable_.insert(writable_.begin(), "/");
  }

  void entry(const fs::directory_entry& item, const std::string& name) {
    std::error_code ec;
    const std::string target = root_ + "/" + name;
    if (item.is_symlink(ec)) {
      add(StepKind::kSymlink, target, fs::read_symlink(item.path(), ec).string());
    } else if (item.is_directory(ec)) {
      top_directory(lower_ + "/" + name, target, name);
      writable_.push_back("/" + name);
    } else if (item.is_regular_file(ec)) {
      bind_file(item.path().string(), target);
    }
  }

  void top_directory(const std::string& lower, const std::string& target, const std::string& name) {
    struct stat info {};
    const long mode = ::stat(lower.c_str(), &info) == 0 ? static_cast<long>(info.st_mode & 07777U) : 0755;
    directory(target, mode);
    const std::size_t overlay = plan_.steps.size() + 2;
    if (request_.overlay) {
      const std::string upper = request_.staging + "/u/" + name, work = request_.staging + "/w/" + name;
      directory(upper, mode);
      directory(work, 0700);
      add(StepKind::kOverlay, target,
          fmt::format("lowerdir={},upperdir={},workdir={}", escape_option(lower), escape_option(upper),
                      escape_option(work)))
          .may_fail = request_.populate;
      if (!request_.populate) return;
    }
    add(StepKind::kTmpfs, target, fmt::format("mode={:o}", mode));
    std::error_code ec;
    for (fs::directory_iterator it(lower, ec), end; !ec && it != end; it.increment(ec)) {
      const std::string to = target + "/" + it->path().filename().string();
      std::error_code type;
      if (it->is_symlink(type)) {
        add(StepKind::kSymlink, to, fs::read_symlink(it->path(), type).string());
      } else if (it->is_directory(type)) {
        add(StepKind::kMkdir, to).number = 0755;
        bind(it->path().string(), to, true);
      } else if (it->is_regular_file(type)) {
        bind_file(it->path().string(), to);
      }
    }
    if (request_.overlay) plan_.steps[overlay].skip = static_cast<int>(plan_.steps.size() - overlay - 1);
  }

  // An overlay shows the lower file system without what is mounted inside it (a checkout mounted under /work, ...).
  void nested_host_mounts() {
    const auto mounts = read_file("/proc/self/mountinfo", 4u << 20);
    if (!mounts || !request_.overlay) return;
    const std::string node = request_.staging.substr(0, request_.staging.rfind('/') + 1);  // other pods' volumes
    std::size_t count = 0;
    for (const auto& line : split(*mounts, '\n')) {
      const auto fields = split(line, ' ');
      if (fields.size() < 6 || fields[4].find('\\') != std::string::npos) continue;
      const std::string& point = fields[4];
      const auto slash = point.find('/', 1);
      if (slash == std::string::npos || request_.staging.starts_with(point) || point.starts_with(node)) continue;
      const auto top = std::string_view(point).substr(1, slash - 1);
      if (contains(kKernel, top) || contains(kHiddenOnHost, top) || ++count > kMaxNestedMounts) continue;
      bind(point, root_ + point, true);
    }
  }

  void kernel_file_systems() {
    bind("/sys", root_ + "/sys", true);
    add(StepKind::kProc, root_ + "/proc");
    for (const char* name : {"sys", "irq", "bus", "sysrq-trigger"})  // read-only, as container runtimes have them
      bind(root_ + "/proc/" + name, root_ + "/proc/" + name, true);
    add(StepKind::kTmpfs, root_ + "/dev", "mode=0755,size=65536k");
    for (const auto name : kDevices) {
      const std::string device = fmt::format("/dev/{}", name);
      add(StepKind::kTouch, root_ + device);
      bind(device, root_ + device, false);
    }
    directory(root_ + "/dev/pts", 0755);
    add(StepKind::kDevpts, root_ + "/dev/pts").may_fail = true;
    add(StepKind::kSymlink, root_ + "/dev/ptmx", "pts/ptmx");
    directory(root_ + "/dev/shm", 01777);
    add(StepKind::kTmpfs, root_ + "/dev/shm", "mode=1777,size=65536k");
    add(StepKind::kSymlink, root_ + "/dev/fd", "/proc/self/fd");
    add(StepKind::kSymlink, root_ + "/dev/stdin", "/proc/self/fd/0");
    add(StepKind::kSymlink, root_ + "/dev/stdout", "/proc/self/fd/1");
    add(StepKind::kSymlink, root_ + "/dev/stderr", "/proc/self/fd/2");
  }

  const FileSystemRequest& request_;
  LaunchPlan& plan_;
  std::string root_, lower_;
  std::vector<std::string> writable_;
};

Result<void> try_machine(const std::string& staging, bool user_namespace, bool overlay, PodSockets* sockets = nullptr) {
  Image host;
  host.root = "/";
  FileSystemRequest request;
  request.image = &host;
  request.staging = staging;
  request.overlay = overlay;
  request.populate = !overlay || user_namespace;
  request.working_directory = "/";
  LaunchPlan plan;
  plan.user_namespace = user_namespace;
  plan.candidates = {"/bin/true", "/usr/bin/true"};
  plan.argv = {"true"};
  plan.sockets = sockets;
  plan_file_system(request, plan);
  auto process = launch(plan);
  if (!process) return process.error();
  pollfd wait{process->pidfd.get(), POLLIN, 0};
  if (poll(&wait, 1, 5'000) != 1) kill_process(*process, 9), poll(&wait, 1, 5'000);
  ExitState exit;
  if (!try_wait(*process, exit) || exit.code != 0)
    return make_error(ErrorCode::kUnavailable, fmt::format("/bin/true in a container ended with code {}", exit.code));
  return {};
}

}  // namespace

void plan_file_system(const FileSystemRequest& request, LaunchPlan& plan) { Builder(request, plan).build(); }

Isolation find_isolation(const std::string& staging, PodSockets& sockets) {
  Isolation result;
  for (const bool user_namespace : {false, true}) {
    if (!user_namespace && geteuid() != 0) continue;
    for (const bool overlay : {true, false}) {
      const auto tried = try_machine(staging, user_namespace, overlay);
      if (tried) {
        result = {};
        result.namespaces = true;
        result.user_namespace = user_namespace;
        result.overlay = overlay;
        result.own_addresses = PodSockets::possible() && try_machine(staging, user_namespace, overlay, &sockets).ok();
        return result;
      }
      if (result.reason.empty()) result.reason = tried.error().message;
    }
  }
  return result;
}

}  // namespace fracta::devcluster
