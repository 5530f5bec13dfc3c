#include "fracta/credentials/token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::credentials {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr SystemTime kNow{std::chrono::seconds{1'767'225'600}};  // 2026-01-01T00:00:00Z

Token token_of(const std::string& output, std::chrono::milliseconds ttl = 0ms) {
  auto token = parse_token(output, ttl, kNow);
  EXPECT_TRUE(token) << token.error().message;
  return token ? *token : Token{};
}

std::string jwt(const std::string& claims) {
  return base64url_encode(R"({"alg":"RS256"})") + "." + base64url_encode(claims) + ".c2ln";
}

TEST(ParseToken, PlainTextIsTheTokenAsPrinted) {
  const auto token = token_of(" abc\n");
  EXPECT_EQ(token.value, " abc\n");
  EXPECT_EQ(token.trimmed(), "abc");
  EXPECT_FALSE(token.expires_at);
}

TEST(ParseToken, LifeComesFromTheTtlUnlessTheOutputKnowsBetter) {
  EXPECT_EQ(token_of("abc", 60s).expires_at, kNow + 60s);
  EXPECT_EQ(token_of(jwt(R"({"exp":1767229200})"), 60s).expires_at, kNow + 1h);
}

TEST(ParseToken, ExecCredential) {
  const auto token = token_of(R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",
      "status":{"token":"inner","expirationTimestamp":"2026-01-01T00:30:00Z"}})");
  EXPECT_EQ(token.value, "inner");
  EXPECT_EQ(token.expires_at, kNow + 30min);
}

TEST(ParseToken, CredentialProcessJsonStaysWhole) {
  const std::string text =
      R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"B","Expiration":"2026-01-01T01:00:00Z"})";
  const auto token = token_of(text);
  EXPECT_EQ(token.value, text);
  EXPECT_EQ(token.expires_at, kNow + 1h);
}

TEST(ParseToken, OtherJsonAndHostileClaimsAreJustText) {
  for (const std::string& text :
       {std::string(R"({"token":"x"})"), std::string("{broken"), jwt(R"({"exp":"soon"})"), jwt(R"({"exp":1e300})"),
        jwt(R"({"exp":-5})"), jwt("[]"), std::string("a.b.c"), std::string("eyJ.eyJ.eyJ")}) {
    const auto token = token_of(text);
    EXPECT_EQ(token.value, text);
    EXPECT_FALSE(token.expires_at) << text;
  }
}

TEST(ParseToken, NothingAndExpiredAndNulAreErrors) {
  EXPECT_THAT(parse_token(" \n", 0ms, kNow).error().message, HasSubstr("printed nothing"));
  EXPECT_THAT(parse_token(std::string("a\0b", 3), 0ms, kNow).error().message, HasSubstr("NUL"));
  EXPECT_THAT(parse_token(jwt(R"({"exp":1767225599})"), 0ms, kNow).error().message,
              HasSubstr("expired at 2025-12-31T23:59:59Z"));
}

TEST(RefreshTime, EightyPercentOrThreeMinutesAhead) {
  EXPECT_EQ(refresh_time(kNow, kNow + 1h), kNow + 48min);
  EXPECT_EQ(refresh_time(kNow, kNow + 10min), kNow + 7min);  // three minutes are more than a fifth
  EXPECT_EQ(refresh_time(kNow, kNow + 4min), kNow + 2min);   // half of what lives too short for that
  EXPECT_EQ(refresh_time(kNow, kNow - 1h), kNow);
}

TEST(RedactStderr, KeepsWhatHelpsAndHidesWhatLooksLikeAToken) {
  const std::string error =
      "helper: POST https://sts.example.com/v1/token failed: HTTP 403\n"
      "Authorization: Bearer abc.def\npassword=hunter2 api_key: zzz\n"
      "sk-ant-REDACTED eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.sig\n";
  const auto text = redact_stderr(error, "");
  for (const char* kept : {"helper", "sts.example.com", "403"}) EXPECT_THAT(text, HasSubstr(kept));
  for (const char* hidden : {"hunter2", "zzz", "sk-ant-REDACTED", "eyJhbGciOiJSUzI1NiJ9"})
    EXPECT_THAT(text, Not(HasSubstr(hidden))) << text;
  EXPECT_THAT(text, Not(HasSubstr("\n")));
}

TEST(RedactStderr, NeverRepeatsWhatWasPrintedAsTheToken) {
  const auto text = redact_stderr("debug: got short-tok and second line", "short-tok\nsecond line\n");
  EXPECT_THAT(text, Not(HasSubstr("short-tok")));
  EXPECT_THAT(text, Not(HasSubstr("second line")));
}

TEST(RedactStderr, Base64WithSlashesIsATokenAndAPathIsNot) {
  const auto text = redact_stderr(
      "cannot read /home/User1/Projects/secrets2/file.json with wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE1KEY9", "");
  EXPECT_THAT(text, HasSubstr("/home/User1/Projects/secrets2/file.json"));
  EXPECT_THAT(text, Not(HasSubstr("K7MDENG")));
}

TEST(RedactStderr, HalfATokenAtTheCutIsDropped) {
  const std::string token = "tok-4711";
  const std::string cut = token.substr(4) + " " + std::string(4096 - 5, 'x');  // as CommandOptions.max_stderr leaves it
  EXPECT_THAT(redact_stderr(cut, token, 5000), Not(HasSubstr("4711")));
}

TEST(RedactStderr, IsShort) { EXPECT_LE(redact_stderr(std::string(10'000, 'x'), "").size(), 310u); }

}  // namespace
}  // namespace fracta::credentials
