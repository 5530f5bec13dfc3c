// The API's own certificate: made once whoever is first, the same for all, renewed, and live when it changes.
#include "daemon/serving_certificate.hpp"

#include <thread>

#include "fracta/net/certificate_facts.hpp"
#include "integration/access_fixture.hpp"

namespace fracta::testing {
namespace {

using daemon::kServingSecret;
using daemon::ServingCertificate;

class ServingCertificateTest : public ClusterTest {
 protected:
  std::unique_ptr<ServingCertificate> make(std::chrono::hours lifetime = std::chrono::hours{24 * 90}) {
    ServingCertificate::Options options;
    options.ns = cluster().ns();
    options.names = daemon::serving_names(options.ns, names_);
    options.lifetime = lifetime;
    auto made = ServingCertificate::create(cluster().client(), cluster().clock(), options);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? *std::move(made) : nullptr;
  }
  std::vector<std::string> names_;
};

TEST_F(ServingCertificateTest, ReplicasThatStartTogetherServeTheSame) {
  std::vector<std::unique_ptr<ServingCertificate>> replicas(4);
  {
    std::vector<std::jthread> starters;
    for (auto& replica : replicas) starters.emplace_back([&] { replica = make(); });
  }
  for (const auto& replica : replicas) {
    ASSERT_TRUE(replica);
    EXPECT_EQ(replica->ca_pem(), replicas.front()->ca_pem());
    EXPECT_EQ(replica->current().certificate_pem, replicas.front()->current().certificate_pem);
  }
  auto restarted = make();
  EXPECT_EQ(restarted->current().certificate_pem, replicas.front()->current().certificate_pem);
}

TEST_F(ServingCertificateTest, RenewedBeforeItEndsByTheSameAuthority) {
  auto first = make(std::chrono::hours{1});
  const auto before = first->current().certificate_pem;
  // For somebody who wants certificates to last, an hour's is as good as over.
  auto second = make(std::chrono::hours{24 * 90});
  EXPECT_NE(second->current().certificate_pem, before);
  EXPECT_EQ(second->ca_pem(), first->ca_pem());
  ASSERT_TRUE(first->refresh());
  EXPECT_EQ(first->current().certificate_pem, second->current().certificate_pem);
}

TEST_F(ServingCertificateTest, OtherNamesOrABrokenSecretMakeANewOne) {
  const auto before = make()->current().certificate_pem;
  names_ = {"fracta.example.com", "192.0.2.7"};
  auto named = make();
  EXPECT_NE(named->current().certificate_pem, before);
  auto secret = cluster().client().get(kube::kSecrets, cluster().ns(), kServingSecret);
  ASSERT_TRUE(secret);
  (*secret)["data"]["tls.key"] = base64_encode("broken");
  ASSERT_TRUE(cluster().client().update(kube::kSecrets, cluster().ns(), kServingSecret, *secret));
  ASSERT_TRUE(named->refresh());
  EXPECT_TRUE(net::check_key_pair(named->current().certificate_pem, named->current().key_pem));
}

TEST_F(ServingCertificateTest, PublishesTheAuthorityForClientsAndNothingElse) {
  const auto published = [&] {
    auto map = cluster().client().get(kube::kConfigMaps, cluster().ns(), daemon::kAuthorityConfigMap);
    return map ? (*map)["data"] : Json(map.error().message);
  };
  auto served = make();
  EXPECT_EQ(published(), Json({{"ca.crt", served->ca_pem()}}));
  // Deleted or changed by somebody: put right at the next look.
  ASSERT_TRUE(cluster().client().remove(kube::kConfigMaps, cluster().ns(), daemon::kAuthorityConfigMap));
  ASSERT_TRUE(served->refresh());
  auto map = cluster().client().get(kube::kConfigMaps, cluster().ns(), daemon::kAuthorityConfigMap);
  ASSERT_TRUE(map);
  (*map)["data"] = {{"ca.crt", "somebody else's"}, {"more", "x"}};
  ASSERT_TRUE(cluster().client().update(kube::kConfigMaps, cluster().ns(), daemon::kAuthorityConfigMap, *map));
  ASSERT_TRUE(served->refresh());
  EXPECT_EQ(published(), Json({{"ca.crt", served->ca_pem()}}));
}

class ServedTls : public AccessTest {};

TEST_F(ServedTls, ClientsVerifyItAndARotationIsLive) {
  make_account("watcher", "fracta-viewer");
  start_guarded();
  if (HasFatalFailure()) return;
  const auto token = token_of("watcher");
  EXPECT_EQ(as(token, "GET", "/api/v1/agents").status, 200);

  auto stranger = net::make_certificate_authority("stranger");
  ASSERT_TRUE(stranger);
  net::TransportOptions wrong;
  wrong.tls.ca_pem = stranger->certificate_pem;
  auto transport = net::make_http_transport(*net::parse_url("https://" + daemon_->address()), wrong);
  ASSERT_TRUE(transport);
  auto refused = (*transport)->request({.method = "GET", .target = "/livez"}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnauthenticated);

  net::TransportOptions service;
  service.tls.ca_pem = ca_pem_;
  service.tls.server_name = "fracta-controlplane." + cluster().ns() + ".svc";
  transport = net::make_http_transport(*net::parse_url("https://" + daemon_->address()), service);
  auto by_name = (*transport)->request({.method = "GET", .target = "/livez"}, {});
  EXPECT_TRUE(by_name) << (by_name ? "" : by_name.error().message);

  // A second daemon serves the same certificate.
  const auto first_ca = ca_pem_;
  start_guarded();
  EXPECT_EQ(ca_pem_, first_ca);
}

}  // namespace
}  // namespace fracta::testing
