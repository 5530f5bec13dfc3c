// Faults made on purpose over the wire, and what a client that meets them is asked with. They are cleared after each
// test.
#pragma once

#include <mutex>

#include "fracta/kube/client.hpp"
#include "integration/daemon_fixture.hpp"

namespace fracta::testing {

inline Json config_map(const std::string& name, const std::string& value = "v") {
  return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}, {"data", {{"k", value}}}};
}

class Faults : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (HasFatalFailure()) return;
    if (cluster().existing()) GTEST_SKIP() << "only a development cluster makes faults";
  }
  void TearDown() override {
    daemon_.reset();
    if (!cluster().existing()) clear();
  }

  // Of this test's namespace alone.
  void make(Json fault, Json match = Json::object()) {
    match["namespace"] = cluster().ns();
    fault["match"] = std::move(match);
    make_everywhere(fault);
  }
  void make_everywhere(const Json& fault) {
    auto made = cluster().client().raw("POST", "/_faults", dump_json(fault));
    ASSERT_TRUE(made) << made.error().message;
  }
  // Connections may be refused at this moment.
  void clear() {
    EXPECT_TRUE(
        within(std::chrono::seconds(20), [&] { return cluster().client().raw("DELETE", "/_faults", "").ok(); }));
  }
  std::int64_t hits() {
    auto list = cluster().client().raw("GET", "/_faults", "");
    std::int64_t sum = 0;
    if (list)
      for (const Json& fault : (*list)["faults"]) sum += fault["hits"].get<std::int64_t>();
    return sum;
  }

  // A client that does not really wait between retries, and remembers how long it would have.
  std::unique_ptr<kube::Client> quick_client() {
    kube::Client::Options options;
    options.sleep = [this](const std::stop_token& stop, std::chrono::nanoseconds wait) {
      const std::lock_guard lock(mutex_);
      waits_.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(wait));
      return !stop.stop_requested();
    };
    auto client = cluster().new_client(options);
    EXPECT_TRUE(client) << client.error().message;
    return std::move(*client);
  }
  std::vector<std::string> names(const kube::Resource& resource) {
    std::vector<std::string> result;
    auto listed = cluster().client().list(
        resource, cluster().ns(), {}, [&](const Json& item) { result.push_back(string_at(item, "metadata/name")); });
    EXPECT_TRUE(listed) << listed.error().message;
    return result;
  }

  std::mutex mutex_;
  std::vector<std::chrono::milliseconds> waits_;
};

}  // namespace fracta::testing
