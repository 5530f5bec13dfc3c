// A cluster for integration tests: an existing one named by FRACTA_TEST_KUBECONFIG, or a development cluster inside
// this process (one for all tests of the process). Each TestCluster has a namespace of its own, deleted at its end.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "fracta/base/clock.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"
#include "fracta/devcluster/devcluster.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/kube/client_config.hpp"

namespace fracta::testing {

inline bool within(std::chrono::seconds limit, const std::function<bool()>& condition) {
  auto until = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    wait_for(std::stop_token{}, std::chrono::milliseconds(20));
  }
  return true;
}

// The process-wide development cluster, started by the first test that asks for it. It is an Environment and no plain
// static: its threads must have ended before the first destructor of a static object runs at exit.
class SharedDevCluster final : public ::testing::Environment {
 public:
  // Null (with a test failure) when it does not start.
  std::shared_ptr<devcluster::DevCluster> get() {
    if (!cluster_) {
      auto created = devcluster::DevCluster::create({});
      if (!created) {
        ADD_FAILURE() << "development cluster: " << created.error().message;
        return nullptr;
      }
      if (auto started = (*created)->start(); !started) {
        ADD_FAILURE() << "development cluster: " << started.error().message;
        return nullptr;
      }
      cluster_ = *std::move(created);
    }
    return cluster_;
  }
  void TearDown() override { cluster_.reset(); }

 private:
  std::shared_ptr<devcluster::DevCluster> cluster_;
};

// gtest owns it.
inline SharedDevCluster* const shared_devcluster =
    static_cast<SharedDevCluster*>(::testing::AddGlobalTestEnvironment(new SharedDevCluster));

class TestCluster {
 public:
  // Null, with a test failure saying why, when there is no cluster to be had:
  //   auto cluster = TestCluster::open(); ASSERT_TRUE(cluster);
  static std::unique_ptr<TestCluster> open() {
    std::unique_ptr<TestCluster> self(new TestCluster);
    if (const char* path = std::getenv("FRACTA_TEST_KUBECONFIG"); path != nullptr && *path != '\0') {
      self->kubeconfig_ = path;
      self->existing_ = true;
    } else {
      auto shared = shared_devcluster->get();
      if (!shared) return nullptr;
      self->kubeconfig_ = shared->kubeconfig();
    }
    auto connected = self->connect();
    if (!connected) {
      ADD_FAILURE() << "test cluster " << self->kubeconfig_ << ": " << connected.error().message;
      return nullptr;
    }
    return self;
  }

  ~TestCluster() {
    if (client_ && !ns_.empty()) static_cast<void>(client_->remove(kube::kNamespaces, "", ns_));
  }
  TestCluster(const TestCluster&) = delete;
  TestCluster& operator=(const TestCluster&) = delete;

  [[nodiscard]] const std::string& kubeconfig() const { return kubeconfig_; }
  [[nodiscard]] const std::string& ns() const { return ns_; }
  [[nodiscard]] bool existing() const { return existing_; }  // true: not ours; it may have no node that runs pods
  [[nodiscard]] kube::Client& client() { return *client_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

  // A further client of its own, e.g. with metrics or another user agent.
  Result<std::unique_ptr<kube::Client>> new_client(kube::Client::Options options = {}) const {
    auto config = kube::load_client_config({.kubeconfig = kubeconfig_, .context = ""}, clock_);
    if (!config) return config.error();
    return kube::Client::create(std::move(*config), clock_, std::move(options));
  }

 private:
  TestCluster() = default;

  Result<void> connect() {
    auto client = new_client();
    if (!client) return client.error();
    client_ = std::move(*client);
    std::string name = "fracta-test-" + random_hex(5);
    Json object = {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}};
    auto created = client_->create(kube::kNamespaces, "", object);
    if (!created) return created.error().with_context("creating namespace " + name);
    ns_ = name;
    return existing_ ? wait_for_service_account() : Result<void>{};
  }

  // A real API server refuses pods until the controller manager has made the namespace's default service account.
  Result<void> wait_for_service_account() {
    const auto deadline = clock_.steady_now() + std::chrono::seconds(30);
    while (true) {
      auto found = client_->get(kube::kServiceAccounts, ns_, "default");
      if (found) return {};
      if (found.error().code != ErrorCode::kNotFound || clock_.steady_now() > deadline) {
        return found.error().with_context("waiting for the default service account of " + ns_);
      }
      wait_for({}, std::chrono::milliseconds(50));
    }
  }

  RealClock clock_;
  std::string kubeconfig_;
  bool existing_ = false;
  std::unique_ptr<kube::Client> client_;
  std::string ns_;
};

// The usual fixture: TEST_F(MyTest, ...) with cluster().client() and cluster().ns().
class ClusterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_ = TestCluster::open();
    if (!cluster_) GTEST_FAIL() << "no cluster to test with";
  }
  [[nodiscard]] TestCluster& cluster() { return *cluster_; }

 private:
  std::unique_ptr<TestCluster> cluster_;
};

}  // namespace fracta::testing
