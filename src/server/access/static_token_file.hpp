// The text of a static token file -> who is in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::server {

struct StaticCaller {
  std::string digest;  // SHA-256 of the token: the token itself is not kept
  std::string user;
  std::vector<std::string> roles;
};

// kInvalid names the line, never what stands there.
Result<std::vector<StaticCaller>> parse_static_tokens(std::string_view text);

// Nobody but its owner (and a trusted group) may read or change the file. In a mounted Secret the mode is the
// kubelet's and nobody else is in the container.
Result<void> check_private_file(const std::string& path);

}  // namespace fracta::server
