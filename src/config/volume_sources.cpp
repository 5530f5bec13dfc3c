#include <array>

#include "config/volume_rules.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/quantity.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

void check_empty_dir(const Fields& source) {
  const Json* limit = source.value("sizeLimit");
  if (limit == nullptr) return;
  const auto size = Quantity::parse(trim(limit->is_string() ? limit->get<std::string>() : dump_json(*limit)));
  if (size && size->negative()) {
    source.errors().forbidden(source.path("sizeLimit"), "SizeLimit field must be a valid resource quantity");
  }
}

void check_host_path(const Fields& source) {
  const std::string path = source.text("path");
  if (path.empty()) return source.errors().required(source.path("path"));
  check_no_backsteps(source.path("path"), path, source.errors());
  const std::vector<std::string> types = {"",     "BlockDevice",  "CharDevice", "Directory", "DirectoryOrCreate",
                                          "File", "FileOrCreate", "Socket"};
  const std::string type = source.text("type");
  if (std::find(types.begin(), types.end(), type) == types.end()) {
    source.errors().not_supported(source.path("type"), type, types);
  }
}

void check_git_repo(const Fields& source) {
  source.require("repository");
  check_local_descending_path(source.path("directory"), source.text("directory"), source.errors());
}

void check_image(const Fields& source) {
  source.require("reference");
  const std::string policy = source.text("pullPolicy");
  if (policy.empty() || policy == "Always" || policy == "IfNotPresent" || policy == "Never") return;
  source.errors().not_supported(source.path("pullPolicy"), policy, {"Always", "IfNotPresent", "Never"});
}

void check_claim(const Fields& source) { source.require("claimName"); }
void check_vsphere(const Fields& source) { source.require("volumePath"); }
void check_photon(const Fields& source) { source.require("pdID"); }
void check_portworx(const Fields& source) { source.require("volumeID"); }
void check_gce(const Fields& source) { check_disk_partition(source, "pdName"); }
void check_aws(const Fields& source) { check_disk_partition(source, "volumeID"); }

struct Source {
  const char* name;
  void (*check)(const Fields&);
};

// In the order the API server looks at them: the first one present is the volume's type, any other is one too many.
constexpr std::array<Source, 30> kSources = {{{"emptyDir", check_empty_dir},
                                              {"hostPath", check_host_path},
                                              {"gitRepo", check_git_repo},
                                              {"gcePersistentDisk", check_gce},
                                              {"awsElasticBlockStore", check_aws},
                                              {"secret", check_secret},
                                              {"nfs", check_nfs},
                                              {"iscsi", check_iscsi},
                                              {"glusterfs", check_glusterfs},
                                              {"flocker", check_flocker},
                                              {"persistentVolumeClaim", check_claim},
                                              {"rbd", check_rbd},
                                              {"cinder", check_cinder},
                                              {"cephfs", check_cephfs},
                                              {"quobyte", check_quobyte},
                                              {"downwardAPI", check_downward_api},
                                              {"fc", check_fc},
                                              {"flexVolume", check_flex_volume},
                                              {"configMap", check_config_map},
                                              {"azureFile", check_azure_file},
                                              {"vsphereVolume", check_vsphere},
                                              {"photonPersistentDisk", check_photon},
                                              {"portworxVolume", check_portworx},
                                              {"azureDisk", check_azure_disk},
                                              {"storageos", check_storageos},
                                              {"projected", check_projected},
                                              {"scaleIO", check_scale_io},
                                              {"csi", check_csi},
                                              {"ephemeral", check_ephemeral},
                                              {"image", check_image}}};

void check_initiator_length(const Fields& iscsi, const Fields& volume, const std::string& name) {
  constexpr std::size_t kMax = 64;
  if (!iscsi.has("initiatorName") || name.size() + 1 + iscsi.text("targetPortal").size() <= kMax) return;
  volume.errors().invalid(volume.path("name"), name,
                          "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if "
                          "iscsi.initiatorName is specified.");
}

}  // namespace

bool has_any_source(const Fields& volume) {
  return std::any_of(kSources.begin(), kSources.end(), [&](const Source& source) { return volume.has(source.name); });
}

// A volume without any source is an emptyDir: the server sets that default before it validates.
void check_volume_sources(const Fields& volume, const std::string& volume_name) {
  bool found = false;
  for (const Source& source : kSources) {
    if (!volume.has(source.name)) continue;
    if (found) {
      volume.errors().forbidden(volume.path(source.name), "may not specify more than 1 volume type");
    } else {
      source.check(volume.child(source.name));
    }
    found = true;
  }
  if (volume.has("iscsi")) check_initiator_length(volume.child("iscsi"), volume, volume_name);
}

}  // namespace fracta::config
