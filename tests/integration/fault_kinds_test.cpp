// Each kind of fault by itself: what a plain client sees of it on the wire (docs/devcluster.md, "Faults").
#include <algorithm>
#include <condition_variable>

#include "fracta/base/subprocess.hpp"
#include "fracta/base/time.hpp"
#include "integration/faults_fixture.hpp"

namespace fracta::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The events of a watch as "ADDED a=1", in the order in which they came.
class WatchedConfigMaps {
 public:
  explicit WatchedConfigMaps(TestCluster& cluster, std::string version) {
    thread_ = std::jthread([this, &cluster, version = std::move(version)](const std::stop_token& stop) {
      kube::WatchOptions options;
      options.resource_version = version;
      options.stop = stop;
      options.on_open = [this] { note([this] { open_ = true; }); };
      ended_ = cluster.client().watch(kube::kConfigMaps, cluster.ns(), options, [&](const kube::WatchEvent& event) {
        static constexpr const char* kTypes[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};
        note([&] {
          seen_.push_back(std::string(kTypes[static_cast<int>(event.type)]) + " " +
                          string_at(event.object, "metadata/name") + "=" + string_at(event.object, "data/k"));
        });
        return true;
      });
      note([this] { over_ = true; });
    });
    until([this] { return open_ || over_; });
  }

