// Values in messages of a real server that print a whole Go value: its %#v.
#pragma once

#include <string>

#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

// "2026-01-02 00:00:00 +0000 UTC" of an RFC 3339 time; Go's zero time when empty.
std::string go_time(const std::string& rfc3339);
std::string go_object_reference(const Json& reference);

}  // namespace fracta::devcluster
