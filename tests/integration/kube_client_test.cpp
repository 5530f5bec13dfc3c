// The Kubernetes client against a whole API server: the development cluster, or any real one named by
// FRACTA_TEST_KUBECONFIG (seen: kube-apiserver 1.26 and 1.32).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "fracta/base/json.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/kube/reflector.hpp"
#include "integration/cluster.hpp"

namespace fracta::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Json config_map(const std::string& name, const std::string& value = "v") {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"labels", {{"app", "fracta"}}}}},
          {"data", {{"k", value}}}};
}

Json job(const std::string& name) {
  return *parse_json(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":")" + name +
                     R"("},"spec":{"suspend":true,"template":{"spec":
    {"restartPolicy":"Never","containers":[{"name":"agent","image":"none.invalid/none"}]}}}})");
}

class KubeClient : public testing::ClusterTest {
 protected:
  Client& client() { return cluster().client(); }
  const std::string& ns() { return cluster().ns(); }
};

TEST_F(KubeClient, ServerSaysItsVersion) {
  auto version = client().server_version();
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_THAT(string_at(*version, "gitVersion"), StartsWith("v1."));
}

TEST_F(KubeClient, ObjectsComeAndGo) {
  auto created = client().create(kConfigMaps, ns(), config_map("a"));
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(string_at(*created, "metadata/managedFields") + string_at(*created, "data/k"), "v");

  auto changed = *created;
  changed["data"]["k"] = "w";
  ASSERT_TRUE(client().update(kConfigMaps, ns(), "a", changed));
  auto stale = client().update(kConfigMaps, ns(), "a", changed);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::kConflict);

  auto patched = client().patch(kConfigMaps, ns(), "a", "application/merge-patch+json", {{"data", {{"k", "x"}}}});
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_EQ(string_at(*client().get(kConfigMaps, ns(), "a"), "data/k"), "x");

  DeleteOptions other;
  other.precondition_uid = "00000000-0000-0000-0000-000000000000";
  auto kept = client().remove(kConfigMaps, ns(), "a", other);
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, ErrorCode::kConflict);
  ASSERT_TRUE(client().remove(kConfigMaps, ns(), "a"));
  EXPECT_EQ(client().get(kConfigMaps, ns(), "a").error().code, ErrorCode::kNotFound);
}

TEST_F(KubeClient, ErrorsKeepTheServersWords) {
  auto missing = client().get(kJobs, ns(), "nope");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().reason, "NotFound");
  EXPECT_EQ(missing.error().message, "jobs.batch \"nope\" not found");

  ASSERT_TRUE(client().create(kConfigMaps, ns(), config_map("twice")));
  auto twice = client().create(kConfigMaps, ns(), config_map("twice"));
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(twice.error().http_status, 409);

  auto bad = job("bad");
  bad["spec"]["template"]["spec"]["restartPolicy"] = "Always";
  auto invalid = client().create(kJobs, ns(), bad, {.dry_run = true, .call = {}});
  ASSERT_FALSE(invalid);
  EXPECT_EQ(invalid.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(invalid.error().http_status, 422);
  ASSERT_FALSE(invalid.error().causes.empty());
  EXPECT_EQ(invalid.error().causes[0].field, "spec.template.spec.restartPolicy");

  auto log = client().pod_log(ns(), "nope", {}, [](std::string_view) { return true; });
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, ErrorCode::kNotFound);
}

TEST_F(KubeClient, StrictDryRunNamesUnknownFieldsAndStoresNothing) {
  auto object = job("dry");
  object["spec"]["template"]["spec"]["containerz"] = 1;
  auto strict =
      client().create(kJobs, ns(), object, {.dry_run = true, .field_validation = FieldValidation::kStrict, .call = {}});
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(strict.error().message, HasSubstr("spec.template.spec.containerz"));

  std::vector<std::string> warnings;
  Client::Options options;
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  auto warned = cluster().new_client(options);
  ASSERT_TRUE(warned);
  auto created =
      (*warned)->create(kJobs, ns(), object, {.dry_run = true, .field_validation = FieldValidation::kWarn, .call = {}});
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_THAT(warnings, ::testing::Contains(HasSubstr("containerz")));
  EXPECT_EQ(client().get(kJobs, ns(), "dry").error().code, ErrorCode::kNotFound);
}

TEST_F(KubeClient, MetadataOnlyLeavesTheRestOut) {
  auto created = client().create(kConfigMaps, ns(), config_map("a"), {.metadata_only = true, .call = {}});
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(string_at(*created, "kind"), "PartialObjectMetadata");
  EXPECT_FALSE(string_at(*created, "metadata/uid").empty());
  EXPECT_EQ(find(*created, "data"), nullptr);
}

TEST_F(KubeClient, ListsPageByPageAndBySelector) {
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(client().create(kConfigMaps, ns(), config_map("c" + std::to_string(i))));
  auto other = config_map("other");
  other["metadata"].erase("labels");
  ASSERT_TRUE(client().create(kConfigMaps, ns(), other));
  std::set<std::string> names;
  ListOptions options;
  options.label_selector = "app=fracta";
  options.limit = 3;
  auto version = client().list(kConfigMaps, ns(), options,
                               [&](const Json& item) { names.insert(string_at(item, "metadata/name")); });
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_FALSE(version->empty());
  EXPECT_EQ(names, (std::set<std::string>{"c0", "c1", "c2", "c3", "c4", "c5", "c6"}));
}

