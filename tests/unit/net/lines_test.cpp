#include "fracta/net/lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fracta::net {
namespace {

using testing::ElementsAre;

TEST(LineReader, AnySplitGivesTheSameLines) {
  const std::string text = "one\ntwo\r\n\nlast but one\nrest";
  for (std::size_t a = 0; a <= text.size(); ++a) {
    for (std::size_t b = a; b <= text.size(); ++b) {
      std::vector<std::string> lines;
      LineReader reader([&](std::string_view line) {
        lines.emplace_back(line);
        return true;
      });
      EXPECT_TRUE(reader.feed(text.substr(0, a)));
      EXPECT_TRUE(reader.feed(text.substr(a, b - a)));
      EXPECT_TRUE(reader.feed(text.substr(b)));
      ASSERT_THAT(lines, ElementsAre("one", "two", "", "last but one")) << a << " " << b;
      EXPECT_EQ(reader.rest(), "rest");
    }
  }
}

TEST(LineReader, StopsAtALineThatIsTooLong) {
  int lines = 0;
  LineReader reader([&](std::string_view) { return ++lines > 0; }, 8);
  EXPECT_TRUE(reader.feed("12345678\r\n"));
  EXPECT_FALSE(reader.overflowed());
  EXPECT_TRUE(reader.feed("12345"));
  EXPECT_FALSE(reader.feed("67890"));
  EXPECT_TRUE(reader.overflowed());
  EXPECT_FALSE(reader.feed("\nmore\n"));
  EXPECT_EQ(lines, 1);
}

TEST(LineReader, CallbackEndsIt) {
  std::vector<std::string> lines;
  LineReader reader([&](std::string_view line) {
    lines.emplace_back(line);
    return lines.size() < 2;
  });
  EXPECT_FALSE(reader.feed("a\nb\nc\n"));
  EXPECT_THAT(lines, ElementsAre("a", "b"));
}

TEST(SseReader, FollowsTheStandard) {
  const std::string text =
      ": a comment\n"
      "data: first\n\n"
      "event: add\nid: 7\ndata:no space\ndata:  two spaces\n\n"
      "event: dropped, no data\n\n"
      "data\n\n"
      "retry: 10\nunknown: x\nid\ndata: end\r\n\r\n"
      "data: never dispatched\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    std::vector<std::string> events;
    SseReader reader([&](const ServerSentEvent& event) {
      events.push_back(event.event + "|" + event.id + "|" + event.data);
      return true;
    });
    EXPECT_TRUE(reader.feed(text.substr(0, cut)));
    EXPECT_TRUE(reader.feed(text.substr(cut)));
    ASSERT_THAT(events, ElementsAre("message||first", "add|7|no space\n two spaces", "message|7|", "message||end"))
        << cut;
  }
}

TEST(SseReader, BoundsAnEvent) {
  SseReader reader([](const ServerSentEvent&) { return true; }, 100);
  bool open = true;
  for (int i = 0; i < 100 && open; ++i) open = reader.feed("data: 0123456789\n");
  EXPECT_FALSE(open);
}

}  // namespace
}  // namespace fracta::net
