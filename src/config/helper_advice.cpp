// Token helpers are programs; a volume without x bits makes none of them run.
#include <array>

#include "config/volume_rules.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::config {
namespace {

constexpr const char* kHelperDirectory = "/opt/fracta/auth-helpers";
constexpr std::int64_t kAnyX = 0111, kKubernetesDefault = 0644;

bool some_item_runs(const Fields& source) {
  for (const Fields& item : source.items("items"))
    if ((item.integer("mode") & kAnyX) != 0) return true;
  return false;
}

void advise_source(const Fields& source, bool items_run) {
  const std::int64_t mode = source.integer("defaultMode", kKubernetesDefault);
  if ((mode & kAnyX) != 0 || items_run) return;
  source.errors().warning(source.has("defaultMode") ? source.path("defaultMode") : source.path(),
                          std::string(source.has("defaultMode") ? "has no x bit" : "has no defaultMode, so no x bit") +
                              ": none of the helpers in " + kHelperDirectory + " can be run; set defaultMode: 0755");
}

void advise_volume_of_helpers(const Fields& volume) {
  for (const char* kind : {"configMap", "secret"})
    if (volume.has(kind)) advise_source(volume.child(kind), some_item_runs(volume.child(kind)));
  if (!volume.has("projected")) return;
  bool items_run = false;
  for (const Fields& source : volume.child("projected").items("sources"))
    for (const char* kind : {"configMap", "secret"})
      items_run = items_run || (source.has(kind) && some_item_runs(source.child(kind)));
  advise_source(volume.child("projected"), items_run);
}

}  // namespace

void advise_helpers(const Json& volumes, const Json& mounts, FieldErrors& errors) {
  if (!volumes.is_array()) return;
  for (const Json& mount : mounts) {
    if (!mount.is_object()) continue;
    const Fields fields(&mount, "", errors);
    const std::string path = fields.text("mountPath");
    if (path != kHelperDirectory && path != std::string(kHelperDirectory) + "/") continue;
    for (std::size_t i = 0; i < volumes.size(); ++i) {
      if (!volumes[i].is_object()) continue;
      const Fields volume(&volumes[i], join_path("extra_volumes", i), errors);
      if (volume.text("name") == fields.text("name")) return advise_volume_of_helpers(volume);
    }
  }
}

}  // namespace fracta::config
