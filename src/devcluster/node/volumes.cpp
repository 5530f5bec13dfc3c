#include "devcluster/node/volumes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "devcluster/node/storage_usage.hpp"
#include "devcluster/node/volume_payload.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/quantity.hpp"

namespace fracta::devcluster {
namespace {

Json list_at(const Json& object, std::string_view path) {
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_array() ? *found : Json::array();
}

std::optional<gid_t> fs_group(const Json& pod) {
  const auto group = int_at(pod, "spec/securityContext/fsGroup");
  return group ? std::optional<gid_t>(static_cast<gid_t>(*group)) : std::nullopt;
}

Result<void> empty_directory(const std::string& path, std::optional<gid_t> group) {
  FRACTA_TRY(make_directories(path, 0777));
  if (group) (void)!::chown(path.c_str(), static_cast<uid_t>(-1), *group);
  // Past the umask; with fsGroup also setgid, so that what is made inside belongs to the group.
  if (::chmod(path.c_str(), group ? 02777 : 0777) != 0)
    return make_error(ErrorCode::kInternal, fmt::format("chmod {}: {}", path, std::strerror(errno)));
  return {};
}

// pkg/volume/hostpath: the check of `type`.
Result<void> host_path(const std::string& path, const std::string& type) {
  struct stat info {};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  const auto wrong = [&](std::string_view what) {
    return make_error(ErrorCode::kInvalid, fmt::format("hostPath type check failed: {} is not {}", path, what));
  };
  if (type == "DirectoryOrCreate" || type.empty()) {
    if (!exists) return make_directories(path, 0755);
    return type.empty() || S_ISDIR(info.st_mode) ? Result<void>{} : Result<void>{wrong("a directory")};
  }
  if (type == "FileOrCreate") {
    if (!exists) {
      const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
      return fd.valid() ? Result<void>{}
                        : Result<void>{
                              make_error(ErrorCode::kInvalid, fmt::format("open {}: {}", path, std::strerror(errno)))};
    }
    return S_ISREG(info.st_mode) ? Result<void>{} : Result<void>{wrong("a file")};
  }
  if (type == "Directory") return exists && S_ISDIR(info.st_mode) ? Result<void>{} : Result<void>{wrong("a directory")};
  if (type == "File") return exists && S_ISREG(info.st_mode) ? Result<void>{} : Result<void>{wrong("a file")};
  if (type == "Socket") return exists && S_ISSOCK(info.st_mode) ? Result<void>{} : Result<void>{wrong("a socket")};
  if (type == "CharDevice")
    return exists && S_ISCHR(info.st_mode) ? Result<void>{} : Result<void>{wrong("a character device")};
  if (type == "BlockDevice")
    return exists && S_ISBLK(info.st_mode) ? Result<void>{} : Result<void>{wrong("a block device")};
  return make_error(ErrorCode::kInvalid, fmt::format("{} is an invalid volume type", type));
}

std::string source_kind(const Json& volume) {
  for (const auto& [key, value] : volume.items())
    if (key != "name" && !value.is_null()) return key;
  return "emptyDir";
}

// Below `base` whatever symlinks a container may have left there.
Result<UniqueFd> open_beneath(const std::string& base, const std::string& path) {
  const UniqueFd directory(::open(base.c_str(), O_PATH | O_CLOEXEC | O_DIRECTORY));
  if (!directory.valid())
    return make_error(ErrorCode::kInvalid, fmt::format("open {}: {}", base, std::strerror(errno)));
  struct open_how how {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  std::string so_far;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && path[i] != '/') continue;
    so_far = path.substr(0, i);
    if (so_far.empty()) continue;
    long fd = ::syscall(SYS_openat2, directory.get(), so_far.c_str(), &how, sizeof how);
    if (fd < 0 && errno == ENOENT) {  // a kubelet makes the missing directories of a subPath
      const auto slash = so_far.rfind('/');
      const std::string parent = slash == std::string::npos ? "." : so_far.substr(0, slash);
      const long at = ::syscall(SYS_openat2, directory.get(), parent.c_str(), &how, sizeof how);
      const UniqueFd parent_fd(static_cast<int>(at));
      const std::string leaf = slash == std::string::npos ? so_far : so_far.substr(slash + 1);
      if (at >= 0 && ::mkdirat(parent_fd.get(), leaf.c_str(), 0777) == 0)
        fd = ::syscall(SYS_openat2, directory.get(), so_far.c_str(), &how, sizeof how);
    }
    if (fd < 0) return make_error(ErrorCode::kInvalid, fmt::format("subPath {}: {}", path, std::strerror(errno)));
    UniqueFd opened(static_cast<int>(fd));
    if (i == path.size()) return opened;
  }
  return make_error(ErrorCode::kInvalid, "empty subPath");
}

std::size_t depth(const std::string& path) {
  return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

}  // namespace

std::vector<VolumeProblem> Volumes::set_up(const Json& pod, std::string_view pod_ip, SystemTime now) {
  std::vector<VolumeProblem> problems;
  for (const auto& volume : list_at(pod, "spec/volumes"))
    if (auto made = set_up_one(pod, volume, pod_ip, now); !made)
      problems.push_back({string_at(volume, "name"), made.error().message});
  return problems;
}

Result<std::string> Volumes::empty_dir(const Json& pod, const Json& volume) {
  std::string path = path_of(string_at(volume, "name"));
  FRACTA_TRY(make_directories(path, 0777));
  if (string_at(volume, "emptyDir/medium") == "Memory") {
    const auto limit = Quantity::parse(string_at(volume, "emptyDir/sizeLimit", "0"));
    memory_.push_back(std::make_unique<MemoryDirectory>(path, limit ? limit->value() : 0));
    path = memory_.back()->path();
  }
  FRACTA_TRY(empty_directory(path, fs_group(pod)));
  return path;
}

std::int64_t Volumes::usage(const std::string& name) const {
  const auto found = host_paths_.find(name);
  return found == host_paths_.end() ? 0 : directory_usage(found->second);
}

std::optional<SystemTime> Volumes::renewal() const {
  std::optional<SystemTime> first;
  for (const auto& [key, token] : tokens_)
    if (!first || token.renew_at < *first) first = token.renew_at;
  return first;
}

void Volumes::refresh(const Json& pod, std::string_view pod_ip, SystemTime now) {
  for (const auto& volume : list_at(pod, "spec/volumes"))
    if (has_payload(volume)) (void)set_up_one(pod, volume, pod_ip, now).ok();
}

Result<void> Volumes::write_if_changed(const std::string& name, mode_t mode, const Json& pod, Payload payload,
                                       SystemTime now) {
  const auto old = written_.find(name);
  if (old != written_.end() && old->second == payload) return {};
  FRACTA_TRY(write_payload(path_of(name), mode, payload, fs_group(pod), now));
  written_[name] = std::move(payload);
  return {};
}

Result<void> Volumes::set_up_one(const Json& pod, const Json& volume, std::string_view pod_ip, SystemTime now) {
  const std::string name = string_at(volume, "name");
  if (has_payload(volume)) {
    auto payload = make_payload({&api_, &pod, &node_, pod_ip, now, &tokens_}, volume);
    if (!payload) return payload.error();
    host_paths_[name] = path_of(name);
    read_only_[name] = true;  // since 1.9 (kubernetes/kubernetes#58720)
    // A kubelet keeps all of these but ConfigMaps in memory, and a tmpfs is sticky.
    const mode_t mode = volume.contains("configMap") ? 0777 : 01777;
    return write_if_changed(name, mode, pod, std::move(*payload), now);
  }
  if (host_paths_.count(name) != 0) return {};
  const std::string kind = source_kind(volume);
  std::string path = path_of(name);
  if (kind == "emptyDir") {
    auto made = empty_dir(pod, volume);
    if (!made) return made.error();
    path = *made;
  } else if (kind == "hostPath") {
    path = string_at(volume, "hostPath/path");
    FRACTA_TRY(host_path(path, string_at(volume, "hostPath/type")));
  } else if (kind == "persistentVolumeClaim") {
    const std::string claim = string_at(volume, "persistentVolumeClaim/claimName");
    auto found = api_.get("persistentvolumeclaims", string_at(pod, "metadata/namespace"), claim);
    if (!found) return found.error();
    if (string_at(**found, "status/phase") != "Bound")
      return make_error(ErrorCode::kUnavailable, fmt::format("PVC {} is not bound", claim));
    path = claims_ + "/" + string_at(**found, "metadata/uid");
    FRACTA_TRY(empty_directory(path, fs_group(pod)));
    read_only_[name] = bool_at(volume, "persistentVolumeClaim/readOnly");
  } else {
    return make_error(ErrorCode::kInvalid, fmt::format("the development cluster has no driver for {} volumes", kind));
  }
  host_paths_[name] = path;
  return {};
}

Result<std::vector<ContainerMount>> Volumes::mounts(const Json& container, const Variables& variables) const {
  std::vector<ContainerMount> result;
  for (const auto& mount : list_at(container, "volumeMounts")) {
    const std::string name = string_at(mount, "name");
    const auto source = host_paths_.find(name);
    if (source == host_paths_.end())
      return make_error(ErrorCode::kInternal, fmt::format("volume {} is not mounted", name));
    const auto forced = read_only_.find(name);
    ContainerMount one{source->second, "", string_at(mount, "mountPath"), true, bool_at(mount, "readOnly")};
    one.read_only = one.read_only || (forced != read_only_.end() && forced->second);
    if (one.container_path.empty() || one.container_path.front() != '/') one.container_path.insert(0, "/");
    std::string sub_path = string_at(mount, "subPath");
    if (const auto expression = string_at(mount, "subPathExpr"); !expression.empty())
      sub_path = expand(expression, variables);
    struct stat info {};
    if (!sub_path.empty()) {
      auto opened = open_beneath(source->second, sub_path);
      if (!opened)
        return make_error(ErrorCode::kInvalid,
                          fmt::format("failed to prepare subPath for volumeMount \"{}\" of container \"{}\"", name,
                                      string_at(container, "name")));
      one.sub_path = sub_path;
      one.is_directory = ::fstat(opened->get(), &info) == 0 && S_ISDIR(info.st_mode);
    } else {
      one.is_directory = ::stat(source->second.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    }
    result.push_back(std::move(one));
  }
  // Outer mount points first, as container runtimes sort them.
  std::stable_sort(result.begin(), result.end(),
                   [](const auto& a, const auto& b) { return depth(a.container_path) < depth(b.container_path); });
  return result;
}

}  // namespace fracta::devcluster
