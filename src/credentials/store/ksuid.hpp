// Identifiers that sort by the second they were made in: 4 bytes of time, 16 random ones, 27 base-62 characters (the
// form upstream's clients know; github.com/segmentio/ksuid describes it).
#pragma once

#include <string>

#include "fracta/base/clock.hpp"

namespace fracta::credentials {

std::string make_ksuid(SystemTime now);

}  // namespace fracta::credentials
