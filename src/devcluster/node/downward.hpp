// fieldRef and resourceFieldRef, for environment variables and downwardAPI volumes
// (pkg/fieldpath, pkg/api/v1/resource of Kubernetes 1.26).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

struct NodeFacts {
  std::string name, host_ip;
  std::int64_t cpu_milli = 0, memory_bytes = 0, storage_bytes = 0;
};

Result<std::string> field_value(const Json& pod, std::string_view path, const NodeFacts& node, std::string_view pod_ip);
Result<std::string> resource_value(const Json& pod, const Json& reference, std::string_view own_container,
                                   const NodeFacts& node);

// The container (init or main) of that name, or null.
const Json* find_container(const Json& pod, std::string_view name);

}  // namespace fracta::devcluster
