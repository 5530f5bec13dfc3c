// One fault made on purpose: which requests it meets, how often, and what becomes of them (docs/devcluster.md, Faults).
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

// What a request looks like to a fault.
struct FaultSubject {
  std::string verb;      // get list watch create ...; of other paths the method in lower case
  std::string resource;  // "pods", "jobs.batch"; empty for other paths
  std::string subresource, ns, name, user, user_agent, path;
};

// Globs; empty meets everything.
struct FaultMatch {
  std::string verb, resource, subresource, ns, name, user, user_agent, path;
  [[nodiscard]] bool meets(const FaultSubject& subject) const;
};

struct Fault {
  std::string id;
  Json source;  // as it was given
  FaultMatch match;
  std::uint64_t skip = 0;              // so many go through first
  std::optional<std::uint64_t> count;  // so many are hit, then no more
  double probability = 1;
  std::optional<std::chrono::milliseconds> lasts;

  // Effects on requests.
  std::chrono::milliseconds latency{0};
  int status = 0;
  std::optional<int> retry_after;  // seconds
  std::string reason, message;
  std::string connection;  // reset, silence, cut
  bool after = false;      // status and connection: the request has been served, its answer is lost
  std::size_t cut_at = 0;
  std::size_t slow_bytes = 0;  // so many at a time, every slow_every
  std::chrono::milliseconds slow_every{0};
  std::string watch;        // gone, duplicate, reorder, drop, end
  std::uint64_t stale = 0;  // reads are answered as of so many changes ago

  // Effects on the cluster, until the fault is taken away.
  std::optional<std::chrono::milliseconds> refuse;  // connections
  std::optional<std::chrono::milliseconds> clock_skew;
  std::string certificate;  // renewed, expired, other-authority, other-name
  bool revoke = false;      // tokens of match.user issued until now
  std::string node;         // lost, disk-full
};

// kInvalid names what is wrong with it.
Result<Fault> parse_fault(const Json& source);

}  // namespace fracta::devcluster
