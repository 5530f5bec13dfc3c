// Which bytes may stand where in a message head (RFC 9110 5.6.2, 5.5). Both directions use the same rules: what we
// would refuse we never send.
#pragma once

#include <string_view>

namespace fracta::net {

bool is_token(std::string_view text);         // a method or a header name
bool is_header_value(std::string_view text);  // no control characters except tab
bool is_target(std::string_view text);        // not empty, no spaces, no control characters

}  // namespace fracta::net
