#include "fracta/credentials/keyring.hpp"

#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"

namespace fracta::credentials {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kId = "2abcDEF0123456789abcdefghij";

std::string key_of(char c) { return base64_encode(std::string(32, c)); }
std::string ring(const std::string& body) { return "{" + body + "}"; }
std::string entry(const std::string& version, char c) { return "\"" + version + "\": \"" + key_of(c) + "\""; }

KeySet keys(const std::string& body = entry("1", 'a'), const std::string& version = "1") {
  auto set = KeySet::parse(ring(body), version);
  EXPECT_TRUE(set.ok()) << (set ? "" : set.error().message);
  return *set;
}
std::string refusal(const std::string& keyring, const std::string& version) {
  const auto set = KeySet::parse(keyring, version);
  return set ? "accepted" : set.error().message;
}

TEST(KeySet, Valid) {
  const auto set = keys(entry("1", 'a') + "," + entry("3", 'c'), " 3\n");
  EXPECT_EQ(set.active_version(), 3);
  EXPECT_THAT(set.versions(), ElementsAre(1, 3));
}

TEST(KeySet, InvalidKeyLength) {
  EXPECT_THAT(refusal("{\"1\": \"" + base64_encode("short") + "\"}", "1"), HasSubstr("has 5 bytes; it must have 32"));
}

TEST(KeySet, InvalidBase64) {
  const auto said = refusal("{\"1\": \"not base64 at all, but secret\"}", "1");
  EXPECT_THAT(said, HasSubstr("is no base64 text"));
  EXPECT_THAT(said, Not(HasSubstr("secret")));
}

TEST(KeySet, MissingActiveVersion) {
  EXPECT_THAT(refusal(ring(entry("1", 'a')), "2"), HasSubstr("no key of version 2"));
  for (const char* version : {"", "one", "0", "-1", "1.0"})
    EXPECT_THAT(refusal(ring(entry("1", 'a')), version), HasSubstr("version")) << version;
}

TEST(KeySet, EmptyKeys) { EXPECT_THAT(refusal("{}", "1"), HasSubstr("holds no key")); }

TEST(KeySet, DuplicateVersions) {
  EXPECT_THAT(refusal(ring(entry("1", 'a') + "," + entry("01", 'b')), "1"), HasSubstr("is there twice"));
  EXPECT_NE(refusal(ring(entry("1", 'a') + "," + entry("1", 'b')), "1"), "accepted");
}

TEST(KeySet, InvalidJsonIsNotRepeated) {
  const auto said = refusal("{\"1\": \"" + key_of('a'), "1");
  EXPECT_THAT(said, HasSubstr("must be a JSON object"));
  EXPECT_THAT(said, Not(HasSubstr(key_of('a').substr(0, 8))));
}

TEST(Seal, Roundtrip) {
  const auto set = keys();
  for (const std::string& token : {std::string("t"), std::string("ghp_abc"), std::string("ünïcode\nlines\n"),
                                   std::string("enc:v1:AAAA"), std::string(1, '\0')}) {
    const auto sealed = set.seal(token, kId);
    EXPECT_THAT(sealed, StartsWith("enc:v1:"));
    EXPECT_TRUE(is_sealed(sealed));
    const auto opened = set.open(sealed, kId);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ(*opened, token);
  }
}

TEST(Seal, DifferentNonce) {
  const auto set = keys();
  EXPECT_NE(set.seal("same", kId), set.seal("same", kId));
}

TEST(Seal, EmptyPlaintextStaysEmpty) { EXPECT_EQ(keys().seal("", kId), ""); }

TEST(Seal, LargePayload) {
  const auto set = keys();
  const std::string large(500'000, 'x');
  EXPECT_EQ(*set.open(set.seal(large, kId), kId), large);
}

TEST(Open, WrongCredentialId) {
  const auto set = keys();
  const auto opened = set.open(set.seal("token", kId), "2zzzDEF0123456789abcdefghij");
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message, HasSubstr("another credential"));
}

TEST(Open, TamperedCiphertext) {
  const auto set = keys();
  const auto sealed = set.seal("token", kId);
  auto bytes = *base64_decode(sealed.substr(7));
  for (const std::size_t at : {std::size_t{0}, std::size_t{13}, bytes.size() - 1}) {
    auto changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(set.open("enc:v1:" + base64_encode(changed), kId).ok()) << at;
  }
}

TEST(Open, InvalidEnvelopes) {
  const auto set = keys();
  const auto good = set.seal("token", kId);
  for (const std::string& bad :
       {std::string("plain"), std::string("enc:"), std::string("enc:v"), std::string("enc:1:AAAA"),
        std::string("enc:vx:AAAA"), std::string("enc:v1"), std::string("enc:v01:") + good.substr(7),
        std::string("enc:v-1:AAAA"), std::string("enc:v1:****"), std::string("enc:v1:AAAA"), std::string("enc:v1:")})
    EXPECT_FALSE(set.open(bad, kId).ok()) << bad;
}

TEST(Open, MissingKeyVersion) {
  const auto two = keys(entry("1", 'a') + "," + entry("2", 'b'), "2");
  const auto opened = keys().open(two.seal("token", kId), kId);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message, HasSubstr("key version 2, which the keyring does not have"));
}

