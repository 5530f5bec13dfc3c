// What the API server accepts and an operator may regret. Warnings only.
#include <array>

#include "config/volume_rules.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::config {
namespace {

struct Removed {
  const char* source;
  const char* why;
};
constexpr std::array<Removed, 10> kRemoved = {{
    {"glusterfs", "the in-tree driver is gone since Kubernetes 1.26"},
    {"flocker", "the in-tree driver is gone since Kubernetes 1.25"},
    {"quobyte", "the in-tree driver is gone since Kubernetes 1.25"},
    {"storageos", "the in-tree driver is gone since Kubernetes 1.25"},
    {"photonPersistentDisk", "the in-tree driver is gone since Kubernetes 1.11"},
    {"scaleIO", "the in-tree driver is gone since Kubernetes 1.22"},
    {"cephfs", "the in-tree driver is gone since Kubernetes 1.31; use its CSI driver"},
    {"rbd", "the in-tree driver is gone since Kubernetes 1.31; use its CSI driver"},
    {"awsElasticBlockStore", "the in-tree driver is gone since Kubernetes 1.27; the CSI driver must be installed"},
    {"gcePersistentDisk", "the in-tree driver is gone since Kubernetes 1.28; the CSI driver must be installed"},
}};

void advise_tokens(const Fields& volume) {
  for (const Fields& source : volume.child("projected").items("sources")) {
    if (!source.has("serviceAccountToken")) continue;
    const Fields token = source.child("serviceAccountToken");
    volume.errors().warning(token.path(),
                            "gives agents a service account token: whatever that account may do, the agent may do");
    const std::string path = token.text("path");
    if (path.rfind('/', 0) == 0 || path.find("..") != std::string::npos) {
      volume.errors().warning(token.path("path"),
                              "not a path inside the volume; newer API servers (seen: 1.32) refuse it");
    }
  }
}

std::string without_end_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool is_inside(const std::string& path, const std::string& parent) {
  if (parent == "/") return path.size() > 1;
  return path.size() > parent.size() && path.rfind(parent, 0) == 0 && path[parent.size()] == '/';
}

const char* danger_of(const std::string& path) {
  struct Place {
    const char* path;
    const char* why;
  };
  constexpr std::array<Place, 8> kPlaces = {
      {{"/", "hides the whole image"},
       {"/proc", "hides the kernel's process information"},
       {"/sys", "hides the kernel's device information"},
       {"/dev", "hides the container's devices"},
       {"/etc", "hides the image's configuration, its CA certificates too"},
       {"/opt/fracta", "hides what the agent image keeps there"},
       {"/var/run/secrets/kubernetes.io/serviceaccount", "hides the pod's service account token"},
       {"/usr/local/bin", "hides the image's programs, fracta too"}}};
  for (const Place& place : kPlaces) {
    if (path == place.path) return place.why;
  }
  return nullptr;
}

void advise_mount(const Fields& mount, const std::vector<std::string>& others) {
  const std::string written = mount.text("mountPath");
  if (written.empty()) return;
  const std::string path = without_end_slash(written);
  const std::string at = mount.path("mountPath");
  FieldErrors& errors = mount.errors();
  if (path[0] != '/')
    errors.warning(at, "a relative path is taken from the container's root; write it with a leading /");
  if (path.find(':') != std::string::npos)
    errors.warning(at, "must not contain ':' according to the API; container runtimes refuse it");
  const auto steps = split(path, '/');
  if (std::find(steps.begin(), steps.end(), "..") != steps.end())
    errors.warning(at, "contains '..'; write the path it leads to");
  if (const char* why = danger_of(path)) errors.warning(at, std::string("a mount here ") + why);
  for (const std::string& other : others) {
    if (is_inside(path, other))
      errors.warning(at, "lies inside another mount, " + shorten(other, 100) +
                             "; the outer volume must have this directory or be writable");
    if (is_inside(other, path)) errors.warning(at, "hides or contains another mount, " + shorten(other, 100));
    if (other == path && written != path)
      errors.warning(at, "is the same directory as another mount, " + shorten(other, 100));
  }
  // The workspace is made to be written; its subPaths are ordinary directories.
  if (mount.text("name") == kWorkspaceVolume || mount.flag("readOnly")) return;
  for (const char* key : {"subPath", "subPathExpr"}) {
    if (mount.text(key).empty()) continue;
    errors.warning(
        mount.path(key),
        "a writable subPath: files changed in the volume's source never reach a running agent, and a link in "
        "it can lead elsewhere");
  }
}

}  // namespace

void advise_volume(const Fields& volume) {
  FieldErrors& errors = volume.errors();
  if (!has_any_source(volume)) {
    errors.warning(volume.path(),
                   "names no source; Kubernetes makes it an emptyDir. Write `emptyDir: {}` if that is meant");
  }
  if (volume.has("gitRepo")) {
    errors.warning(
        volume.path("gitRepo"),
        "deprecated and able to run commands as root on the node; clone in the agent or an init step instead");
  }
  if (volume.has("hostPath")) {
    errors.warning(volume.path("hostPath"),
                   "gives agents access to the node's files; Pod Security levels restricted and baseline refuse it");
  }
  advise_tokens(volume);
  for (const Removed& old : kRemoved) {
    if (volume.has(old.source)) errors.warning(volume.path(old.source), old.why);
  }
  const Fields empty_dir = volume.child("emptyDir");
  if (empty_dir.text("medium") == "Memory" && !empty_dir.has("sizeLimit")) {
    errors.warning(empty_dir.path(), "without sizeLimit files in memory can use up the container's memory limit");
  }
}

void advise_mounts(const Json& mounts, const VolumeContext& context, FieldErrors& errors) {
  std::vector<std::string> paths = {context.workspace_mount_path, "/etc/fracta", "/var/run/fracta-auth"};
  constexpr std::size_t kCompared = 200;  // a longer list is compared only so far: the work is quadratic
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    if (!mounts[i].is_object()) continue;
    const Fields mount(&mounts[i], join_path("extra_volume_mounts", i), errors);
    advise_mount(mount, paths);
    if (paths.size() < kCompared) paths.push_back(without_end_slash(mount.text("mountPath", "")));
  }
}

}  // namespace fracta::config
