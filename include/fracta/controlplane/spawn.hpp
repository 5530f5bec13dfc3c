// A spawn as the outside asks for it, and what came of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/config/config.hpp"

namespace fracta::controlplane {

// Field names and defaults: docs/api.md. Everything in it is hostile until spec.cpp has checked it.
struct SpawnRequest {
  std::string task;
  std::string contract;
  std::string runtime;
  std::string model, tier;
  std::string mode;                       // "", batch, stream
  std::string dispatch;                   // "", direct; queued is refused
  std::string base_branch, objective_id;  // upstream's; ignored with a warning
  bool staged_credentials = false;        // upstream's staged_credential_refs was not empty: refused
  std::vector<std::string> command;
  std::string image;
  config::Resources resources;
  std::optional<std::int64_t> active_deadline_seconds;
  std::map<std::string, std::string> labels;
  std::vector<std::string> credentials;  // stored credentials by name, besides what is bound to the runtime
  std::string request_id;                // client's idempotency key; empty = none
  std::string requested_by;              // identity the server authenticated; empty = unknown
};

struct SpawnResult {
  std::string name, id, kind, object, ns, mode, runtime, model, phase;
  bool existed = false;  // an earlier attempt with the same request id and spec made it
  std::vector<std::string> warnings;
};

enum class DryRun { kClient, kServer };

struct DryRunResult {
  std::shared_ptr<const Json> objects;  // array in order of creation; never null; Secret values redacted
  SpawnResult resolved;                 // what the request came to; existed is always false
  std::string tier, image;
};

}  // namespace fracta::controlplane
