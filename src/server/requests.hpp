// Hostile requests -> values. Every error text names the field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::server {

// The answer that refuses a request before any route sees it (docs/api.md, "Rules for every route"), if it is refused.
std::optional<net::ServerResponse> refuse_foreign(const net::ServerRequest& request, bool loopback_only);

// Content-Type and JSON object; an empty body is {} when `optional`. The failure is a complete answer (400 or 415).
struct BodyResult {
  std::shared_ptr<const Json> body;  // null when refused
  std::optional<net::ServerResponse> refused;
};
BodyResult read_json_body(const net::ServerRequest& request, bool optional);

// kInvalid: `invalid request body: …` or `missing required field: task`.
Result<controlplane::SpawnRequest> decode_spawn(const Json& body, const std::string& default_task = "");
Result<std::vector<controlplane::Event>> decode_events(const Json& body, std::size_t max_events, std::size_t& dropped);

Result<std::int64_t> int_parameter(const net::ServerRequest& request, std::string_view name, std::int64_t fallback);
Result<bool> bool_parameter(const net::ServerRequest& request, std::string_view name);

}  // namespace fracta::server
