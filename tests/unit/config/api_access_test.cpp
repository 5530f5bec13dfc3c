// control_plane_api: TLS, who may call, limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/helpers.hpp"

namespace fracta::config {
namespace {

using ::testing::HasSubstr;

std::string problems(const std::string& block) { return all_text(load("control_plane_api: {" + block + "}\n")); }

TEST(ApiAccess, IsDecoded) {
  const Config config = clean(
      "control_plane_api:\n  tls: {certificate_file: /tls/tls.crt, key_file: /tls/tls.key, ca_file: /tls/ca.crt}\n"
      "  auth: {mode: kubernetes, audiences: [fracta.example]}\n  rate_limits: {per_identity: 7, per_address: 0}\n");
  EXPECT_EQ(config.api_tls.certificate_file, "/tls/tls.crt");
  EXPECT_EQ(config.api_tls.key_file, "/tls/tls.key");
  EXPECT_EQ(config.api_tls.ca_file, "/tls/ca.crt");
  EXPECT_EQ(config.api_auth.mode, "kubernetes");
  EXPECT_EQ(config.api_auth.audiences, (std::vector<std::string>{"fracta.example"}));
  EXPECT_EQ(config.api_rate_limits.per_identity, 7);
  EXPECT_EQ(config.api_rate_limits.per_address, 0);
  const Config own = clean("control_plane_api: {tls: {self_signed: true, names: [f.example, 192.0.2.1, '::1']}}");
  EXPECT_TRUE(own.api_tls.self_signed);
  EXPECT_EQ(own.api_tls.names.size(), 3u);
  const Config nothing = clean("");
  EXPECT_EQ(nothing.api_auth.mode, "");
  EXPECT_EQ(nothing.api_rate_limits.per_identity, 100);
}

TEST(ApiAccess, ContradictionsAreErrors) {
  EXPECT_THAT(problems("tls: {certificate_file: /c}"), HasSubstr("give both or none"));
  EXPECT_THAT(problems("tls: {certificate_file: /c, key_file: /k, self_signed: true}"), HasSubstr("not both"));
  EXPECT_THAT(problems("tls: {self_signed: true, names: ['not a name']}"), HasSubstr("neither a DNS name nor"));
  EXPECT_THAT(problems("tls: {self_signed: true, ca_file: /c}"), HasSubstr("brings its own CA"));
  EXPECT_THAT(problems("auth: {mode: static}"), HasSubstr("needs token_file"));
  EXPECT_THAT(problems("auth: {token_file: /t}"), HasSubstr("mode: static"));
  EXPECT_THAT(problems("auth: {mode: everybody}"), HasSubstr("kubernetes"));
  EXPECT_THAT(problems("rate_limits: {per_identity: -1}"), HasSubstr("requests a second"));
}

}  // namespace
}  // namespace fracta::config
