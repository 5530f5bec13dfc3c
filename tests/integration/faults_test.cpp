// What a user sees while the API server misbehaves: the Kubernetes client, the cache and the whole daemon against the
// development cluster's faults (docs/devcluster.md). Nothing is lost, nothing is doubled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "fracta/kube/reflector.hpp"
#include "integration/faults_fixture.hpp"

namespace fracta::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

TEST_F(Faults, AreWrongWithAReason) {
  for (const auto& [fault, why] : std::vector<std::pair<Json, std::string>>{
           {{{"status", 200}}, "status must be a number from 400 to 599"},
           {{{"latency", "soon"}}, "latency"},
           {{{"match", {{"verbs", "get"}}}, {"status", 500}}, "match: unknown key verbs"},
           {{{"count", 1}}, "no effect"},
           {{{"connection", "wobbly"}}, "connection must be one of reset, silence, cut"}}) {
    auto made = cluster().client().raw("POST", "/_faults", dump_json(fault));
    ASSERT_FALSE(made) << dump_json(fault);
    EXPECT_THAT(made.error().message, HasSubstr(why));
  }
}

TEST_F(Faults, AreForMastersOnly) {
  auto config = kube::load_client_config({.kubeconfig = cluster().kubeconfig(), .context = ""}, cluster().clock());
  ASSERT_TRUE(config);
  config->impersonation.set("Impersonate-User", "somebody");
  auto client = kube::Client::create(std::move(*config), cluster().clock(), {});
  ASSERT_TRUE(client);
  auto made = (*client)->raw("POST", "/_faults", R"({"status":500})");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kForbidden);
}

TEST_F(Faults, AThrottledRequestIsMadeAgainWhenTheServerSaysSo) {
  make({{"status", 429}, {"retryAfter", 2}, {"count", 2}});
  auto client = quick_client();
  auto created = client->create(kube::kConfigMaps, cluster().ns(), config_map("a"));
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(hits(), 2);
  EXPECT_THAT(waits_, ::testing::ElementsAre(Ge(2s), Ge(2s)));
}

TEST_F(Faults, AServersErrorKeepsItsWords) {
  make({{"status", 503}, {"message", "etcdserver: leader changed"}}, {{"verb", "create"}});
  auto client = quick_client();
  auto created = client->create(kube::kConfigMaps, cluster().ns(), config_map("a"));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(created.error().message, HasSubstr("etcdserver: leader changed"));
  EXPECT_TRUE(client->list(kube::kConfigMaps, cluster().ns(), {}, [](const Json&) {})) << "only creations fail";
}

