// A cluster without HTTP: the real registry and the real node, driven through the in-process Api.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "devcluster/parts.hpp"
#include "devcluster/server/in_process_api.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

class ClusterTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create();
    ASSERT_TRUE(made.ok());
    directory_.emplace(std::move(*made));
    auto signer = TokenSigner::create("");
    ASSERT_TRUE(signer.ok());
    signer_ = std::move(*signer);
    registry_.emplace(store_, clock_);
    api_.emplace(*registry_, *signer_);
    (void)api_->create("namespaces", "",
                       {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "default"}}}});
    watch("pods");
    watch("jobs.batch");
  }

  void TearDown() override {
    node_.reset();
    for (auto& thread : watches_) thread.request_stop();
    watches_.clear();
  }

  void start_node(NodeOptions options = {}) {
    (void)api_->create("serviceaccounts", "default",
                       {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "default"}}}});
    options.directory = *directory_ / "node";
    ASSERT_TRUE(make_directories(options.directory, 0700).ok());
    options.volume_sync = std::chrono::milliseconds{50};
    node_ = make_node(*api_, std::move(options));
    node_->start();
  }

  // A pod that runs `script` with sh in container `main`.
  static Json pod(const std::string& name, const std::string& script, const Json& spec = Json::object()) {
    Json result{{"apiVersion", "v1"},
                {"kind", "Pod"},
                {"metadata", {{"name", name}, {"namespace", "default"}}},
                {"spec", spec}};
    Json container{
        {"name", "main"}, {"image", "host"}, {"imagePullPolicy", "IfNotPresent"}, {"command", {"sh", "-c", script}}};
    if (result["spec"].contains("main")) {
      container.update(result["spec"]["main"]);
      result["spec"].erase("main");
    }
    result["spec"]["containers"] = Json::array({container});
    if (!result["spec"].contains("restartPolicy")) result["spec"]["restartPolicy"] = "Never";
    if (!result["spec"].contains("terminationGracePeriodSeconds")) result["spec"]["terminationGracePeriodSeconds"] = 1;
    result["spec"]["automountServiceAccountToken"] = false;
    return result;
  }

  Json create(std::string_view resource, Json object) {
    auto made = api_->create(resource, "default", std::move(object));
    EXPECT_TRUE(made.ok()) << made.error().message;
    return made ? **made : Json();
  }
  void config_map(const std::string& name, const Json& data) {
    create("configmaps", {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}, {"data", data}});
  }

  Json get(std::string_view resource, std::string_view name) {
    auto found = api_->get(resource, "default", name);
    return found ? **found : Json();
  }

  // Waits for a change after which `condition` holds of the object (null when it is gone).
  template <class Condition>
  Json wait_until(std::string_view resource, std::string_view name, Condition condition,
                  std::chrono::seconds limit = std::chrono::seconds{20}) {
    std::unique_lock lock(mutex_);
    Json object;
    const bool ok = changed_.wait_for(lock, limit, [&] {
      object = get(resource, name);
      return condition(object);
    });
    EXPECT_TRUE(ok) << "never happened; last seen: " << dump_json(object, 1);
    return object;
  }
  Json wait_for_phase(std::string_view name, std::string_view phase) {
    return wait_until("pods", name, [&](const Json& p) { return string_at(p, "status/phase") == phase; });
  }
  static Json container_state(const Json& pod, std::size_t index = 0, const char* list = "status/containerStatuses") {
    const Json* statuses = find_path(pod, list);
    return statuses != nullptr && statuses->size() > index ? (*statuses)[index]["state"] : Json::object();
  }
  static std::string waiting_reason(const Json& pod) { return string_at(container_state(pod), "waiting/reason"); }

  std::string logs(std::string_view pod, NodeLogOptions options = {}) {
    if (options.container.empty()) options.container = "main";
    std::string text;
    const auto done = node_->log(get("pods", pod), options,
                                 [&](std::string_view bytes) {
                                   text.append(bytes);
                                   return true;
                                 },
                                 {});
    EXPECT_TRUE(done.ok()) << done.error().message;
    return text;
  }

  std::vector<std::string> event_messages(std::string_view reason) {
    std::vector<std::string> result;
    for (const auto& event : api_->list("events", "default", ""))
      if (string_at(*event, "reason") == reason) result.push_back(string_at(*event, "message"));
    return result;
  }

  void watch(const std::string& resource) {
    watches_.emplace_back([this, resource](const std::stop_token& stop) {
      api_->watch(
          resource,
          [this](const StoreEvent&) {
            const std::lock_guard lock(mutex_);
            changed_.notify_all();
          },
          stop);
    });
  }

  std::optional<TemporaryDirectory> directory_;
  RealClock clock_;
  Store store_;
  std::unique_ptr<TokenSigner> signer_;
  std::optional<Registry> registry_;
  std::optional<InProcessApi> api_;
  std::unique_ptr<Node> node_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::jthread> watches_;
};

}  // namespace fracta::devcluster
