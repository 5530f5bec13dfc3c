// The volumes of one pod: made before its containers start, kept up to date while they run.
// Not thread-safe: belongs to the pod's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devcluster/node/atomic_writer.hpp"
#include "devcluster/node/downward.hpp"
#include "devcluster/node/environment.hpp"
#include "devcluster/node/memory_directory.hpp"
#include "devcluster/node/root_file_system.hpp"
#include "devcluster/node/volume_payload.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

struct VolumeProblem {
  std::string volume, message;  // as after `MountVolume.SetUp failed for volume "x" : `
};

class Volumes {
 public:
  Volumes(Api& api, const NodeFacts& node, std::string pod_directory, std::string claims_directory)
      : api_(api), node_(node), directory_(std::move(pod_directory)), claims_(std::move(claims_directory)) {}
  Volumes(const Volumes&) = delete;
  Volumes& operator=(const Volumes&) = delete;

  // All volumes of the pod; what cannot be made (yet) is reported, the rest is in place.
  std::vector<VolumeProblem> set_up(const Json& pod, std::string_view pod_ip, SystemTime now);
  // ConfigMaps, Secrets, downward API: rewritten where their source changed. Errors keep the old content.
  void refresh(const Json& pod, std::string_view pod_ip, SystemTime now);

  // When a token in them has to be replaced; refresh() does it.
  [[nodiscard]] std::optional<SystemTime> renewal() const;

  // The pod is over: gives memory back. The rest goes with the pod's directory.
  void release() { memory_.clear(); }

  // Bytes in an emptyDir of that name.
  [[nodiscard]] std::int64_t usage(const std::string& name) const;

  // The mounts of a container.
  Result<std::vector<ContainerMount>> mounts(const Json& container, const Variables& variables) const;

 private:
  Result<void> set_up_one(const Json& pod, const Json& volume, std::string_view pod_ip, SystemTime now);
  Result<void> write_if_changed(const std::string& name, mode_t mode, const Json& pod, Payload payload, SystemTime now);
  Result<std::string> empty_dir(const Json& pod, const Json& volume);
  [[nodiscard]] std::string path_of(const std::string& name) const { return directory_ + "/volumes/" + name; }

  Api& api_;
  const NodeFacts& node_;
  std::string directory_, claims_;
  std::map<std::string, std::string> host_paths_;  // volume -> where it lives on this machine
  std::vector<std::unique_ptr<MemoryDirectory>> memory_;
  std::map<std::string, Payload> written_;
  TokenCache tokens_;
  std::map<std::string, bool> read_only_;  // volumes that can only be read, whatever the mount says
};

}  // namespace fracta::devcluster
