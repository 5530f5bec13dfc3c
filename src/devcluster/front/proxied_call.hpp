// An HTTP call handed on to somebody else while its answer is still coming in.
#pragma once

#include "fracta/net/http_server.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::devcluster {

// Sends `request` to `url` and answers with what comes back, head first and the body as it arrives. An error when no
// answer came.
Result<net::ServerResponse> call_through(const net::Url& url, net::Request request);

}  // namespace fracta::devcluster
