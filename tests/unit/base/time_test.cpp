#include "fracta/base/time.hpp"

namespace fracta {
namespace {
using namespace std::chrono_literals;

TEST(Time, Rfc3339RoundTrip) {
  const auto time = parse_rfc3339("2026-11-21T20:25:00Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(format_rfc3339(*time), "2026-11-21T20:25:00Z");
  EXPECT_EQ(format_rfc3339_micro(*time + 1500us), "2026-11-21T20:25:00.001500Z");
  EXPECT_EQ(format_rfc3339_nano(*time + 120ms), "2026-11-21T20:25:00.12Z");
  EXPECT_EQ(parse_rfc3339("2026-11-21T22:25:00.000+02:00"), time);
}

TEST(Time, Rfc3339RefusesNonsense) {
  for (const char* bad : {"", "2026-11-21", "2026-02-30T00:00:00Z", "2026-11-21T25:00:00Z", "2026-11-21T20:25:00",
                          "2026-11-21T20:25:00Zx", "2026-11-21T20:25:00.Z", "2026-11-21T20:25:00+2:00"})
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

TEST(Time, GoDurations) {
  EXPECT_EQ(*parse_go_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_go_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_go_duration("-1.5s"), -1500ms);
  EXPECT_EQ(*parse_go_duration("0"), 0ns);
  EXPECT_EQ(parse_go_duration("30").error().message, "time: missing unit in duration \"30\"");
  EXPECT_EQ(parse_go_duration("5x").error().message, "time: unknown unit \"x\" in duration \"5x\"");
  EXPECT_EQ(parse_go_duration("abc").error().message, "time: invalid duration \"abc\"");
  EXPECT_FALSE(parse_go_duration("999999999h"));
  EXPECT_EQ(format_go_duration(90min), "1h30m0s");
  EXPECT_EQ(format_go_duration(1500ms), "1.5s");
  EXPECT_EQ(format_go_duration(15ms), "15ms");
  EXPECT_EQ(format_go_duration(0ns), "0s");
}

TEST(Time, HumanDurationAsKubectlPrintsIt) {
  const std::vector<std::pair<std::chrono::seconds, std::string>> rows = {
      {5s, "5s"},    {119s, "119s"},      {192s, "3m12s"},      {480s, "8m"},         {45min, "45m"},
      {3h, "3h"},    {3h + 5min, "3h5m"}, {9h, "9h"},           {47h, "47h"},         {72h, "3d"},
      {76h, "3d4h"}, {24h * 10, "10d"},   {24h * 745, "2y15d"}, {24h * 365 * 9, "9y"}};
  for (const auto& [duration, text] : rows) EXPECT_EQ(human_duration(duration), text);
}

TEST(Time, YearsBeyondTheClockStayOnTheirSideOfToday) {
  const auto now = SystemTime{std::chrono::seconds{1'767'225'600}};
  EXPECT_GT(*parse_rfc3339("2999-01-01T00:00:00Z"), now);
  EXPECT_GT(*parse_rfc3339("9999-12-31T23:59:60Z"), now);
  EXPECT_LT(*parse_rfc3339("0001-01-01T00:00:00Z"), now);
  EXPECT_GT(now - *parse_rfc3339("0001-01-01T00:00:00Z"), 24h * 365 * 100);
}

}  // namespace
}  // namespace fracta
