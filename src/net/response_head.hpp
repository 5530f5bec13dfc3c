// A response's head as it stood on the wire. cpp-httplib percent-decodes header values and sorts them, so we read the
// bytes ourselves.
#pragma once

#include <string>
#include <string_view>

#include "fracta/net/http.hpp"

namespace fracta::net {

struct ResponseHead {
  int status = 0;
  Headers headers;
  bool keep_alive = false;
};

// `text`: status line, header lines and the empty line, of the final response (not of an interim 1xx one).
// kUnavailable when it is malformed or its lengths contradict each other.
Result<ResponseHead> parse_response_head(std::string_view text);

}  // namespace fracta::net
