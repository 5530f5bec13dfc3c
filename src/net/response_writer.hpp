// The server's answers as bytes.
#pragma once

#include <string>
#include <string_view>

#include "fracta/net/http_server.hpp"

namespace fracta::net {

enum class Framing { kLength, kChunked, kUntilClose, kUpgrade };

struct HeadOptions {
  Framing framing = Framing::kLength;
  bool http10 = false;
  bool keep_alive = true;
};

// Status line and headers. What the server decides itself (lengths, Connection) is taken from `options`; a header whose
// name or value could break the framing is left out.
std::string response_head(const ServerResponse& response, const HeadOptions& options);

// False for answers that never have a body.
bool may_have_body(int status);

}  // namespace fracta::net