TEST_F(KubeClient, ReflectorFollowsEveryChange) {
  ASSERT_TRUE(client().create(kConfigMaps, ns(), config_map("before")));
  ReflectorOptions options;
  options.resource = kConfigMaps;
  options.ns = ns();
  options.label_selector = "app=fracta";
  options.name = "configmaps";
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> changes;
  Reflector<std::string> reflector(
      client(), cluster().clock(), options, [](const Json& o) { return string_at(o, "data/k"); },
      [&](const std::string& key, const std::string* before, const std::string* after) {
        std::lock_guard lock(mutex);
        changes.push_back(key.substr(key.find('/') + 1) + ":" + (before ? *before : "-") + ">" +
                          (after ? *after : "-"));
        changed.notify_all();
      });
  reflector.start();
  ASSERT_TRUE(reflector.loop().wait_until_synced(20s)) << reflector.loop().last_error();
  EXPECT_EQ(reflector.size(), 1u);
  ASSERT_TRUE(client().create(kConfigMaps, ns(), config_map("new", "1")));
  ASSERT_TRUE(client().patch(kConfigMaps, ns(), "new", "application/merge-patch+json", {{"data", {{"k", "2"}}}}));
  ASSERT_TRUE(client().remove(kConfigMaps, ns(), "new"));
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return changes.size() >= 4; }));
  EXPECT_THAT(changes, ::testing::ElementsAre("before:->v", "new:->1", "new:1>2", "new:2>-"));
}

TEST_F(KubeClient, AWatchInTheFarFutureIsRefusedOrWaits) {
  std::stop_source stop;
  std::jthread stopper([&](const std::stop_token& token) {
    wait_for(token, 3s);
    stop.request_stop();
  });
  WatchOptions options;
  options.resource_version = "999999999999";
  options.timeout = 2s;
  options.stop = stop.get_token();
  auto watched = client().watch(kConfigMaps, ns(), options, [](const WatchEvent&) { return true; });
  if (!watched) {
    EXPECT_TRUE(watched.error().code == ErrorCode::kDeadlineExceeded || watched.error().code == ErrorCode::kCanceled)
        << to_string(watched.error().code) << " " << watched.error().message;
  }
}

TEST_F(KubeClient, StopEndsAnIdleWatch) {
  std::stop_source stop;
  WatchOptions options;
  options.stop = stop.get_token();
  options.on_open = [&] { stop.request_stop(); };
  auto version = client().list(kConfigMaps, ns(), {}, [](const Json&) {});
  ASSERT_TRUE(version);
  options.resource_version = *version;
  auto watched = client().watch(kConfigMaps, ns(), options, [](const WatchEvent&) { return true; });
  ASSERT_FALSE(watched);
  EXPECT_EQ(watched.error().code, ErrorCode::kCanceled);
}

TEST_F(KubeClient, AWrongTokenIsUnauthenticated) {
  auto config = load_client_config({.kubeconfig = cluster().kubeconfig(), .context = ""}, cluster().clock());
  ASSERT_TRUE(config);
  class Wrong final : public TokenSource {
    Result<std::string> token(const std::stop_token&) override { return std::string("wrong"); }
  };
  config->token = std::make_shared<Wrong>();
  config->tls.certificate_pem.clear();
  config->tls.key_pem.clear();
  auto nobody = Client::create(std::move(*config), cluster().clock(), {});
  ASSERT_TRUE(nobody);
  auto answer = (*nobody)->get(kConfigMaps, ns(), "a");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnauthenticated);
}

TEST_F(KubeClient, ActingAsAUserWithoutRightsIsForbidden) {
  auto config = load_client_config({.kubeconfig = cluster().kubeconfig(), .context = ""}, cluster().clock());
  ASSERT_TRUE(config);
  config->impersonation.add("Impersonate-User", "nobody-at-all");
  auto nobody = Client::create(std::move(*config), cluster().clock(), {});
  ASSERT_TRUE(nobody);
  auto answer = (*nobody)->get(kSecrets, ns(), "a");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kForbidden);
  EXPECT_THAT(answer.error().message, HasSubstr("User \"nobody-at-all\" cannot get resource \"secrets\""));
  auto watched = (*nobody)->watch(kSecrets, ns(), {}, [](const WatchEvent&) { return true; });
  ASSERT_FALSE(watched);
  EXPECT_EQ(watched.error().code, ErrorCode::kForbidden);
}

TEST_F(KubeClient, AStrangersCertificateIsNotTrusted) {
  auto config = load_client_config({.kubeconfig = cluster().kubeconfig(), .context = ""}, cluster().clock());
  ASSERT_TRUE(config);
  config->tls.ca_pem.clear();  // the system's store does not know the cluster's CA
  config->tls.insecure_skip_verify = false;
  auto stranger = Client::create(std::move(*config), cluster().clock(), {});
  ASSERT_TRUE(stranger) << stranger.error().message;
  auto answer = (*stranger)->server_version({.timeout = 10s, .stop = {}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnauthenticated) << answer.error().message;
}

}  // namespace
}  // namespace fracta::kube
