// spec.volumes.
#include <fmt/format.h>

#include <algorithm>

#include "devcluster/validation/pod_parts.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/quantity.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

void require(const Json& source, const char* field, const std::string& path, FieldErrors& errors) {
  const Json* value = find(source, field);
  if (value == nullptr || value->is_null() || *value == "" || (value->is_array() && value->empty()))
    errors.required(path + "." + field);
}

void check_mode(const Json& source, const char* field, const std::string& path, FieldErrors& errors) {
  const auto mode = int_at(source, field);
  if (mode && (*mode < 0 || *mode > 0777)) errors.invalid(path + "." + field, *mode, kFileMode);
}

bool has_backstep(const std::string& value) {
  const auto parts = split(value, '/');
  return std::find(parts.begin(), parts.end(), "..") != parts.end();
}

void check_local_path(const std::string& value, const std::string& path, FieldErrors& errors) {
  validate_relative_path(value, path, errors);
  if (value.starts_with("..") && !value.starts_with("../")) errors.invalid(path, value, "must not start with '..'");
}

void check_items(const Json& source, const std::string& path, FieldErrors& errors) {
  const Json& items = list_at(source, "items");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string at = fmt::format("{}.items[{}]", path, i);
    require(items[i], "key", at, errors);
    require(items[i], "path", at, errors);
    check_local_path(string_at(items[i], "path"), at + ".path", errors);
    check_mode(items[i], "mode", at, errors);
  }
}

void check_host_path(const Json& source, const std::string& path, FieldErrors& errors) {
  const std::string value = string_at(source, "path");
  if (value.empty()) {
    errors.required(path + ".path");
    return;
  }
  if (has_backstep(value)) errors.invalid(path + ".path", value, "must not contain '..'");
  static const std::vector<std::string> kTypes = {
      "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"};
  const std::string type = string_at(source, "type");
  if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) errors.not_supported(path + ".type", type, kTypes);
}

// Paths of all sources of one projected volume share a directory.
void check_projected_paths(const Json& source, const std::string& value, const std::string& path,
                           std::set<std::string>& seen, FieldErrors& errors) {
  for (const Json& item : list_at(source, "items")) {
    const std::string file = string_at(item, "path");
    if (!file.empty() && !seen.insert(file).second)
      errors.invalid(path, value.empty() ? file : value, "conflicting duplicate paths");
  }
}

void check_token_source(const Json& token, const std::string& path, const std::string& volume_path,
                        FieldErrors& errors) {
  const std::int64_t seconds = int_at(token, "expirationSeconds").value_or(3600);
  if (seconds < 600)
    errors.invalid(path + ".expirationSeconds", seconds, "may not specify a duration less than 10 minutes");
  if (seconds > (std::int64_t{1} << 32))
    errors.invalid(path + ".expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds");
  if (string_at(token, "path").empty()) errors.required(volume_path + ".path");
}

void check_projected(const Json& projected, const std::string& path, FieldErrors& errors) {
  check_mode(projected, "defaultMode", path, errors);
  std::set<std::string> seen;
  const Json& sources = list_at(projected, "sources");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string at = fmt::format("{}.sources[{}]", path, i);
    int count = 0;
    for (const char* name : {"secret", "configMap"}) {
      const Json* source = find(sources[i], name);
      if (source == nullptr) continue;
      ++count;
      require(*source, "name", at + "." + name, errors);
      check_items(*source, at + "." + name, errors);
      check_projected_paths(*source, string_at(*source, "name"), path, seen, errors);
    }
    if (const Json* downward = find(sources[i], "downwardAPI")) {
      ++count;
      for (const Json& item : list_at(*downward, "items")) validate_downward_item(item, at + ".downwardAPI", errors);
      check_projected_paths(*downward, "", path, seen, errors);
    }
    if (const Json* token = find(sources[i], "serviceAccountToken")) {
      ++count;
      check_token_source(*token, at + ".serviceAccountToken", path, errors);
    }
    if (count > 1) errors.forbidden(at, "may not specify more than 1 volume type");
  }
}

void check_claim_template(const Json& source, const std::string& path, FieldErrors& errors) {
  const Json* claim = find(source, "volumeClaimTemplate");
  if (claim == nullptr) {
    errors.required(path + ".volumeClaimTemplate");
    return;
  }
  const std::string spec = path + ".volumeClaimTemplate.spec";
  const Json* modes = find_path(*claim, "spec/accessModes");
  if (modes == nullptr || modes->empty()) errors.required(spec + ".accessModes", "at least 1 access mode is required");
  if (find_path(*claim, "spec/resources/requests/storage") == nullptr) errors.required(spec + ".resources[storage]");
}

