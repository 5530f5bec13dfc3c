// A stand-in for the daemon: answers what a test tells it to and remembers what it was asked. And a way to run the CLI
// against it as main() would.
#pragma once

#include <gtest/gtest.h>

#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "fracta/base/json.hpp"
#include "fracta/cli/cli.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::cli {

class FakeDaemon {
 public:
  FakeDaemon() {
    auto created = net::HttpServer::create({}, [this](const net::ServerRequest& request) {
      {
        std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      return router_.route(request);
    });
    if (!created) {
      ADD_FAILURE() << created.error().message;
      std::abort();
    }
    server_ = std::move(*created);
    router_.set_not_found([](const net::ServerRequest& request) {
      return net::ServerResponse::json(404, R"({"error":"no route )" + request.path + R"(","reason":"NotFound"})");
    });
  }
  // Routes first, then start().
  void on(const std::string& method, const std::string& pattern, net::RequestHandler handler) {
    router_.add(method, pattern, std::move(handler));
  }
  void answer(const std::string& method, const std::string& pattern, int status, const Json& body) {
    on(method, pattern, [=](const net::ServerRequest&) { return net::ServerResponse::json(status, dump_json(body)); });
  }
  // One server-sent event stream per connection: pieces[n] for the n-th, the last one again for all further ones.
  void stream(const std::string& pattern, std::vector<std::string> pieces) {
    on("GET", pattern, [this, pieces = std::move(pieces)](const net::ServerRequest&) {
      std::string text;
      {
        std::lock_guard lock(mutex_);
        text = pieces[std::min(streams_++, pieces.size() - 1)];
      }
      net::ServerResponse response;
      response.headers.set("Content-Type", "text/event-stream");
      response.stream = [text](net::ResponseStream& out) { out.write(text); };
      return response;
    });
  }
  void start() { server_->start(); }
  [[nodiscard]] std::string url() const { return "http://" + server_->address(); }
  [[nodiscard]] std::vector<net::ServerRequest> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  [[nodiscard]] Json body(std::size_t index) const { return parse_json(requests().at(index).body).value_or(Json()); }

 private:
  mutable std::mutex mutex_;
  std::vector<net::ServerRequest> requests_;
  std::size_t streams_ = 0;
  net::Router router_;
  std::unique_ptr<net::HttpServer> server_;  // last: its threads use everything above
};

struct Outcome {
  int code = -1;
  std::string out, err;
};

inline Outcome run_cli(const std::vector<std::string>& arguments, const std::string& server = "",
                       const std::string& input = "", std::map<std::string, std::string> environment = {}) {
  std::ostringstream out, err;
  std::istringstream in(input);
  if (!server.empty()) environment["FRACTA_SERVER"] = server;
  Context context{.out = out,
                  .err = err,
                  .in = in,
                  .environment = [environment](const std::string& name) -> std::optional<std::string> {
                    const auto found = environment.find(name);
                    return found == environment.end() ? std::nullopt : std::optional(found->second);
                  },
                  .stop = {},
                  .reconnect_first = std::chrono::milliseconds{1},
                  .reconnect_last = std::chrono::milliseconds{5}};
  Outcome outcome;
  outcome.code = run(arguments, context);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

inline Json agent_info(const std::string& name, const std::string& status, const Json& more = Json::object()) {
  Json agent{{"name", name},
             {"id", name},
             {"status", status},
             {"mode", "batch"},
             {"kind", "Job"},
             {"namespace", "fracta"},
             {"runtime", "claude"},
             {"backend", "kubernetes"},
             {"age_seconds", 125},
             {"unread_messages", 0},
             {"job_name", "fracta-agent-" + name},
             {"created_at", "2026-11-21T20:25:00Z"},
             {"start_time", "0001-01-01T00:00:00Z"}};
  agent.update(more);
  return agent;
}

}  // namespace fracta::cli
