#include "config/decode.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

using std::chrono::nanoseconds;

nanoseconds positive_or(nanoseconds value, nanoseconds fallback) {
  return value > nanoseconds::zero() ? value : fallback;
}

}  // namespace

std::string in_quotes(const std::string& text) { return '"' + shorten(text, 80) + '"'; }

void decode_general(const View& root, Config& config) {
  config.gateway_url = root["gateway"]["url"].text();
  config.gateway_listen = root["gateway"]["listen"].text();

  const View reaper = root["reaper"];
  config.reaper_interval = positive_or(reaper["interval"].duration({}), std::chrono::seconds{30});
  config.reaper_max_age = positive_or(reaper["max_age"].duration({}), {});
  config.reaper_max_concurrent = static_cast<int>(std::max<std::int64_t>(0, reaper["max_concurrent"].integer()));

  const View observability = root["observability"];
  config.heartbeat_interval = positive_or(observability["heartbeat_interval"].duration({}), std::chrono::seconds{15});
  const std::int64_t ring = observability["ring_size"].integer();
  constexpr std::int64_t kMaxRing = 100'000;
  if (ring > kMaxRing) observability["ring_size"].error("must be at most 100000 events");
  config.ring_size = static_cast<int>(ring > 0 && ring <= kMaxRing ? ring : 100);

  config.log_level = root["logging"]["level"].choice({"debug", "info", "warn", "error"}, "");
  config.log_file = root["logging"]["file"].text();
  config.default_base_branch = root["project"]["default_base_branch"].text();
  config.allowed_tools = root["project"]["allowed_tools"].string_list();
}

}  // namespace fracta::config
