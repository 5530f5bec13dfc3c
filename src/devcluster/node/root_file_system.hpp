// The steps that assemble a container's file system from an image and mounts.
//
// Every top-level directory of the image becomes an overlay with a tmpfs on top, so that containers may write anywhere
// (/etc/fracta and other mount points that the image lacks are simply created) and nothing is left when the mount
// namespace goes. Where the kernel refuses the overlay, a tmpfs with one bind mount per entry takes its place. Of the
// host's own root /home, /root, /tmp, /run and the like are hidden: a container must not see the user's files.
#pragma once

#include <string>
#include <vector>

#include "devcluster/node/image.hpp"
#include "devcluster/node/launch.hpp"

namespace fracta::devcluster {

struct ContainerMount {
  std::string host_path;
  std::string sub_path;  // resolved beneath host_path whatever symlinks a container left there
  std::string container_path;
  bool is_directory = true;
  bool read_only = false;
};

// What this machine lets us do; found once by trying.
struct Isolation {
  bool namespaces = false;      // mount and pid namespaces, by being root or through a user namespace
  bool user_namespace = false;  // not root: one user only, whatever runAsUser says
  bool overlay = false;
  bool own_addresses = false;  // see pod_sockets.hpp
  std::string reason;          // why not, for the log and for CreateContainerError
};
Isolation find_isolation(const std::string& staging, PodSockets& sockets);

struct FileSystemRequest {
  const Image* image = nullptr;
  std::string staging;  // an existing directory; a private tmpfs hides it
  std::vector<ContainerMount> mounts;
  std::string working_directory;  // created when missing
  bool read_only_root = false;
  bool overlay = true;
  bool populate = true;                    // also prepare for the overlay to be refused
  std::vector<std::string> visible_files;  // host image: programs below a hidden directory to show anyway
};
void plan_file_system(const FileSystemRequest& request, LaunchPlan& plan);

}  // namespace fracta::devcluster
