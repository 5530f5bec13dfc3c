#include "fracta/credentials/plan.hpp"

namespace fracta::credentials {

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kPrepareNow:
      return "prepare_now";
    case Phase::kRuntimeOnly:
      return "runtime_only";
    case Phase::kUnavailable:
      break;
  }
  return "unavailable";
}

Phase phase_of(std::string_view scope, Topology topology) {
  if (scope == "any") return Phase::kPrepareNow;
  if (scope == "agent_runtime") return Phase::kRuntimeOnly;
  if (scope == "host_edge" && topology == Topology::kHostEdge) return Phase::kPrepareNow;
  return Phase::kUnavailable;
}

}  // namespace fracta::credentials
