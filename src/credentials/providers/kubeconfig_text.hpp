// The text of a kubeconfig, checked for what an agent can use inside its container. Rules: client-go tools/clientcmd
// (loading, validation.go); what is refused beyond them stands in docs/credentials.md, "kubeconfig".
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/credentials/provider.hpp"

namespace fracta::credentials {

inline constexpr std::string_view kFlattenHint = "kubectl config view --flatten --minify --raw";

// kInvalid: no YAML, too large, or not shaped like a kubeconfig.
Result<std::shared_ptr<const Json>> parse_kubeconfig(const std::string& text);

// Name -> the object below `inner`, for one of the three lists: ("clusters", "cluster").
using NamedEntries = std::map<std::string, const Json*, std::less<>>;
Result<NamedEntries> named_entries(const Json& kubeconfig, std::string_view list, std::string_view inner);

// Base64 as client-go reads it: line breaks inside are fine. kInvalid names `place`.
Result<std::string> decode_data(std::string_view place, std::string_view base64);

// One cluster, one user. Adds warnings; `expires_at` becomes the earlier of itself and what the entry says.
struct EntryCheck {
  const ValidationOptions& options;
  std::vector<std::string>& warnings;
  std::optional<std::chrono::system_clock::time_point> expires_at;
  // "x expires on DATE" when that is near, "x expired on DATE" when it has passed.
  void note_end(const std::string& what, std::chrono::system_clock::time_point end);
};
Result<void> check_cluster(const std::string& name, const Json& cluster, EntryCheck& check);
Result<void> check_user(const std::string& name, const Json& user, EntryCheck& check);

// "clusters["x"].cluster.server"
std::string place_of(std::string_view list, std::string_view name, std::string_view inner, std::string_view key);

}  // namespace fracta::credentials
