#include "fracta/config/volumes.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "config/schema.hpp"
#include "config/volume_rules.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::config {
namespace {

const Json& empty_object() {
  static const Json object = Json::object();
  return object;
}

void check_name(const Fields& volume, const std::string& name) {
  if (name.empty()) {
    volume.errors().required(volume.path("name"));
  } else {
    volume.errors().invalid_each(volume.path("name"), name, dns1123_label_errors(name));
  }
}

class VolumeList {
 public:
  explicit VolumeList(FieldErrors& errors) : errors_(errors) {
    names_.valid = built_in_volume_names();
    taken_.insert(names_.valid.begin(), names_.valid.end());
  }

  void add(const Json& item, const std::string& path) {
    // null is an object without fields to the API server.
    const Json& value = item.is_null() ? empty_object() : item;
    const std::size_t before = errors_.size();
    const Fields volume(&value, path, errors_);
    const std::string name = volume.text("name");
    if (check_schema(value, kVolumeSchema, path, errors_)) {
      check_volume_sources(volume, name);
      check_name(volume, name);
      if (taken_.count(name) != 0) errors_.duplicate(volume.path("name"), name);
      if (errors_.size() == before) advise_volume(volume);
    }
    const bool good = std::none_of(errors_.all().begin() + static_cast<std::ptrdiff_t>(before), errors_.all().end(),
                                   [](const Diagnostic& d) { return d.severity == Severity::kError; });
    if (name.empty()) return;
    taken_.insert(name);
    (good ? names_.valid : names_.broken).push_back(name);
    if (volume.has("image")) names_.images.push_back(name);
  }

  [[nodiscard]] const MountedVolumes& names() const { return names_; }

 private:
  FieldErrors& errors_;
  MountedVolumes names_;
  std::set<std::string> taken_;
};

}  // namespace

const std::vector<std::string>& built_in_volume_names() {
  static const std::vector<std::string> names = {kAgentConfigVolume, kAuthSecretVolume, kWorkspaceVolume};
  return names;
}

std::vector<Diagnostic> validate_extra_volumes(const Json& volumes, const Json& mounts, const VolumeContext& context) {
  FieldErrors errors;
  VolumeList list(errors);
  if (volumes.is_array()) {
    for (std::size_t i = 0; i < volumes.size(); ++i) list.add(volumes[i], join_path("extra_volumes", i));
  } else if (!volumes.is_null()) {
    errors.error("extra_volumes", "must be a list of Volume objects");
  }
  if (mounts.is_array()) {
    check_mounts(mounts, list.names(), context, errors);
    advise_mounts(mounts, context, errors);
    const bool good = std::none_of(errors.all().begin(), errors.all().end(),
                                   [](const Diagnostic& d) { return d.severity == Severity::kError; });
    if (good) advise_helpers(volumes, mounts, errors);
  } else if (!mounts.is_null()) {
    errors.error("extra_volume_mounts", "must be a list of VolumeMount objects");
  }
  return errors.take();
}

}  // namespace fracta::config
