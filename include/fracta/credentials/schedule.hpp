// When the files in an agent's Secret are renewed, as its annotations say it: the schedule survives the daemon.
#pragma once

#include <optional>
#include <string>

#include "fracta/base/clock.hpp"
#include "fracta/config/config.hpp"

namespace fracta::credentials {

namespace annotations {
inline constexpr const char* kProfile = "fracta.io/auth-profile";
inline constexpr const char* kOrigins = "fracta.io/auth-origins";  // those in files, comma-separated
inline constexpr const char* kRefreshAt = "fracta.io/refresh-at";  // RFC 3339
inline constexpr const char* kExpiresAt = "fracta.io/expires-at";
inline constexpr const char* kRefreshError =
    "fracta.io/refresh-error";  // why the last renewal failed; absent when well
}  // namespace annotations

struct Schedule {
  SystemTime refresh_at{};
  SystemTime expires_at{};
  // The earlier of both in each point.
  void include(SystemTime refresh, SystemTime expires);
};

// Nothing when the annotations name no usable times.
std::optional<Schedule> read_schedule(const config::StringMap& notes);
void write_schedule(const Schedule& schedule, config::StringMap& notes);

}  // namespace fracta::credentials
