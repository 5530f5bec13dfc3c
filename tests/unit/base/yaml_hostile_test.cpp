#include "fracta/base/yaml.hpp"

namespace fracta {
namespace {

using ::testing::HasSubstr;

std::string error_of(std::string_view text, const YamlLimits& limits = {}) {
  const auto result = parse_yaml(text, limits);
  return result.ok() ? "accepted" : result.error().message;
}

std::string repeat(std::string_view piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

TEST(YamlHostile, DepthIsLimited) {
  EXPECT_NE(error_of("a: " + repeat("[", 100'000)), "accepted");
  EXPECT_NE(error_of(repeat("{a: ", 100'000)), "accepted");
  EXPECT_THAT(error_of(repeat("{a: ", 150) + repeat("}", 150)), HasSubstr("nested too deeply"));
  EXPECT_THAT(error_of(repeat("- ", 100'000)), HasSubstr("nested too deeply"));
  EXPECT_NE(error_of(repeat("? ", 100'000)), "accepted");
  EXPECT_THAT(error_of("a: " + repeat("[", 150) + repeat("]", 150)), HasSubstr("nested too deeply"));
}

TEST(YamlHostile, AliasBombsAreRefused) {
  std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string previous = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + previous + repeat("," + previous, 9) + "]\n";
  }
  EXPECT_THAT(error_of(text), HasSubstr("too many values"));
}

TEST(YamlHostile, AliasesOfAHugeTextAreRefused) {
  const std::string text = "a: &a " + std::string(1 << 20, 'x') + "\nb: [" + repeat("*a,", 1000) + "]\n";
  EXPECT_THAT(error_of(text), HasSubstr("grows too large"));
}

TEST(YamlHostile, MergeBombsAreRefused) {
  std::string text = "a0: &a0 {" + repeat("", 0);
  for (int i = 0; i < 500; ++i) text += "k" + std::to_string(i) + ": 1, ";
  text += "}\nb:\n";
  for (int i = 0; i < 1000; ++i) text += "- {<<: *a0}\n";
  EXPECT_THAT(error_of(text), HasSubstr("too many values"));
}

TEST(YamlHostile, RecursiveAliasIsRefused) {
  EXPECT_THAT(error_of("a: &a [1, *a]"), HasSubstr("contains itself"));
  EXPECT_THAT(error_of("a: &a {b: {c: *a}}"), HasSubstr("contains itself"));
}

TEST(YamlHostile, SizeIsLimited) {
  YamlLimits limits;
  limits.max_bytes = 100;
  EXPECT_THAT(error_of(std::string(101, 'x'), limits), HasSubstr("larger than 100 bytes"));
  EXPECT_THAT(error_of("? " + std::string(5000, 'k') + "\n: 1"), HasSubstr("key longer than"));
  limits = {};
  limits.max_nodes = 10;
  EXPECT_THAT(error_of("[1,2,3,4,5,6,7,8,9,10]", limits), HasSubstr("too many values"));
}

TEST(YamlHostile, OtherEncodingsAndControlCharactersAreRefused) {
  EXPECT_THAT(error_of(std::string_view("a: b\0c", 6)), HasSubstr("1:5: control characters"));
  EXPECT_THAT(error_of(std::string_view("\0\0\0a\0\0\0:", 8)), HasSubstr("control characters"));
  EXPECT_THAT(error_of("a: 1\nb: \xC3\x28"), HasSubstr("2:4: the text is not valid UTF-8"));
  EXPECT_THAT(error_of("\xFF\xFE\x61\x00"), HasSubstr("UTF-8"));
  EXPECT_THAT(error_of("a: \xED\xA0\x80"), HasSubstr("UTF-8"));
  EXPECT_THAT(error_of("a: \xC0\x80"), HasSubstr("UTF-8"));
}

TEST(YamlHostile, UnclosedQuotesAreFound) {
  EXPECT_THAT(error_of("a: \"foo\nb: 1\n"), HasSubstr("never closed"));
  EXPECT_THAT(error_of("a: 'foo\nb: 1"), HasSubstr("never closed"));
  EXPECT_THAT(error_of("a: \"foo\n\n\n# c\n"), HasSubstr("never closed"));
}

TEST(YamlHostile, OneDocumentOnly) {
  EXPECT_THAT(error_of("a: 1\n---\nb: 2\n"), HasSubstr("2:1: a second document"));
  EXPECT_THAT(error_of("{a: 1} b"), HasSubstr("1:8: text after the end"));
  EXPECT_EQ(error_of("---\na: 1\n...\n"), "accepted");
}

TEST(YamlStream, GivesEveryDocument) {
  const auto documents = parse_yaml_stream("# head\n---\na: 1\n---\n- 2\n---\n---\nb: 3\n...\n");
  ASSERT_TRUE(documents.ok()) << documents.error().message;
  ASSERT_EQ(documents->size(), 4u);
  EXPECT_EQ((*documents)[0]["a"], 1);
  EXPECT_EQ((*documents)[1][0], 2);
  EXPECT_TRUE((*documents)[2].is_null());
  EXPECT_EQ((*documents)[3]["b"], 3);
  EXPECT_FALSE(parse_yaml_stream("a: 1\n---\n{b: 2} c\n").ok());
  EXPECT_FALSE(parse_yaml_stream("a: 1\n---\nb: [\n").ok());
}

}  // namespace
}  // namespace fracta
