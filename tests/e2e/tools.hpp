// Programs for agents without an image that has them.
#pragma once

#include <string>

#include "e2e/world.hpp"

namespace fracta::e2e {

// A directory of this machine as /tools, in place of programs that an image would have.
inline std::string with_tools(const std::string& directory) {
  std::string extras = kAuthHelpersMount;
  const std::string mounts = "    extra_volume_mounts:\n";
  extras.insert(extras.find(mounts) + mounts.size(), "      - {name: tools, mountPath: /tools, readOnly: true}\n");
  extras.insert(extras.find(mounts), "      - {name: tools, hostPath: {path: \"" + directory + "\"}}\n");
  return extras;
}
inline constexpr const char* kToolsPath = "/tools:/usr/local/bin:/usr/bin:/bin";

}  // namespace fracta::e2e
