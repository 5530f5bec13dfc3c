#include <algorithm>
#include <array>
#include <set>

#include "config/schema.hpp"
#include "config/volume_rules.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::config {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void check_name(const Fields& mount, const MountedVolumes& volumes) {
  const std::string name = mount.text("name");
  if (name.empty()) mount.errors().required(mount.path("name"));
  if (name.empty() || contains(volumes.valid, name) || contains(volumes.broken, name)) return;
  std::vector<std::string> names = volumes.valid;
  names.insert(names.end(), volumes.broken.begin(), volumes.broken.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  constexpr std::size_t kMaxListed = 200;
  if (names.size() > kMaxListed) names.resize(kMaxListed);
  std::string message = "kubernetes.extra_volume_mounts[].name=\"" + shorten(name, 80) +
                        "\" references no defined volume; valid names: [" + join(names, ", ") + "]";
  const std::string close = name.size() <= 64 ? closest_match(name, names) : std::string();
  if (!close.empty()) message += "; did you mean \"" + close + "\"?";
  mount.errors().error(mount.path("name"), std::move(message));
}

void check_sub_paths(const Fields& mount, const MountedVolumes& volumes) {
  const std::string sub_path = mount.text("subPath");
  const std::string expression = mount.text("subPathExpr");
  if (contains(volumes.images, mount.text("name"))) {
    for (const char* key : {"subPath", "subPathExpr"}) {
      // Allowed from 1.33 on for subPath; older servers refuse both.
      if (!mount.text(key).empty()) {
        mount.errors().invalid(mount.path(key), mount.text(key), "not allowed in image volume sources");
      }
    }
  }
  if (!sub_path.empty()) check_local_descending_path(mount.path("subPath"), sub_path, mount.errors());
  if (expression.empty()) return;
  if (!sub_path.empty()) {
    mount.errors().invalid(mount.path("subPathExpr"), expression, "subPathExpr and subPath are mutually exclusive");
  }
  check_local_descending_path(mount.path("subPathExpr"), expression, mount.errors());
}

void check_propagation(const Fields& mount, const VolumeContext& context) {
  if (!mount.has("mountPropagation")) return;
  const std::string mode = mount.text("mountPropagation");
  const std::string at = mount.path("mountPropagation");
  if (mode != "Bidirectional" && mode != "HostToContainer" && mode != "None") {
    mount.errors().not_supported(at, mode, {"Bidirectional", "HostToContainer", "None"});
  }
  if (mode == "Bidirectional" && !context.privileged) {
    mount.errors().forbidden(at, "Bidirectional mount propagation is available only to privileged containers");
  }
}

void check_recursive_read_only(const Fields& mount) {
  if (!mount.has("recursiveReadOnly")) return;
  const std::string mode = mount.text("recursiveReadOnly");
  const std::string at = mount.path("recursiveReadOnly");
  if (mode == "Disabled") return;
  if (mode != "Enabled" && mode != "IfPossible") {
    return mount.errors().not_supported(at, mode, {"Disabled", "Enabled", "IfPossible"});
  }
  if (!mount.flag("readOnly")) mount.errors().forbidden(at, "may only be specified when readOnly is true");
  if (mount.text("mountPropagation", "None") != "None") {
    mount.errors().forbidden(at, "may only be specified when mountPropagation is None or not specified");
  }
}

}  // namespace

void check_mounts(const Json& mounts, const MountedVolumes& volumes, const VolumeContext& context,
                  FieldErrors& errors) {
  static const Json kEmpty = Json::object();
  std::set<std::string> paths = {"/etc/fracta", "/var/run/fracta-auth", context.workspace_mount_path};
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const std::string at = join_path("extra_volume_mounts", i);
    const Json& value = mounts[i].is_null() ? kEmpty : mounts[i];
    const Fields mount(&value, at, errors);
    if (!check_schema(value, kVolumeMountSchema, at, errors)) continue;
    check_name(mount, volumes);
    mount.require("mountPath");
    const std::string path = mount.text("mountPath");
    if (!paths.insert(path).second) errors.invalid(mount.path("mountPath"), path, "must be unique");
    check_sub_paths(mount, volumes);
    check_propagation(mount, context);
    check_recursive_read_only(mount);
  }
}

}  // namespace fracta::config
