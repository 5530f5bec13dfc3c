// Jobs of completionMode Indexed: every index 0 ... completions-1 succeeds once (pkg/controller/job of
// Kubernetes 1.26).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

using Indexes = std::set<std::int64_t>;

bool is_indexed(const Json& job);
// status.completedIndexes: "1,3-5,7". What is not a number is left out, as is what is not below `completions`.
Indexes parse_indexes(const std::string& text, std::int64_t completions);
std::string format_indexes(const Indexes& indexes);
std::optional<std::int64_t> completion_index(const Json& pod);

// The lowest `count` indexes that neither succeeded nor run.
std::vector<std::int64_t> pending_indexes(const Indexes& succeeded, const std::vector<Object>& active,
                                          std::int64_t completions, std::int64_t count);
// Of active pods, those whose index another has too, or that no longer exists.
std::vector<Object> surplus_pods(const std::vector<Object>& active, std::int64_t completions);

// Name, host name, annotation and environment that tell the pod its index.
void give_index(Json& pod, const std::string& job, std::int64_t index);

}  // namespace fracta::devcluster
