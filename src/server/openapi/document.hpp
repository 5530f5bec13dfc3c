// The OpenAPI 3 description of everything this daemon serves. Written as YAML, one text a topic; enums that the
// provider table knows are filled in from there, and the credentials' paths are repeated for their aliases by code, so
// that they cannot disagree with the routes. tests/unit/server checks that every route is in it and nothing else.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "fracta/base/json_fwd.hpp"

namespace fracta::server {

std::shared_ptr<const Json> openapi_document(std::string_view version);

// The texts. Each has the keys `paths` and `schemas`.
std::string_view openapi_agents();
std::string_view openapi_credentials();
std::string_view openapi_system();

}  // namespace fracta::server
