#include "fracta/base/json.hpp"

namespace fracta {
namespace {

// The parser's callback made this quadratic: minutes for what a request body of 1 MiB can hold.
TEST(Json, ManyObjectsInAListCostLinearTime) {
  std::string text = "[{}";
  for (int i = 0; i < 300'000; ++i) text += ",{}";
  EXPECT_EQ(parse_json(text + "]")->size(), 300'001u);
  EXPECT_TRUE(parse_json(text + "]", {.refuse_duplicate_keys = true}));
}

TEST(Json, DepthIsLimitedBeforeATreeIsBuilt) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const auto result = parse_json(deep);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "invalid JSON: nested more than 128 levels deep");
}

TEST(Json, ErrorsNameThePlace) {
  const auto result = parse_json("{\"a\":\n 1,}");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, testing::HasSubstr("line 2, column"));
  EXPECT_FALSE(parse_json("{} x"));
  EXPECT_FALSE(parse_json(""));
}

TEST(Json, DuplicateKeysWhenAsked) {
  EXPECT_TRUE(parse_json(R"({"a":1,"a":2})"));
  EXPECT_EQ(parse_json(R"({"b":{"a":1},"c":{"a":1,"a":2}})", {.refuse_duplicate_keys = true}).error().message,
            "invalid JSON: duplicate key \"a\"");
}

TEST(Json, DumpNeverThrows) { EXPECT_EQ(dump_json(Json("a\xff")), "\"a\xEF\xBF\xBD\""); }

TEST(Json, LookUpsTakeAnything) {
  const Json pod = *parse_json(R"({"metadata":{"name":"x","generation":3,"big":18446744073709551615}})");
  EXPECT_EQ(string_at(pod, "metadata/name"), "x");
  EXPECT_EQ(string_at(pod, "metadata/name/deeper", "none"), "none");
  EXPECT_EQ(string_at(pod, "metadata/generation"), "");
  EXPECT_EQ(int_at(pod, "metadata/generation"), 3);
  EXPECT_FALSE(int_at(pod, "metadata/big"));
  EXPECT_EQ(find_path(Json::array(), "a"), nullptr);
}

TEST(Yaml, PrintsAsKubectlDoes) {
  const Json value = *parse_json(
      R"({"b":[{"name":"x","args":["-c","a: b"]},[1,[2]]],"a":{"empty":{},"list":[],"nil":null},"on":"yes","mode":"0755","t":"line 1\nline 2\n","e":"","d":"1:30","s":"# no","k":"plain text"})");
  EXPECT_EQ(dump_yaml(value),
            "a:\n"
            "  empty: {}\n"
            "  list: []\n"
            "  nil: null\n"
            "b:\n"
            "- args:\n"
            "  - -c\n"
            "  - \"a: b\"\n"
            "  name: x\n"
            "- - 1\n"
            "  - - 2\n"
            "d: \"1:30\"\n"
            "e: \"\"\n"
            "k: plain text\n"
            "mode: \"0755\"\n"
            "\"on\": \"yes\"\n"
            "s: \"# no\"\n"
            "t: |\n"
            "  line 1\n"
            "  line 2\n");
}

}  // namespace
}  // namespace fracta
