#include "fracta/base/text.hpp"

namespace fracta {
namespace {

TEST(Text, SplitKeepsEmptyPieces) {
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string>{"a", "", "b", ""}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
}

TEST(Text, ParseIntTakesTheWholeText) {
  EXPECT_EQ(parse_int("-42"), -42);
  for (const char* bad : {"", " 1", "1 ", "+1", "1x", "99999999999999999999"}) EXPECT_FALSE(parse_int(bad)) << bad;
}

TEST(Text, Utf8RefusesOverlongSurrogateAndTruncated) {
  EXPECT_TRUE(is_valid_utf8("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"));
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xe2\x82", "\xff", "\xf4\x90\x80\x80", "\x80"})
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
}

TEST(Text, ClosestMatchFindsTyposAndNothingElse) {
  const std::vector<std::string> keys = {"namespace", "image", "extra_volumes", "extra_volume_mounts"};
  EXPECT_EQ(closest_match("namepsace", keys), "namespace");
  EXPECT_EQ(closest_match("extra_volume", keys), "extra_volumes");
  EXPECT_EQ(closest_match("zzzzzz", keys), "");
  EXPECT_EQ(closest_match("x", keys), "");
}

TEST(Text, Base64RoundTripAndStrictness) {
  for (const auto& text : std::vector<std::string>{"", "a", "ab", "abc", std::string("\0\xff\x10", 3)}) {
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
    EXPECT_EQ(base64url_decode(base64url_encode(text)), text);
  }
  EXPECT_EQ(base64_encode("ab"), "YWI=");
  for (const char* bad : {"YWI", "YW I=", "YWI=\n", "====", "Y===", "YW=I"}) EXPECT_FALSE(base64_decode(bad)) << bad;
}

TEST(Text, PercentEncodingNeverLetsStructureThrough) {
  EXPECT_EQ(percent_encode("a b/c?d&e\r\n"), "a%20b%2Fc%3Fd%26e%0D%0A");
  EXPECT_EQ(percent_decode("a%20b+c", true), "a b c");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  for (const char* bad : {"%", "%4", "%zz"}) EXPECT_FALSE(percent_decode(bad)) << bad;
}

TEST(Text, Sha256AndRandom) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(random_hex(16).size(), 32u);
  EXPECT_NE(random_uuid(), random_uuid());
  EXPECT_EQ(random_uuid()[14], '4');
}

TEST(Text, ConstantTimeEqual) {
  EXPECT_TRUE(constant_time_equal("secret", "secret"));
  EXPECT_FALSE(constant_time_equal("secret", "secreT"));
  EXPECT_FALSE(constant_time_equal("secret", "secre"));
}

TEST(Text, KubernetesNames) {
  EXPECT_TRUE(is_dns1123_label("a-1"));
  for (const auto& bad : std::vector<std::string>{"", "A", "-a", "a-", "a.b", std::string(64, 'a')})
    EXPECT_FALSE(is_dns1123_label(bad)) << bad;
  EXPECT_TRUE(is_dns1123_subdomain("a.b-c.d"));
  EXPECT_FALSE(is_dns1123_subdomain("a..b"));
  EXPECT_FALSE(is_dns1123_subdomain(std::string(254, 'a')));
}

TEST(Text, ShortenEscapesControlsAndKeepsCharactersWhole) {
  EXPECT_EQ(shorten("a\nb\x1b[31m", 100), "a\\nb\\x1B[31m");
  EXPECT_EQ(shorten("\xc3\xbc\xc3\xbc", 3), "\xc3\xbc...");
  EXPECT_EQ(shorten("abc", 3), "abc");
}

}  // namespace
}  // namespace fracta