TEST(Open, PayloadTooShort) {
  EXPECT_THAT(keys().open("enc:v1:" + base64_encode(std::string(27, 'x')), kId).error().message,
              HasSubstr("shorter than a nonce and a tag"));
}

TEST(KeySet, MultiVersionKeyringReadsOldAndWritesActive) {
  const auto one = keys();
  const auto both = keys(entry("1", 'a') + "," + entry("2", 'b'), "2");
  EXPECT_EQ(*both.open(one.seal("old", kId), kId), "old");
  EXPECT_THAT(both.seal("new", kId), StartsWith("enc:v2:"));
}

TEST(Sealed, VersionDetection) {
  EXPECT_EQ(sealed_version("enc:v12:AAAA"), 12);
  for (const char* none : {"", "plain", "enc:", "enc:v:AAAA", "enc:v1", "ENC:v1:AAAA"})
    EXPECT_EQ(sealed_version(none), std::nullopt) << none;
  EXPECT_TRUE(is_sealed("enc:nonsense"));
  EXPECT_FALSE(is_sealed("apiVersion: v1"));
}

class KeyringDirectory : public ::testing::Test {
 protected:
  void write(const std::string& keyring, const std::string& version) {
    ASSERT_TRUE(write_file_atomic(directory / "keyring", keyring).ok());
    ASSERT_TRUE(write_file_atomic(directory / "version", version).ok());
  }
  TemporaryDirectory directory = std::move(*TemporaryDirectory::create());
};

TEST_F(KeyringDirectory, IsReadAgainWhenItChanges) {
  write(ring(entry("1", 'a')), "1");
  const auto keyring = Keyring::load(directory.path());
  ASSERT_TRUE(keyring.ok());
  const auto sealed = (*keyring)->current()->seal("token", kId);
  write(ring(entry("1", 'a') + "," + entry("2", 'b')), "2");
  EXPECT_EQ((*keyring)->current()->active_version(), 2);
  EXPECT_EQ(*(*keyring)->current()->open(sealed, kId), "token");
}

TEST_F(KeyringDirectory, KeepsTheGoodKeysWhenAChangeIsBroken) {
  write(ring(entry("1", 'a')), "1");
  const auto keyring = Keyring::load(directory.path());
  ASSERT_TRUE(keyring.ok());
  write("{", "1");
  EXPECT_EQ((*keyring)->current()->active_version(), 1);
  write(ring(entry("5", 'e')), "5");
  EXPECT_EQ((*keyring)->current()->active_version(), 5);
}

TEST_F(KeyringDirectory, SaysWhichFileIsMissing) {
  EXPECT_THAT(Keyring::load(directory.path()).error().message, HasSubstr("/keyring"));
  ASSERT_TRUE(write_file_atomic(directory / "keyring", ring(entry("1", 'a'))).ok());
  EXPECT_THAT(Keyring::load(directory.path()).error().message, HasSubstr("/version"));
}

}  // namespace
}  // namespace fracta::credentials
