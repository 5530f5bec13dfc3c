// What the API server says about a volume's values, after kinds and field names were found right. One function per
// source; rules from pkg/apis/core/validation/validation.go of Kubernetes 1.26 (sources younger than that: 1.32), after
// the defaults of pkg/apis/core/v1/defaults.go.
#pragma once

#include <string>
#include <vector>

#include "config/fields.hpp"
#include "fracta/config/volumes.hpp"

namespace fracta::config {

// All sources of one volume: exactly one, and its own rules.
void check_volume_sources(const Fields& volume, const std::string& volume_name);
bool has_any_source(const Fields& volume);

// volume_files.cpp: sources made of API objects
void check_secret(const Fields& source);
void check_config_map(const Fields& source);
void check_downward_api(const Fields& source);
void check_key_to_path(const Fields& item);
void check_downward_api_file(const Fields& file, const std::string& path);
// volume_projected.cpp
void check_projected(const Fields& source);
void check_cluster_trust_bundle(const Fields& source);  // volume_certificates.cpp
void check_pod_certificate(const Fields& source);
// volume_claims.cpp
void check_ephemeral(const Fields& source);
// volume_network.cpp, volume_disks.cpp: storage backends
void check_nfs(const Fields& source);
void check_iscsi(const Fields& source);
void check_fc(const Fields& source);
void check_glusterfs(const Fields& source);
void check_rbd(const Fields& source);
void check_cephfs(const Fields& source);
void check_quobyte(const Fields& source);
void check_flocker(const Fields& source);
void check_csi(const Fields& source);
void check_flex_volume(const Fields& source);
void check_storageos(const Fields& source);
void check_scale_io(const Fields& source);
void check_cinder(const Fields& source);
void check_azure_file(const Fields& source);
void check_azure_disk(const Fields& source);
void check_disk_partition(const Fields& source, const std::string& id_key);  // gcePersistentDisk, awsElasticBlockStore

// label_selector.cpp
void check_label_selector(const Fields& selector);

// volume_mounts.cpp
struct MountedVolumes {
  std::vector<std::string> valid;   // names a mount may use, built-ins included
  std::vector<std::string> broken;  // declared, but with errors of their own
  std::vector<std::string> images;  // declared with an `image` source
};
void check_mounts(const Json& mounts, const MountedVolumes& volumes, const VolumeContext& context, FieldErrors& errors);

// volume_advice.cpp: legal but unwise
void advise_volume(const Fields& volume);
void advise_mounts(const Json& mounts, const VolumeContext& context, FieldErrors& errors);
// helper_advice.cpp; only where volumes and mounts have no errors
void advise_helpers(const Json& volumes, const Json& mounts, FieldErrors& errors);

}  // namespace fracta::config