void check_csi(const Json& source, const std::string& path, FieldErrors& errors) {
  const std::string driver = string_at(source, "driver");
  if (driver.empty()) errors.required(path + ".driver");
  for (const std::string& problem : dns1123_subdomain_errors(to_lower(driver)))
    errors.invalid(path + ".driver", driver, problem);
  if (const Json* secret = find(source, "nodePublishSecretRef");
      secret != nullptr && string_at(*secret, "name").empty())
    errors.required(path + ".nodePublishSecretRef.name");
}

void check_nfs(const Json& source, const std::string& path, FieldErrors& errors) {
  require(source, "server", path, errors);
  require(source, "path", path, errors);
  const std::string value = string_at(source, "path");
  if (!value.starts_with('/')) errors.invalid(path + ".path", value, "must be an absolute path");
}

using SourceCheck = void (*)(const Json&, const std::string&, FieldErrors&);

void check_empty_dir(const Json& source, const std::string& path, FieldErrors& errors) {
  const auto limit = Quantity::parse(string_at(source, "sizeLimit", "0"));
  if (limit.ok() && limit->negative())
    errors.forbidden(path + ".sizeLimit", "SizeLimit field must be a valid resource quantity");
}
void check_iscsi(const Json& source, const std::string& path, FieldErrors& errors) {
  require(source, "targetPortal", path, errors);
  require(source, "iqn", path, errors);
}
void check_fc(const Json& source, const std::string& path, FieldErrors& errors) {
  const bool names = !list_at(source, "targetWWNs").empty();
  const bool ids = !list_at(source, "wwids").empty();
  if (names == ids) errors.required(path + ".targetWWNs", "must specify either targetWWNs or wwids, but not both");
  if (names && !int_at(source, "lun")) errors.required(path + ".lun", "lun is required if targetWWNs is specified");
}
void check_flocker(const Json& source, const std::string& path, FieldErrors& errors) {
  if (string_at(source, "datasetName").empty() && string_at(source, "datasetUUID").empty()) {
    errors.required(path, "one of datasetName and datasetUUID is required");
  }
}
void check_quobyte(const Json& source, const std::string& path, FieldErrors& errors) {
  if (string_at(source, "registry").empty())
    errors.required(path + ".registry", "must be a host:port pair or multiple pairs separated by commas");
  require(source, "volume", path, errors);
}
void check_git_repo(const Json& source, const std::string& path, FieldErrors& errors) {
  require(source, "repository", path, errors);
  const std::string directory = string_at(source, "directory");
  validate_relative_path(directory, path + ".directory", errors);
}
void check_secret(const Json& source, const std::string& path, FieldErrors& errors) {
  require(source, "secretName", path, errors);
  check_mode(source, "defaultMode", path, errors);
  check_items(source, path, errors);
}
void check_config_map(const Json& source, const std::string& path, FieldErrors& errors) {
  require(source, "name", path, errors);
  check_mode(source, "defaultMode", path, errors);
  check_items(source, path, errors);
}
void check_claim(const Json& source, const std::string& path, FieldErrors& errors) {
  require(source, "claimName", path, errors);
}
void check_downward(const Json& source, const std::string& path, FieldErrors& errors) {
  check_mode(source, "defaultMode", path, errors);
  for (const Json& item : list_at(source, "items")) validate_downward_item(item, path, errors);
}
template <const char*... Fields>
void check_required(const Json& source, const std::string& path, FieldErrors& errors) {
  (require(source, Fields, path, errors), ...);
}
constexpr char kPdName[] = "pdName", kVolumeId[] = "volumeID", kEndpoints[] = "endpoints", kPath[] = "path",
               kMonitors[] = "monitors", kImage[] = "image", kDriver[] = "driver", kSecretName[] = "secretName",
               kShareName[] = "shareName", kVolumePath[] = "volumePath", kPdId[] = "pdID", kDiskName[] = "diskName",
               kDiskUri[] = "diskURI", kGateway[] = "gateway", kSystem[] = "system", kVolumeName[] = "volumeName";

struct Source {
  const char* name;
  const char* path;  // as messages write it
  SourceCheck check;
};

