#include "devcluster/server/apply.hpp"

#include "devcluster/server/patch.hpp"

namespace fracta::devcluster {

Outcome<Json> apply_patch(const Kind& kind, const Json* live, const Json& applied, const std::string&, bool,
                          std::string_view, const Clock&) {
  return strategic_merge_patch(live == nullptr ? Json::object() : *live, applied, *kind.type);
}

}  // namespace fracta::devcluster
