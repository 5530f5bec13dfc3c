// Image names -> root file systems on this machine. The development cluster pulls nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::devcluster {

// The fields of an OCI image config that decide what runs.
struct Image {
  std::string root;  // directory; "/" is the host's own
  std::vector<std::string> entrypoint, cmd, environment;
  std::string working_directory, user;  // user: "", "1000", "1000:1000", "name", "name:group"
  [[nodiscard]] bool is_host() const { return root == "/"; }
};

class Images {
 public:
  // Directories as Options::images has them: a root file system, or a folder with `rootfs/` and an optional
  // `image.json` ({"Entrypoint":[],"Cmd":[],"Env":[],"WorkingDir":"","User":""}).
  Images(std::map<std::string, std::string> directories, bool any_is_host, std::vector<std::string> host_entrypoint);

  // Empty: this machine has no such image. An error: its image.json cannot be used.
  [[nodiscard]] Result<std::optional<Image>> find(std::string_view name) const;

 private:
  std::map<std::string, std::string> directories_;
  bool any_is_host_;
  std::vector<std::string> host_entrypoint_;
};

// The reference grammar of distribution/reference as far as a kubelet's InvalidImageName needs it.
bool is_image_reference(std::string_view name);

// A user of the image ("", "1000", "name:group") with its home directory, looked up in the image's /etc/passwd and
// /etc/group. Empty when a name is unknown there.
struct ImageUser {
  unsigned uid = 0, gid = 0;
  std::string home = "/";
  std::vector<unsigned> groups;
};
std::optional<ImageUser> find_user(const Image& image, std::string_view user);

}  // namespace fracta::devcluster
