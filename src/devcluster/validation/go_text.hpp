// Values in messages of a real server that print a whole Go value.
#pragma once

#include <string>

#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

// "2026-01-02 00:00:00 +0000 UTC" of an RFC 3339 time; Go's zero time when empty.
std::string go_time(const std::string& rfc3339);
std::string go_plain(const Json& value);  // %v of untyped JSON: "map[a:1 b:[x]]"
// %#v of the internal types. Pointers print as addresses, which are made up.
std::string go_object_reference(const Json& reference);
std::string go_toleration(const Json& toleration);
std::string go_security_context(const Json& context);

}  // namespace fracta::devcluster
