#include "fracta/credentials/schedule.hpp"

#include <algorithm>

#include "fracta/base/time.hpp"

namespace fracta::credentials {

void Schedule::include(SystemTime refresh, SystemTime expires) {
  refresh_at = std::min(refresh_at, refresh);
  expires_at = std::min(expires_at, expires);
}

std::optional<Schedule> read_schedule(const config::StringMap& notes) {
  const auto time = [&](const char* name) {
    const auto found = notes.find(name);
    return found == notes.end() ? std::nullopt : parse_rfc3339(found->second);
  };
  const auto refresh = time(annotations::kRefreshAt);
  const auto expires = time(annotations::kExpiresAt);
  if (!refresh || !expires) return std::nullopt;
  return Schedule{*refresh, *expires};
}

// With fractions: a schedule rounded to whole seconds would renew short-lived test tokens too late.
void write_schedule(const Schedule& schedule, config::StringMap& notes) {
  notes[annotations::kRefreshAt] = format_rfc3339_micro(schedule.refresh_at);
  notes[annotations::kExpiresAt] = format_rfc3339_micro(schedule.expires_at);
}

}  // namespace fracta::credentials
