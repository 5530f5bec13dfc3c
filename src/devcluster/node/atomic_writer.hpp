// A volume's files, replaced all at once: data in a time-stamped directory, `..data` pointing to it, and one symlink
// per top-level name. A reader sees the old set or the new one, never a mixture (pkg/volume/util/atomic_writer.go).
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

struct VolumeFile {
  std::string content;
  mode_t mode = 0644;
  std::optional<uid_t> owner;  // projected service-account tokens belong to the container's user
  bool operator==(const VolumeFile&) const = default;
};
using Payload = std::map<std::string, VolumeFile>;  // relative path -> file

// `mode` is the directory's own. Names that would leave it are refused.
Result<void> write_payload(const std::string& directory, mode_t mode, const Payload& payload,
                           std::optional<gid_t> group, SystemTime now);

}  // namespace fracta::devcluster
