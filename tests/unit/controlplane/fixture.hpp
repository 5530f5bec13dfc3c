// A control plane on a FakeCluster, with a configuration made by hand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "fracta/base/stop.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/kube/client.hpp"
#include "unit/controlplane/fake_cluster.hpp"

namespace fracta::testing {

inline constexpr const char* kJobsPath = "/apis/batch/v1/namespaces/fracta/jobs";
inline constexpr const char* kPodsPath = "/api/v1/namespaces/fracta/pods";
inline constexpr const char* kConfigMapsPath = "/api/v1/namespaces/fracta/configmaps";
inline constexpr const char* kSecretsPath = "/api/v1/namespaces/fracta/secrets";
inline constexpr const char* kEventsPath = "/api/v1/namespaces/fracta/events";

inline config::Config basic_config() {
  config::Config config;
  config.profile = config.backend = "kubernetes";
  config.kubernetes.image = "agent:1";
  config.kubernetes.tolerations = std::make_shared<const Json>(Json::array());
  config.kubernetes.extra_volumes = std::make_shared<const Json>(Json::array());
  config.kubernetes.extra_volume_mounts = std::make_shared<const Json>(Json::array());
  config.snapshot = config.effective = std::make_shared<const Json>(Json::object());
  config.default_runtime = "shell";
  config.agent_runtimes["shell"].adapter = "command";
  config.agent_runtimes["shell"].command = {"true"};
  config.agent_runtimes["codex"].adapter = "codex";
  config.agent_runtimes["codex"].model_tiers = {{"heavy", "big-model"}};
  config.hash = "0123456789abcdef0123";
  return config;
}

// Polls until `condition` holds; false after ten seconds.
inline bool eventually(const std::function<bool()>& condition) {
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    wait_for(std::stop_token{}, std::chrono::milliseconds(1));
  }
  return true;
}

// The real clocks; somebody may set the wall clock.
class ShiftedClock final : public Clock {
 public:
  [[nodiscard]] SystemTime system_now() const override { return std::chrono::system_clock::now() + shift_.load(); }
  [[nodiscard]] SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
  void shift(std::chrono::seconds by) { shift_ = by; }

 private:
  std::atomic<std::chrono::seconds> shift_{};
};

class ControlPlaneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_->put("/api/v1/namespaces", {{"kind", "Namespace"}, {"metadata", {{"name", "fracta"}}}});
  }

  // Starts one; call again for a restarted daemon on the same cluster.
  controlplane::ControlPlane& start() {
    plane_.reset();
    metrics_ = std::make_unique<MetricsRegistry>();
    kube::ClientConfig client_config;
    client_config.server = {"https", "fake", 443, "", ""};
    kube::Client::Options client_options;
    client_options.metrics = metrics_.get();
    client_ = std::make_unique<kube::Client>(client_config, cluster_, clock_, client_options);
    plane_ = std::make_unique<controlplane::ControlPlane>(std::make_shared<const config::Config>(config_), *client_,
                                                          clock_, *metrics_, options_);
    plane_->start();
    return *plane_;
  }
  controlplane::ControlPlane& ready() {
    auto& plane = start();
    EXPECT_TRUE(plane.wait_until_ready(std::chrono::seconds(10)));
    EXPECT_TRUE(eventually([&] { return plane.checks().back().ok; })) << "namespace check";
    cluster_->reset_calls();
    return plane;
  }
  controlplane::ControlPlane& plane() { return *plane_; }

  static controlplane::SpawnRequest request(const std::string& task) {
    controlplane::SpawnRequest request;
    request.task = task;
    request.contract = "do it";
    return request;
  }

  [[nodiscard]] std::string phase(const std::string& name) {
    auto info = plane().get(name);
    return info ? info->phase : "-";
  }
  [[nodiscard]] bool shows(const std::string& name, const std::string& wanted) {
    return eventually([&] { return phase(name) == wanted; });
  }

  // What Job controller, scheduler and kubelet would write for agent `id`.
  void set_pod(const std::string& id, const std::string& phase, Json container_state) {
    Json pod = {{"apiVersion", "v1"},
                {"kind", "Pod"},
                {"metadata",
                 {{"name", "fracta-agent-" + id + "-x1"},
                  {"namespace", "fracta"},
                  {"creationTimestamp", "2026-01-01T00:00:00Z"},
                  {"labels",
                   {{"app", "fracta"},
                    {"fracta-agent-id", id},
                    {"job-name", "fracta-agent-" + id},
                    {"batch.kubernetes.io/job-name", "fracta-agent-" + id}}}}},
                {"spec", {{"nodeName", "node-1"}, {"containers", {{{"name", "agent"}}}}}},
                {"status",
                 {{"phase", phase},
                  {"podIP", "10.0.0.1"},
                  {"containerStatuses",
                   {{{"name", "agent"},
                     {"ready", phase == "Running"},
                     {"restartCount", 0},
                     {"state", std::move(container_state)}}}}}}};
    if (auto job = cluster_->get(kJobsPath, "fracta-agent-" + id))
      pod["metadata"]["ownerReferences"] = {{{"apiVersion", "batch/v1"},
                                             {"kind", "Job"},
                                             {"name", "fracta-agent-" + id},
                                             {"controller", true},
                                             {"uid", (*job)["metadata"]["uid"]}}};
    cluster_->put(kPodsPath, pod);
  }
  void set_running(const std::string& id) {
    set_pod(id, "Running", {{"running", {{"startedAt", "2026-01-01T00:00:01Z"}}}});
  }
  void set_completed(const std::string& id) {
    set_pod(id, "Succeeded",
            {{"terminated", {{"exitCode", 0}, {"reason", "Completed"}, {"finishedAt", "2026-01-01T00:00:09Z"}}}});
    auto job = *cluster_->get(kJobsPath, "fracta-agent-" + id);
    job["status"] = {{"succeeded", 1},
                     {"completionTime", "2026-01-01T00:00:09Z"},
                     {"conditions", {{{"type", "Complete"}, {"status", "True"}}}}};
    cluster_->put(kJobsPath, job);
  }
  [[nodiscard]] std::vector<std::string> actions(const std::string& task) {
    std::vector<std::string> out;
    for (const auto& event : plane().events().recent(task, 100)) out.push_back(event->action);
    return out;
  }

  ShiftedClock clock_;
  config::Config config_ = basic_config();
  controlplane::Options options_;
  std::shared_ptr<FakeCluster> cluster_ = std::make_shared<FakeCluster>();
  std::unique_ptr<MetricsRegistry> metrics_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<controlplane::ControlPlane> plane_;
};

}  // namespace fracta::testing
