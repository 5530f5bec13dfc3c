// The OpenAPI v2 document as protobuf: kubectl up to 1.26 asks for nothing else before it applies, creates or explains.
#pragma once

#include <string>

#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

// `document` is the JSON form; the result is openapi.v2.Document of github.com/google/gnostic, whose field numbers are
// in the .cpp. Parts this server's documents never have (enum, limits, examples, ...) are not carried over.
std::string encode_openapi_v2(const Json& document);

}  // namespace fracta::devcluster
