// Values and errors -> HTTP answers, in the shapes of docs/api.md.
#pragma once

#include <string>
#include <string_view>

#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::server {

net::ServerResponse json_answer(int status, const Json& value);
net::ServerResponse error_answer(int status, std::string_view text);
// Status from the error's code; `invalid_status` is what kInvalid becomes (400 or 422).
net::ServerResponse error_answer(const Error& error, int invalid_status = 400);

// What an authenticator or authorizer said: 401 with WWW-Authenticate, 403, 429, 503 with Retry-After.
net::ServerResponse access_refused(const Error& error);

Json to_json(const controlplane::AgentInfo& info, SystemTime now);
Json to_json(const controlplane::SpawnResult& result);
// GET …/events: lower-case keys. Frames of a watch: upstream's Go field names.
Json event_to_json(const controlplane::Event& event, const std::string& id);
Json event_to_frame(const controlplane::Event& event, const std::string& id);

}  // namespace fracta::server
