// Times as Kubernetes and Go write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"

namespace fracta {

std::string format_rfc3339(SystemTime time);                     // 2026-11-21T20:25:00Z (metav1.Time)
std::string format_rfc3339_micro(SystemTime time);               // 2026-11-21T20:25:00.123456Z (metav1.MicroTime)
std::string format_rfc3339_nano(SystemTime time);                // fraction of up to 9 digits (log timestamps)
std::optional<SystemTime> parse_rfc3339(std::string_view text);  // any offset, 0-9 fraction digits

// Go's time.ParseDuration ("1h30m", "250ms", "-1.5s") with its error texts: `time: invalid duration "x"`.
Result<std::chrono::nanoseconds> parse_go_duration(std::string_view text);
std::string format_go_duration(std::chrono::nanoseconds duration);  // "1h30m0s"

// kubectl's AGE column (apimachinery duration.HumanDuration): "5s", "3m12s", "7m", "2h5m", "3d4h", "2y15d".
std::string human_duration(std::chrono::nanoseconds duration);

}  // namespace fracta