TEST_F(Faults, ALostAnswerDoublesNothing) {
  make({{"connection", "reset"}, {"after", true}, {"count", 1}}, {{"verb", "create"}, {"resource", "configmaps"}});
  auto client = quick_client();
  auto created = client->create(kube::kConfigMaps, cluster().ns(), config_map("once"));
  ASSERT_FALSE(created) << "nobody can know that it happened";
  EXPECT_EQ(created.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(names(kube::kConfigMaps), Contains("once"));
  EXPECT_EQ(client->create(kube::kConfigMaps, cluster().ns(), config_map("once")).error().code,
            ErrorCode::kAlreadyExists);
}

TEST_F(Faults, SilenceEndsAtTheDeadline) {
  make({{"connection", "silence"}, {"count", 1}}, {{"verb", "get"}});
  kube::CallContext call;
  call.timeout = 300ms;
  auto got = cluster().client().get(kube::kConfigMaps, cluster().ns(), "x", call);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(Faults, ACutListIsNoShortList) {
  for (const char* name : {"a", "b", "c"})
    ASSERT_TRUE(cluster().client().create(kube::kConfigMaps, cluster().ns(), config_map(name)));
  make({{"connection", "cut"}, {"cutAt", 600}, {"count", 1}}, {{"verb", "list"}});
  auto client = quick_client();
  auto listed = client->list(kube::kConfigMaps, cluster().ns(), {}, [](const Json&) {});
  EXPECT_FALSE(listed);
  EXPECT_THAT(names(kube::kConfigMaps), ::testing::IsSupersetOf({"a", "b", "c"}));
}

TEST_F(Faults, ASlowAnswerArrives) {
  ASSERT_TRUE(cluster().client().create(kube::kConfigMaps, cluster().ns(), config_map("a")));
  make({{"slow", {{"bytes", 64}, {"every", "2ms"}}}}, {{"verb", "get"}});
  auto got = cluster().client().get(kube::kConfigMaps, cluster().ns(), "a");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(string_at(*got, "data/k"), "v");
}

TEST_F(Faults, RefusedConnectionsComeBack) {
  auto client = quick_client();
  make_everywhere({{"refuse", "700ms"}});
  ASSERT_TRUE(within(10s, [&] { return !client->server_version(); })) << "nobody was refused";
  ASSERT_TRUE(within(20s, [&] { return client->server_version().ok(); }));
}

TEST_F(Faults, StaleReadsShowThePast) {
  auto& client = cluster().client();
  ASSERT_TRUE(client.create(kube::kConfigMaps, cluster().ns(), config_map("a", "old")));
  make({{"stale", 1}}, {{"verb", "get"}});
  const auto write = [&](const char* value) {
    return client
        .patch(kube::kConfigMaps, cluster().ns(), "a", "application/merge-patch+json", {{"data", {{"k", value}}}})
        .ok();
  };
  // Again while a controller's write comes in between: one change back is then the controller's.
  EXPECT_TRUE(within(20s, [&] {
    if (!write("old") || !write("new")) return false;
    const auto read = client.get(kube::kConfigMaps, cluster().ns(), "a");
    return read && string_at(*read, "data/k") == "old";
  }));
  clear();
  EXPECT_EQ(string_at(*client.get(kube::kConfigMaps, cluster().ns(), "a"), "data/k"), "new");
}

TEST_F(Faults, ASkewedClockStampsObjects) {
  make_everywhere({{"clockSkew", "-24h"}});
  auto made = cluster().client().create(kube::kConfigMaps, cluster().ns(), config_map("yesterday"));
  ASSERT_TRUE(made);
  clear();
  auto now = cluster().client().create(kube::kConfigMaps, cluster().ns(), config_map("today"));
  ASSERT_TRUE(now);
  EXPECT_LT(string_at(*made, "metadata/creationTimestamp"), string_at(*now, "metadata/creationTimestamp"));
}

TEST_F(Faults, AStrangersCertificateIsRefused) {
  for (const char* which : {"other-authority", "other-name", "expired"}) {
    make_everywhere({{"certificate", which}});
    ErrorCode code = ErrorCode::kInternal;
    EXPECT_TRUE(within(20s, [&] {
      auto fresh = quick_client();  // connections that are open already go on
      auto asked = fresh->server_version();
      if (!asked) code = asked.error().code;
      return !asked;
    })) << which;
    EXPECT_EQ(code, ErrorCode::kUnauthenticated) << which;
    clear();
  }
  EXPECT_TRUE(within(20s, [&] { return quick_client()->server_version().ok(); }));
}

TEST_F(Faults, ARevokedTokenIsReplaced) {
  auto& client = cluster().client();
  const std::string account = "/api/v1/namespaces/" + cluster().ns() + "/serviceaccounts/default/token";
  const auto new_token = [&] {
    std::string token;  // a namespace has its account a moment after it was made
    EXPECT_TRUE(within(20s, [&] {
      auto made = client.raw("POST", account, R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest"})");
      if (made) token = string_at(*made, "status/token");
      return made.ok();
    }));
    return token;
  };
  const auto accepted = [&](const std::string& token) {
    const Json review = {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenReview"}};
    net::TransportOptions options;
    options.tls.ca_pem = client.config().tls.ca_pem;
    auto transport = net::make_http_transport(client.config().server, options);
    net::Request request;
    request.target = "/api";
    request.headers.set("Authorization", "Bearer " + token);
    auto response = (*transport)->request(request, {});
    EXPECT_TRUE(response);
    return response && response->status == 200;
  };
  const std::string token = new_token();
  EXPECT_TRUE(accepted(token));
  make_everywhere({{"revoke", true}, {"match", {{"user", "system:serviceaccount:" + cluster().ns() + ":*"}}}});
  EXPECT_FALSE(accepted(token));
  // Issued in a later second.
  EXPECT_TRUE(within(20s, [&] { return accepted(new_token()); }));
}

// The cache stands whatever happens to its watch.
class DisturbedWatch : public Faults, public ::testing::WithParamInterface<const char*> {};

TEST_P(DisturbedWatch, LeavesTheCacheRight) {
  auto& client = cluster().client();
  const std::string what = GetParam();
  if (what == "end" || what == "gone") {
    make({{"watch", what}, {"count", 2}}, {{"resource", "configmaps"}});
  } else if (what == "cut") {
    make({{"connection", "reset"}, {"count", 2}}, {{"resource", "configmaps"}, {"verb", "watch"}});
  } else {
    make({{"watch", what}}, {{"resource", "configmaps"}});
  }
  kube::ReflectorOptions options;
  options.resource = kube::kConfigMaps;
  options.ns = cluster().ns();
  options.name = "configmaps";
  options.sleep = [](const std::stop_token& stop, std::chrono::nanoseconds) { return wait_for(stop, 10ms); };
  kube::Reflector<std::string> cache(
      client, cluster().clock(), options, [](const Json& o) { return string_at(o, "data/k"); },
      [](const std::string&, const std::string*, const std::string*) {});
  cache.start();
  ASSERT_TRUE(cache.loop().wait_until_synced(20s)) << cache.loop().last_error();
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(client.create(kube::kConfigMaps, cluster().ns(), config_map(name, "1")));
    ASSERT_TRUE(client.patch(kube::kConfigMaps, cluster().ns(), name, "application/merge-patch+json",
                             {{"data", {{"k", "2"}}}}));
  }
  ASSERT_TRUE(client.remove(kube::kConfigMaps, cluster().ns(), "b"));
  const std::string key = cluster().ns() + "/";
  EXPECT_TRUE(within(30s, [&] {
    const auto a = cache.get(key + "a"), c = cache.get(key + "c");
    return a && *a == "2" && c && *c == "2" && !cache.get(key + "b");
  })) << cache.loop().last_error();
  EXPECT_GE(hits(), 1);
}

INSTANTIATE_TEST_SUITE_P(Faults, DisturbedWatch, ::testing::Values("gone", "end", "cut", "duplicate"));

TEST_F(Faults, AgentsStartOnceWhileAnswersGetLost) {
  make({{"watch", "gone"}, {"count", 2}});
  ASSERT_NO_FATAL_FAILURE(start());
  make({{"connection", "reset"}, {"after", true}, {"count", 3}}, {{"verb", "create"}, {"resource", "jobs.batch"}});
  make({{"status", 429}, {"retryAfter", 1}, {"count", 2}}, {{"verb", "create"}, {"resource", "configmaps"}});
  std::vector<std::string> agents;
  for (int i = 0; i < 4; ++i) {
    const std::string name = "f" + std::to_string(i);
    const Json body = {{"task", name}, {"command", {"sh", "-c", "sleep 60"}}};
    // A user who is told that it did not work asks again, with the same name.
    ASSERT_TRUE(within(60s, [&] {
      const int status = call("POST", "/api/v1/agents", body).status;
      return status == 201 || status == 409;
    })) << name;
    agents.push_back("fracta-agent-" + name);
  }
  EXPECT_EQ(hits(), 7) << "the faults did not happen";
  EXPECT_THAT(names(kube::kJobs), ::testing::UnorderedElementsAreArray(agents));
  for (int i = 0; i < 4; ++i)
    EXPECT_TRUE(within(30s, [&] { return call("DELETE", "/api/v1/agents/f" + std::to_string(i)).status != 500; }));
  EXPECT_TRUE(within(60s, [&] { return names(kube::kJobs).empty(); }));
  EXPECT_TRUE(within(60s, [&] {
    const auto maps = names(kube::kConfigMaps), secrets = names(kube::kSecrets);
    const auto left = [](const std::vector<std::string>& list) {
      return std::count_if(list.begin(), list.end(),
                           [](const std::string& name) { return name.starts_with("fracta-"); });
    };
    return left(maps) == 0 && left(secrets) == 0;
  })) << "leaked objects";
}

TEST_F(Faults, TheDaemonIsBackAfterTheServer) {
  ASSERT_NO_FATAL_FAILURE(start());
  auto witness = quick_client();
  make_everywhere({{"refuse", "1500ms"}});
  ASSERT_TRUE(within(10s, [&] { return !witness->server_version(); })) << "nobody was refused";
  ASSERT_TRUE(within(60s, [&] {
    const int status = call("POST", "/api/v1/agents", {{"task", "late"}, {"command", {"sh", "-c", "exit 0"}}}).status;
    return status == 201 || status == 409;
  }));
  EXPECT_TRUE(within(60s, [&] { return status("late") == "Completed"; })) << status("late");
}

}  // namespace
}  // namespace fracta::testing