  // So many events, or what came until the time was over.
  std::vector<std::string> events(std::size_t count) {
    until([&] { return seen_.size() >= count || over_; });
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  // How the watch ended.
  Result<void> end() {
    until([this] { return over_; });
    thread_.request_stop();
    thread_.join();
    return ended_;
  }

 private:
  void note(const std::function<void()>& change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  void until(const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 20s, done);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> seen_;
  bool open_ = false, over_ = false;
  Result<void> ended_;
  std::jthread thread_;
};

class FaultKinds : public Faults {
 protected:
  // Where a watch of this test begins: once the namespace has the ConfigMap that comes by itself.
  std::string version() {
    EXPECT_TRUE(within(20s, [&] { return names(kube::kConfigMaps).size() == 1; }));
    auto listed = cluster().client().list(kube::kConfigMaps, cluster().ns(), {}, [](const Json&) {});
    EXPECT_TRUE(listed) << listed.error().message;
    return listed.value_or("");
  }
  void create(const std::string& name, const std::string& value = "1") {
    auto made = cluster().client().create(kube::kConfigMaps, cluster().ns(), config_map(name, value));
    ASSERT_TRUE(made) << made.error().message;
  }
  void set(const std::string& name, const std::string& value) {
    auto made = cluster().client().patch(kube::kConfigMaps, cluster().ns(), name, "application/merge-patch+json",
                                         {{"data", {{"k", value}}}});
    ASSERT_TRUE(made) << made.error().message;
  }
};

TEST_F(FaultKinds, ReorderedEventsComeInPairsTheWrongWayRound) {
  const std::string from = version();
  make({{"watch", "reorder"}}, {{"resource", "configmaps"}});
  WatchedConfigMaps watch(cluster(), from);
  create("a");
  create("b");
  set("a", "2");
  EXPECT_THAT(watch.events(3), ElementsAre("ADDED b=1", "ADDED a=1", "MODIFIED a=2")) << "the last has nobody to swap";
}

TEST_F(FaultKinds, DuplicatedEventsComeTwice) {
  const std::string from = version();
  make({{"watch", "duplicate"}}, {{"resource", "configmaps"}});
  WatchedConfigMaps watch(cluster(), from);
  create("a");
  set("a", "2");
  EXPECT_THAT(watch.events(4), ElementsAre("ADDED a=1", "ADDED a=1", "MODIFIED a=2", "MODIFIED a=2"));
}

TEST_F(FaultKinds, DroppedEventsNeverComeAndOtherWatchesAreWhole) {
  const std::string from = version();
  make({{"watch", "drop"}, {"count", 1}}, {{"resource", "configmaps"}});
  WatchedConfigMaps deaf(cluster(), from);
  WatchedConfigMaps whole(cluster(), from);
  create("a");
  set("a", "2");
  EXPECT_THAT(whole.events(2), ElementsAre("ADDED a=1", "MODIFIED a=2"));
  EXPECT_THAT(deaf.events(0), IsEmpty());
}

TEST_F(FaultKinds, AWatchThatIsGoneSaysSoAndOneThatEndsDoesNot) {
  make({{"watch", "gone"}, {"count", 1}}, {{"resource", "configmaps"}});
  const auto gone = WatchedConfigMaps(cluster(), version()).end();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kGone);
  EXPECT_THAT(gone.error().message, HasSubstr("too old resource version"));
  clear();
  make({{"watch", "end"}, {"count", 1}}, {{"resource", "configmaps"}});
  WatchedConfigMaps ending(cluster(), version());
  create("a");
  EXPECT_TRUE(ending.end()) << "an end in order, as after timeoutSeconds";
  EXPECT_THAT(ending.events(1), ElementsAre("ADDED a=1"));
}

TEST_F(FaultKinds, AHalfOpenWatchIsNeverAccepted) {
  make({{"connection", "silence"}}, {{"verb", "watch"}});
  const auto& config = cluster().client().config();
  auto transport = net::make_http_transport(config.server, {.tls = config.tls, .unix_socket = ""});
  ASSERT_TRUE(transport);
  auto token = config.token->token({});
  ASSERT_TRUE(token);
  net::Request request;
  request.target = "/api/v1/namespaces/" + cluster().ns() + "/configmaps?watch=1";
  request.headers.set("Authorization", "Bearer " + *token);
  bool accepted = false;
  net::StreamHandler handler;
  handler.on_head = [&](const net::Response&) { return accepted = true; };
  net::StreamOptions hasty;
  hasty.head_timeout = 300ms;
  const auto ended = (*transport)->stream(request, hasty, handler);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_FALSE(accepted);
}

TEST_F(FaultKinds, LatencyHoldsRequestsUp) {
  make({{"latency", "2s"}, {"count", 1}}, {{"verb", "get"}});
  kube::CallContext hasty;
  hasty.timeout = 200ms;
  auto late = cluster().client().get(kube::kConfigMaps, cluster().ns(), "x", hasty);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(cluster().client().get(kube::kConfigMaps, cluster().ns(), "x").error().code, ErrorCode::kNotFound);
}

TEST_F(FaultKinds, A429WithoutRetryAfterIsTheAnswer) {
  make({{"status", 429}}, {{"verb", "get"}});
  auto client = quick_client();
  auto got = client->get(kube::kConfigMaps, cluster().ns(), "x");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(hits(), 1);
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(FaultKinds, AScopeIsVerbResourceNameAndCount) {
  for (const char* name : {"one", "two"}) create(name);
  make({{"status", 500}, {"skip", 1}, {"count", 2}}, {{"verb", "get"}, {"resource", "configmaps"}, {"name", "one"}});
  auto& client = cluster().client();
  std::vector<bool> worked;
  for (int i = 0; i < 5; ++i) worked.push_back(client.get(kube::kConfigMaps, cluster().ns(), "one").ok());
  EXPECT_THAT(worked, ElementsAre(true, false, false, true, true));
  EXPECT_TRUE(client.get(kube::kConfigMaps, cluster().ns(), "two"));
  EXPECT_EQ(client.get(kube::kSecrets, cluster().ns(), "one").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(hits(), 2);
}

TEST_F(FaultKinds, ARenewedCertificateIsAnotherOneThatIsBelieved) {
  const char* path = std::getenv("PATH");
  const std::string openssl = find_on_path("openssl", path == nullptr ? "" : path);
  if (openssl.empty()) GTEST_SKIP() << "openssl is not installed";
  const auto served = [&] {
    const auto& url = cluster().client().config().server;
    CommandOptions options;
    options.argv = {openssl, "s_client", "-connect", url.host + ":" + std::to_string(url.port)};
    options.timeout = 30s;
    auto shown = run_command(options);
    EXPECT_TRUE(shown);
    const std::string text = shown ? shown->standard_output : "";
    const auto begin = text.find("-----BEGIN"), end = text.find("-----END");
    return begin < end && end != std::string::npos ? text.substr(begin, end - begin) : "";
  };
  const std::string before = served();
  ASSERT_NE(before, "");
  make_everywhere({{"certificate", "renewed"}});
  EXPECT_TRUE(within(20s, [&] {
    const std::string now = served();
    return !now.empty() && now != before;
  }));
  EXPECT_TRUE(quick_client()->server_version().ok());
}

// Faults of the cluster itself.
class ClusterFaults : public FaultKinds {
 protected:
  Json node() { return cluster().client().raw("GET", "/api/v1/nodes/fracta-dev", "").value_or(Json()); }
  std::string node_condition(const std::string& type) {
    const Json object = node();
    const Json* conditions = find_path(object, "status/conditions");
    for (const Json& condition : conditions != nullptr ? *conditions : Json::array())
      if (string_at(condition, "type") == type) return string_at(condition, "status");
    return "";
  }
  bool becomes_condition(const std::string& type, const std::string& status) {
    return within(30s, [&] { return node_condition(type) == status; });
  }
  void run_pod(const std::string& name, const std::vector<std::string>& command) {
    const Json container = {{"name", "main"}, {"image", image()}, {"command", command}};
    auto made =
        cluster().client().create(kube::kPods, cluster().ns(),
                                  {{"apiVersion", "v1"},
                                   {"kind", "Pod"},
                                   {"metadata", {{"name", name}}},
                                   {"spec", {{"restartPolicy", "Never"}, {"containers", Json::array({container})}}}});
    ASSERT_TRUE(made) << made.error().message;
  }
  Json pod(const std::string& name) {
    return cluster().client().get(kube::kPods, cluster().ns(), name).value_or(Json());
  }
  bool reaches(const std::string& name, const std::string& phase) {
    return within(60s, [&] { return string_at(pod(name), "status/phase") == phase; });
  }
  std::vector<std::string> waiting_for(const std::string& name) {
    const Json object = pod(name);
    std::vector<std::string> messages;
    const Json* conditions = find_path(object, "status/conditions");
    for (const Json& condition : conditions != nullptr ? *conditions : Json::array())
      if (string_at(condition, "type") == "PodScheduled") messages.push_back(string_at(condition, "message"));
    return messages;
  }
  bool over(std::size_t fault) {
    auto list = cluster().client().raw("GET", "/_faults", "");
    return list && (*list)["faults"].size() > fault && bool_at((*list)["faults"][fault], "over");
  }
};

TEST_F(ClusterFaults, ALostNodeIsUnknownAndComesBack) {
  run_pod("runs", {"sleep", "300"});
  ASSERT_TRUE(reaches("runs", "Running"));
  make_everywhere({{"node", "lost"}});
  EXPECT_TRUE(becomes_condition("Ready", "Unknown"));
  EXPECT_EQ(string_at(node()["spec"]["taints"][0], "key"), "node.kubernetes.io/unreachable");
  EXPECT_EQ(string_at(pod("runs"), "status/phase"), "Running") << "nobody knows better";
  run_pod("late", {"true"});
  EXPECT_TRUE(within(20s, [&] {
    return ::testing::Value(waiting_for("late"), ::testing::Contains(HasSubstr("node.kubernetes.io/unreachable")));
  }));
  clear();
  EXPECT_TRUE(becomes_condition("Ready", "True"));
  EXPECT_TRUE(reaches("late", "Succeeded")) << dump_json(pod("late"), 1);
  EXPECT_EQ(string_at(pod("runs"), "status/phase"), "Running");
}

TEST_F(ClusterFaults, ALostNodeHealsByItselfWhenTheTimeIsOver) {
  make_everywhere({{"node", "lost"}, {"for", "700ms"}});
  EXPECT_TRUE(becomes_condition("Ready", "Unknown"));
  EXPECT_TRUE(becomes_condition("Ready", "True")) << "nobody deleted the fault";
  EXPECT_TRUE(over(0));
  run_pod("next", {"true"});
  EXPECT_TRUE(reaches("next", "Succeeded"));
}

TEST_F(ClusterFaults, TwoFaultsOfOneKindAreOverWhenBothAre) {
  make_everywhere({{"node", "lost"}});
  make_everywhere({{"node", "lost"}, {"for", "300ms"}});
  EXPECT_TRUE(within(20s, [&] { return over(1); }));
  EXPECT_EQ(node_condition("Ready"), "Unknown") << "the first goes on";
  clear();
  EXPECT_TRUE(becomes_condition("Ready", "True"));
}

TEST_F(ClusterFaults, AFullDiskEvictsAndRefuses) {
  run_pod("runs", {"sleep", "300"});
  ASSERT_TRUE(reaches("runs", "Running"));
  make_everywhere({{"node", "disk-full"}});
  EXPECT_TRUE(reaches("runs", "Failed"));
  EXPECT_EQ(string_at(pod("runs"), "status/reason"), "Evicted");
  EXPECT_EQ(string_at(pod("runs"), "status/message"), "The node was low on resource: ephemeral-storage. ");
  EXPECT_EQ(node_condition("DiskPressure"), "True");
  run_pod("late", {"true"});
  EXPECT_TRUE(within(20s, [&] {
    return ::testing::Value(waiting_for("late"), ::testing::Contains(HasSubstr("node.kubernetes.io/disk-pressure")));
  }));
  clear();
  EXPECT_TRUE(becomes_condition("DiskPressure", "False"));
  EXPECT_TRUE(reaches("late", "Succeeded"));
}

TEST_F(ClusterFaults, ASkewedClockIsRightAgainWhenTheTimeIsOver) {
  make_everywhere({{"clockSkew", "-24h"}, {"for", "400ms"}});
  EXPECT_TRUE(within(20s, [&] { return over(0); }));
  const auto stamped = [&](const std::string& name) {
    auto made = cluster().client().create(kube::kConfigMaps, cluster().ns(), config_map(name));
    return made ? string_at(*made, "metadata/creationTimestamp") : "";
  };
  int n = 0;
  const std::string day_ago = format_rfc3339(cluster().clock().system_now() - 12h);
  EXPECT_TRUE(within(20s, [&] { return stamped("m" + std::to_string(n++)) > day_ago; }));
}

TEST(FaultsFile, IsInForceFromTheStart) {
  auto directory = TemporaryDirectory::create();
  ASSERT_TRUE(directory);
  const std::string file = *directory / "faults.yaml";
  ASSERT_TRUE(write_file_atomic(file,
                                "faults:\n"
                                "- {match: {verb: get, resource: secrets}, status: 503, message: from the file}\n"
                                "- {node: lost, for: 1500ms}\n"));
  devcluster::Options options;
  options.faults_file = file;
  auto cluster = devcluster::DevCluster::create(options);
  ASSERT_TRUE(cluster) << cluster.error().message;
  ASSERT_TRUE((*cluster)->start());
  RealClock clock;
  auto config = kube::load_client_config({.kubeconfig = (*cluster)->kubeconfig(), .context = ""}, clock);
  ASSERT_TRUE(config);
  auto client = kube::Client::create(std::move(*config), clock, {});
  ASSERT_TRUE(client);
  auto refused = (*client)->get(kube::kSecrets, "default", "x");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("from the file"));
  const auto ready = [&] {
    auto node = (*client)->raw("GET", "/api/v1/nodes/fracta-dev", "");
    if (node)
      for (const Json& condition : (*node)["status"]["conditions"])
        if (string_at(condition, "type") == "Ready") return string_at(condition, "status");
    return std::string();
  };
  EXPECT_TRUE(within(20s, [&] { return ready() == "True"; })) << ready();
}

TEST(FaultsFile, ThatIsWrongIsNamedAtTheStart) {
  auto directory = TemporaryDirectory::create();
  ASSERT_TRUE(directory);
  const std::string file = *directory / "faults.yaml";
  ASSERT_TRUE(write_file_atomic(file, "- {status: 99}\n"));
  devcluster::Options options;
  options.faults_file = file;
  auto cluster = devcluster::DevCluster::create(options);
  ASSERT_TRUE(cluster);
  auto started = (*cluster)->start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, ::testing::AllOf(HasSubstr("faults.yaml"), HasSubstr("status must be")));
}

}  // namespace
}  // namespace fracta::testing
