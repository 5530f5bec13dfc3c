// Lists of resources ("cpu" -> quantity), as limits, requests and quotas hold them.
#pragma once

#include <map>
#include <string>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/quantity.hpp"

namespace fracta::devcluster {

using ResourceList = std::map<std::string, Quantity>;

// The object of quantities at `path`; empty when it is missing.
ResourceList resources_at(const Json& object, std::string_view path);
Json to_json(const ResourceList& list);
void add_all(ResourceList& sum, const ResourceList& more);
void raise_all(ResourceList& most, const ResourceList& other);  // the greater of both
// "cpu=1,memory=2Gi", sorted
std::string resources_text(const ResourceList& list);

}  // namespace fracta::devcluster