// In the order in which a real server looks: of several sources all but the first are refused.
constexpr Source kSources[] = {
    {"emptyDir", "emptyDir", check_empty_dir},
    {"hostPath", "hostPath", check_host_path},
    {"gitRepo", "gitRepo", check_git_repo},
    {"gcePersistentDisk", "persistentDisk", check_required<kPdName>},
    {"awsElasticBlockStore", "awsElasticBlockStore", check_required<kVolumeId>},
    {"secret", "secret", check_secret},
    {"nfs", "nfs", check_nfs},
    {"iscsi", "iscsi", check_iscsi},
    {"glusterfs", "glusterfs", check_required<kEndpoints, kPath>},
    {"flocker", "flocker", check_flocker},
    {"persistentVolumeClaim", "persistentVolumeClaim", check_claim},
    {"rbd", "rbd", check_required<kMonitors, kImage>},
    {"cinder", "cinder", check_required<kVolumeId>},
    {"cephfs", "cephfs", check_required<kMonitors>},
    {"quobyte", "quobyte", check_quobyte},
    {"downwardAPI", "downwardAPI", check_downward},
    {"fc", "fc", check_fc},
    {"flexVolume", "flexVolume", check_required<kDriver>},
    {"configMap", "configMap", check_config_map},
    {"azureFile", "azureFile", check_required<kSecretName, kShareName>},
    {"vsphereVolume", "vsphereVolume", check_required<kVolumePath>},
    {"photonPersistentDisk", "photonPersistentDisk", check_required<kPdId>},
    {"portworxVolume", "portworxVolume", check_required<kVolumeId>},
    {"azureDisk", "azureDisk", check_required<kDiskName, kDiskUri>},
    {"storageos", "storageos", check_required<kVolumeName>},
    {"projected", "projected", check_projected},
    {"scaleIO", "scaleIO", check_required<kGateway, kSystem, kVolumeName>},
    {"csi", "csi", check_csi},
    {"ephemeral", "ephemeral", check_claim_template},
};

void check_source(const Json& volume, const std::string& path, FieldErrors& errors) {
  int count = 0;
  for (const Source& source : kSources) {
    const Json* value = find(volume, source.name);
    if (value == nullptr || value->is_null()) continue;
    if (count++ > 0) {
      errors.forbidden(path + "." + source.name, "may not specify more than 1 volume type");
    } else if (source.check != nullptr) {
      source.check(*value, path + "." + source.path, errors);
    }
  }
  if (count == 0) errors.required(path, "must specify a volume type");
}

}  // namespace

void validate_relative_path(const std::string& value, const std::string& path, FieldErrors& errors) {
  if (value.starts_with('/')) errors.invalid(path, value, "must be a relative path");
  if (has_backstep(value)) errors.invalid(path, value, "must not contain '..'");
}

void validate_downward_item(const Json& item, const std::string& path, FieldErrors& errors) {
  static const std::vector<std::string> kFields = {"metadata.annotations", "metadata.labels", "metadata.name",
                                                   "metadata.namespace", "metadata.uid"};
  require(item, "path", path, errors);
  check_local_path(string_at(item, "path"), path + ".path", errors);
  const Json* field = find(item, "fieldRef");
  const Json* resource = find(item, "resourceFieldRef");
  if (field != nullptr) {
    validate_field_ref(*field, path + ".fieldRef", kFields, errors);
    if (resource != nullptr)
      errors.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
  } else if (resource != nullptr) {
    validate_resource_ref(*resource, path + ".resourceFieldRef", true, errors);
  } else {
    errors.required(path, "one of fieldRef and resourceFieldRef is required");
  }
  check_mode(item, "mode", path, errors);
}

std::set<std::string> validate_volumes(const Json& volumes, const std::string& path, const std::string& pod_name,
                                       FieldErrors& errors) {
  std::set<std::string> names;
  std::set<std::string> created;
  for (const Json& volume : volumes) {
    if (!pod_name.empty() && find(volume, "ephemeral") != nullptr)
      created.insert(pod_name + "-" + string_at(volume, "name"));
  }
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", path, i);
    const std::size_t before = errors.causes().size();
    const std::string name = string_at(volumes[i], "name");
    check_source(volumes[i], at, errors);
    if (name.empty())
      errors.required(at + ".name");
    else
      for (const std::string& problem : dns1123_label_errors(name)) errors.invalid(at + ".name", name, problem);
    if (names.contains(name)) errors.duplicate(at + ".name", name);
    if (errors.causes().size() == before) names.insert(name);
    const std::string claim = string_at(volumes[i], "persistentVolumeClaim/claimName");
    if (created.contains(claim))
      errors.invalid(at + ".persistentVolumeClaim.claimName", claim,
                     "must not reference a PVC that gets created for an ephemeral volume");
  }
  return names;
}

}  // namespace fracta::devcluster
