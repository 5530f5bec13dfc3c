// A whole daemon inside the test: configuration file, real cluster, HTTP API on a free port.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/daemon/daemon.hpp"
#include "fracta/net/transport.hpp"
#include "integration/cluster.hpp"

namespace fracta::testing {

class DaemonTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    if (HasFatalFailure()) return;
    auto directory = TemporaryDirectory::create();
    ASSERT_TRUE(directory) << directory.error().message;
    directory_ = std::make_unique<TemporaryDirectory>(*std::move(directory));
  }

  // False on an existing cluster that was not said to run pods: FRACTA_TEST_IMAGE names an image with a shell there.
  [[nodiscard]] bool runs_pods() { return !cluster().existing() || std::getenv("FRACTA_TEST_IMAGE") != nullptr; }
  static std::string image() {
    const char* given = std::getenv("FRACTA_TEST_IMAGE");
    return given ? given : "host";
  }

  [[nodiscard]] std::string write_config(const std::string& more = "") {
    auto path = *directory_ / "fracta.yaml";
    std::string text = "runtime:\n  backend: kubernetes\n  kubernetes:\n    namespace: " + cluster().ns() +
                       "\n    image: " + image() +
                       "\nagents:\n  default_runtime: shell\n  agent_runtimes:\n    shell:\n      adapter: command\n   "
                       "   command: [sh, -c, \"echo hello from $0\", me]\n" +
                       "    codex:\n      adapter: codex\n" + more;
    EXPECT_TRUE(write_file_atomic(path, text));
    return path;
  }
  [[nodiscard]] daemon::DaemonOptions options(const std::string& more = "") {
    daemon::DaemonOptions options;
    options.config_path = write_config(more);
    options.kubeconfig = cluster().kubeconfig();
    options.listen = "127.0.0.1:0";
    options.log_level = "error";
    return options;
  }
  void start(const std::string& more = "") {
    daemon_.reset();
    auto created = daemon::Daemon::create(options(more));
    ASSERT_TRUE(created) << created.error().message;
    daemon_ = *std::move(created);
    ASSERT_TRUE(daemon_->start());
    connect(daemon_->address());
    ASSERT_TRUE(within(std::chrono::seconds(30), [&] { return call("GET", "/readyz").status == 200; }))
        << call("GET", "/readyz").body;
  }
  void connect(const std::string& address) {
    auto url = net::parse_url((ca_pem_.empty() ? "http://" : "https://") + address);
    ASSERT_TRUE(url) << address;
    net::TransportOptions options;
    options.tls.ca_pem = ca_pem_;
    auto transport = net::make_http_transport(*url, options);
    ASSERT_TRUE(transport);
    transport_ = *std::move(transport);
  }

  net::Response call(const std::string& method, const std::string& target, const Json& body = nullptr) {
    net::Request request;
    request.method = method;
    request.target = target;
    if (!bearer_.empty()) request.headers.add("Authorization", "Bearer " + bearer_);
    if (!body.is_null()) {
      request.headers.add("Content-Type", "application/json");
      request.body = dump_json(body);
    }
    auto answer = transport_->request(request, {});
    if (answer) return *answer;
    net::Response failed;
    failed.body = answer.error().message;
    return failed;
  }
  Json json(const std::string& method, const std::string& target, const Json& body = nullptr) {
    auto answer = call(method, target, body);
    auto parsed = parse_json(answer.body);
    return parsed ? *parsed : Json(answer.body);
  }
  [[nodiscard]] std::string status(const std::string& name) {
    return string_at(json("GET", "/api/v1/agents/" + name), "agent/status");
  }
  [[nodiscard]] bool becomes(const std::string& name, const std::string& wanted,
                             std::chrono::seconds limit = std::chrono::seconds(60)) {
    return within(limit, [&] { return status(name) == wanted; });
  }

  std::unique_ptr<TemporaryDirectory> directory_;
  std::unique_ptr<daemon::Daemon> daemon_;
  std::unique_ptr<net::Transport> transport_;
  std::string bearer_;  // sent with every call()
  std::string ca_pem_;  // not empty: connect() speaks TLS and trusts this
};

}  // namespace fracta::testing
