// Stands between a daemon and its API server (plain HTTP towards the daemon), notes what is asked and can put another
// answer in the place of the real one. The server's own answer is always fetched, so its authorizer sees every request.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fracta/base/text.hpp"
#include "fracta/kube/client_config.hpp"
#include "fracta/net/http_server.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::testing {

// What RBAC is asked: "batch/jobs create", "/pods/log get". Empty for paths that are no namespaced resource.
inline std::string access_of(const net::ServerRequest& request) {
  std::vector<std::string> parts;
  for (const auto& segment : request.segments)
    if (!segment.empty()) parts.push_back(segment);
  const std::size_t at = !parts.empty() && parts[0] == "api" ? 2 : 3;
  if (at == 3 && parts.size() == 4 && request.method == "POST") return parts[1] + "/" + parts[3] + " create";
  if (parts.size() < at + 3 || parts[at] != "namespaces") return "";
  const bool named = parts.size() > at + 3;
  std::string verb = request.method == "POST"     ? "create"
                     : request.method == "PATCH"  ? "patch"
                     : request.method == "PUT"    ? "update"
                     : request.method == "DELETE" ? (named ? "delete" : "deletecollection")
                     : named                      ? "get"
                                                  : "list";
  if (verb == "list" && request.query_parameter("watch").value_or("") != "") verb = "watch";
  std::string resource = (at == 2 ? "" : parts[1]) + "/" + parts[at + 2];
  if (parts.size() > at + 4) resource += "/" + parts[at + 4];
  return resource + " " + verb;
}

class RecordingProxy {
 public:
  // The answer to give instead, if any.
  using Fault = std::function<std::optional<net::ServerResponse>(const std::string& access, const net::Response& real)>;

  static std::unique_ptr<RecordingProxy> start(const std::string& kubeconfig, const Clock& clock, Fault fault) {
    auto config = kube::load_client_config({.kubeconfig = kubeconfig, .context = ""}, clock);
    if (!config) return nullptr;
    net::TransportOptions options;
    options.tls = config->tls;
    options.tls.certificate_pem.clear();  // only the caller's own token may speak
    options.tls.key_pem.clear();
    auto upstream = net::make_http_transport(config->server, options);
    if (!upstream) return nullptr;
    std::unique_ptr<RecordingProxy> self(new RecordingProxy);
    self->upstream_ = *std::move(upstream);
    self->fault_ = std::move(fault);
    auto* raw = self.get();
    auto server = net::HttpServer::create({}, [raw](const net::ServerRequest& request) { return raw->serve(request); });
    if (!server) return nullptr;
    self->server_ = *std::move(server);
    self->server_->start();
    return self;
  }

  ~RecordingProxy() { server_->stop(std::chrono::seconds(5)); }
  RecordingProxy(const RecordingProxy&) = delete;
  RecordingProxy& operator=(const RecordingProxy&) = delete;

  [[nodiscard]] std::string address() const { return server_->address(); }
  [[nodiscard]] std::set<std::string> used() const {
    const std::lock_guard lock(mutex_);
    return used_;
  }
  [[nodiscard]] bool saw(const std::string& access) const { return used().contains(access); }
  [[nodiscard]] std::set<std::string> forbidden() const {
    const std::lock_guard lock(mutex_);
    return forbidden_;
  }

 private:
  RecordingProxy() = default;

  net::ServerResponse serve(const net::ServerRequest& incoming) {
    net::Request request{.method = incoming.method, .target = incoming.target, .headers = {}, .body = incoming.body};
    for (const char* name : {"Authorization", "Accept", "Content-Type", "User-Agent"})
      if (auto value = incoming.headers.get(name)) request.headers.add(name, *value);
    const std::string access = access_of(incoming);
    {
      const std::lock_guard lock(mutex_);
      if (!access.empty()) used_.insert(access);
    }
    if (access.ends_with(" watch")) return stream(request, access);
    auto answer = upstream_->request(request, {});
    if (!answer) return net::ServerResponse::text(502, answer.error().message);
    note(access, answer->status);
    if (auto instead = fault_(access, *answer)) return *instead;
    net::ServerResponse response;
    response.status = answer->status;
    if (auto type = answer->headers.get("Content-Type")) response.headers.add("Content-Type", *type);
    response.body = answer->body;
    return response;
  }

  net::ServerResponse stream(const net::Request& request, const std::string& access) {
    net::ServerResponse response;
    response.headers.add("Content-Type", "application/json");
    response.stream = [this, request, access](net::ResponseStream& out) {
      net::StreamHandler handler;
      handler.on_head = [&](const net::Response& head) {
        note(access, head.status);
        return head.status == 200;
      };
      handler.on_data = [&](std::string_view bytes) { return out.write(bytes); };
      static_cast<void>(upstream_->stream(
          request,
          {.head_timeout = std::chrono::seconds(30), .idle_timeout = std::chrono::minutes(10), .stop = out.stop()},
          handler));
    };
    return response;
  }

  void note(const std::string& access, int status) {
    const std::lock_guard lock(mutex_);
    if (status == 403 && !access.empty()) forbidden_.insert(access);
  }

  std::unique_ptr<net::Transport> upstream_;
  Fault fault_;
  mutable std::mutex mutex_;
  std::set<std::string> used_, forbidden_;
  std::unique_ptr<net::HttpServer> server_;  // last: its threads use all of the above
};

}  // namespace fracta::testing
