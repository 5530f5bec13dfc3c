#include "fracta/base/redactor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fracta/base/text.hpp"

namespace fracta {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string shapes(std::string_view text) { return Redactor().redact(text); }

TEST(Redactor, KnownValuesGoTheRestStays) {
  const Redactor redactor({"s3cr3t-value", "another-one"});
  EXPECT_EQ(redactor.redact("a s3cr3t-value, another-one!\ns3cr3t-valu"), "a [REDACTED], [REDACTED]!\ns3cr3t-valu");
  EXPECT_EQ(redactor.redact(""), "");
  EXPECT_EQ(redactor.redact("s3cr3t-values3cr3t-value"), "[REDACTED][REDACTED]");
}

TEST(Redactor, ShortValuesAreOrdinaryWords) {
  EXPECT_EQ(Redactor({"secret", "1234567"}).redact("secret 1234567"), "secret 1234567");
}

TEST(Redactor, TheLongestMatchWins) {
  EXPECT_EQ(Redactor({"abcdefgh", "abcdefgh-ijkl"}).redact("abcdefgh-ijkl abcdefgh-ij"), "[REDACTED] [REDACTED]-ij");
}

TEST(Redactor, FormsOfAValue) {
  const std::string value = "pa\"ss word/with+odd=chars\xc3\xa9";
  const Redactor redactor({value});
  EXPECT_EQ(redactor.redact(base64_encode(value)).find("cGFzcyB"), std::string::npos);
  EXPECT_EQ(redactor.redact("x=" + percent_encode(value)), "x=[REDACTED]");
  EXPECT_EQ(redactor.redact("{\"k\":\"pa\\\"ss word/with+odd=chars\xc3\xa9\"}"), "{\"k\":\"[REDACTED]\"}");
}

TEST(Redactor, Base64OfALargerTextThatHoldsTheValue) {
  const std::string value = "the-token-0123456789";
  const Redactor redactor({value});
  for (const char* before : {"", "a", "ab", "abc", "user:"}) {
    const std::string seen = redactor.redact(base64_encode(before + value + "\n"));
    EXPECT_THAT(seen, HasSubstr("[REDACTED]")) << before;
    EXPECT_LE(seen.size(), 10u + 12u) << before << ": only the ends are left: " << seen;
    EXPECT_THAT(redactor.redact(base64url_encode(before + value)), HasSubstr("[REDACTED]"));
  }
}

TEST(Redactor, AValueOfSeveralLinesIsFoundLineByLine) {
  const Redactor redactor({"first line of the secret\nsecond line of the secret\n"});
  EXPECT_EQ(redactor.redact("2026 first line of the secret\n2026 second line of the secret\n"),
            "2026 [REDACTED]\n2026 [REDACTED]\n");
}

TEST(Redactor, AVeryLongValueLeavesNothingBehind) {
  std::string value;
  for (int i = 0; i < 20'000; ++i) value += static_cast<char>('a' + i * i % 26);
  const std::string seen = Redactor({value}).redact("<" + value + ">");
  EXPECT_TRUE(seen.starts_with("<[REDACTED]") && seen.ends_with("[REDACTED]>"));
  EXPECT_LT(seen.size(), 200u);
}

TEST(Redactor, TokensByTheirShape) {
  const std::string run(40, 'a');
  for (const std::string& token :
       {"ghp_" + run, "gho_" + run, "ghs_" + run, "github_pat_" + run, "glpat-" + run, "sk-ant-api03-" + run,
        "pk-lf-" + run, "sk-lf-" + run, "AIza" + run, "ya29." + run, "xoxb-" + run, "npm_" + run, "sha256~" + run,
        "AKIAIOSFODNN7EXAMPLE" + std::string(), "eyJ" + run + "." + run + "." + run}) {
    EXPECT_EQ(shapes("a " + token + " b"), "a [REDACTED] b");
    EXPECT_EQ(shapes("\"" + token + "\""), "\"[REDACTED]\"");
  }
}

TEST(Redactor, WhatOnlyBeginsLikeOneStays) {
  for (const char* text :
       {"ghp_short", "sk-learn is a library", "eyJhIjoxfQ", "xghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "https://example.com/a:b@c", "git@github.com:x/y", "time: 12:30", "KEY=value", "MONKEY=12345678",
        "Basic training", "bearer of news", "max_token=100000000", "----- BEGIN -----", "a=b&c=d"})
    EXPECT_EQ(shapes(text), text);
}

TEST(Redactor, HeadersAddressesAndVariables) {
  EXPECT_EQ(shapes("Authorization: Bearer abcdefghijklmnop.qrst"), "Authorization: Bearer [REDACTED]");
  EXPECT_EQ(shapes("authorization: basic dXNlcjpwYXNzd29yZA=="), "authorization: basic [REDACTED]");
  EXPECT_EQ(shapes("https://user:hunter22@host/x"), "https://user:[REDACTED]@host/x");
  EXPECT_EQ(shapes("https://x-access-token:abc@github.com"), "https://x-access-token:[REDACTED]@github.com");
  EXPECT_EQ(shapes("x-access-token:abcdefgh@github.com"), "x-access-token:[REDACTED]@github.com");
  EXPECT_EQ(shapes("export GITHUB_TOKEN=abcdefgh1 X=1"), "export GITHUB_TOKEN=[REDACTED] X=1");
  EXPECT_EQ(shapes("DB_PASSWORD=\"abcdefgh1\""), "DB_PASSWORD=\"[REDACTED]\"");
}

constexpr const char* kKey =
    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49\n"
    "AwEHoUQDQgAEPR3tU2Fta9ktY==\n-----END EC PRIVATE KEY-----\n";

TEST(Redactor, PrivateKeysOverSeveralLines) {
  const std::string seen = shapes("before\n" + std::string(kKey) + "after\n");
  EXPECT_THAT(seen, Not(HasSubstr("MHcCAQ")));
  EXPECT_THAT(seen, Not(HasSubstr("AwEHoUQ")));
  EXPECT_TRUE(seen.starts_with("before\n[REDACTED]\n") && seen.ends_with("\nafter\n")) << seen;
  std::string stamped;
  for (const auto& line : split(kKey, '\n'))
    if (!line.empty()) stamped += "2026-11-21T00:00:00Z " + line + "\n";
  EXPECT_THAT(shapes(stamped), Not(HasSubstr("MHcCAQ")));
  EXPECT_THAT(shapes("{\"k\":\"-----BEGIN PRIVATE KEY-----\\nMHcCAQ\\n-----END PRIVATE KEY-----\\n\",\"x\":1}"),
              testing::Eq("{\"k\":\"[REDACTED]\\n\",\"x\":1}"));
  EXPECT_EQ(shapes("-----BEGIN PRIVATE KEY-----\nnot a key, but a story.\n"), "[REDACTED]\nnot a key, but a story.\n");
  EXPECT_EQ(shapes("-----BEGIN CERTIFICATE-----\nMIIB\n"), "-----BEGIN CERTIFICATE-----\nMIIB\n");
}

TEST(RedactingStream, FindsWhatABorderCutsInTwo) {
  const auto redactor = std::make_shared<const Redactor>(std::vector<std::string>{"s3cr3t-value"});
  const std::string text = "one s3cr3t-value\ntwo ghp_" + std::string(40, 'x') + "\n" + kKey + "three s3cr3t-value";
  const std::string whole = redactor->redact(text);
  for (std::size_t size = 1; size < 40; ++size) {
    RedactingStream stream(redactor);
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += size) out += stream.feed(std::string_view(text).substr(i, size));
    out += stream.finish();
    EXPECT_EQ(out, whole) << size;
  }
  EXPECT_THAT(whole, Not(HasSubstr("s3cr3t")));
}

TEST(RedactingStream, AWholeLinePassesAtOnce) {
  RedactingStream stream(std::make_shared<const Redactor>());
  EXPECT_EQ(stream.feed("hello\nwor"), "hello\n");
  EXPECT_EQ(stream.feed("ld\n"), "world\n");
  EXPECT_EQ(stream.finish(), "");
}

TEST(RedactingStream, ALineWithoutEndNeedsLittleMemoryAndHidesNothing) {
  const auto redactor = std::make_shared<const Redactor>(std::vector<std::string>{"s3cr3t-value"});
  RedactingStream stream(redactor);
  std::size_t in = 0, out = 0;
  std::string seen;
  for (int i = 0; i < 20'000; ++i) {
    const std::string piece = "abcdefg s3cr3t-value ";
    in += piece.size();
    const std::string got = stream.feed(piece);
    out += got.size();
    seen += got;
    EXPECT_LE(in - in / 21 * 2, out + RedactingStream::kMaxHeld + 64);
  }
  seen += stream.finish();
  EXPECT_THAT(seen, Not(HasSubstr("s3cr3t")));
  EXPECT_EQ(seen.size(), 20'000 * std::string("abcdefg [REDACTED] ").size());
}

TEST(RedactingStream, ATokenLongerThanWhatIsHeldIsSwallowedWhole) {
  RedactingStream stream(std::make_shared<const Redactor>());
  std::string seen = stream.feed("t eyJ" + std::string(100, 'a') + "." + std::string(100, 'b') + ".");
  for (int i = 0; i < 100; ++i) seen += stream.feed(std::string(4'000, 'c'));
  seen += stream.feed(" end\n");
  EXPECT_EQ(seen, "t [REDACTED] end\n");
}

}  // namespace
}  // namespace fracta
