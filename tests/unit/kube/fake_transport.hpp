// A transport that answers from a script; what it was asked is kept for the test to look at.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::kube {

// One scripted answer. `chunks` are handed out one by one when streamed and joined when not.
struct Answer {
  int status = 200;
  std::vector<std::string> chunks;
  net::Headers headers;
  std::optional<Error> error;          // instead of an answer, or after the chunks when a status is set too
  std::chrono::milliseconds takes{0};  // the fake clock moves by this before the end
  bool hold = false;                   // after the chunks: stay open until stopped
  std::function<void()> before;        // called first
};

inline Answer ok(std::string body) { return {.status = 200, .chunks = {std::move(body)}}; }
inline Answer stream(std::vector<std::string> chunks) { return {.status = 200, .chunks = std::move(chunks)}; }
inline Answer held(std::vector<std::string> chunks = {}) {
  return {.status = 200, .chunks = std::move(chunks), .hold = true};
}
inline Answer failure(ErrorCode code, std::string message = "connection refused") {
  return {.status = 0, .error = make_error(code, std::move(message))};
}
inline Answer status(int code, std::string reason, std::string message = "", net::Headers headers = {}) {
  std::string body = R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":")" + message +
                     R"(","reason":")" + reason + R"(","code":)" + std::to_string(code) + "}";
  return {.status = code, .chunks = {body}, .headers = std::move(headers)};
}

class FakeTransport final : public net::Transport {
 public:
  explicit FakeTransport(FakeClock& clock) : clock_(clock) {}

  void script(std::vector<Answer> answers) {
    std::lock_guard lock(mutex_);
    for (auto& answer : answers) answers_.push_back(std::move(answer));
  }
  std::vector<net::Request> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  // True when so many requests have come within a generous time.
  bool wait_for_requests(std::size_t count) const {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, std::chrono::seconds(20), [&] { return requests_.size() >= count; });
  }

  Result<net::Response> request(const net::Request& request, const net::CallOptions& options) override {
    auto answer = next(request);
    clock_.advance(answer.takes);
    if (options.stop.stop_requested()) return make_error(ErrorCode::kCanceled, "stopped");
    if (answer.error) return *answer.error;
    net::Response out{.status = answer.status, .headers = answer.headers, .body = ""};
    for (const auto& chunk : answer.chunks) out.body += chunk;
    return out;
  }

  Result<void> stream(const net::Request& request, const net::StreamOptions& options,
                      const net::StreamHandler& handler) override {
    auto answer = next(request);
    if (answer.status != 0) {
      if (!handler.on_head({.status = answer.status, .headers = answer.headers, .body = ""})) return canceled();
      for (const auto& chunk : answer.chunks) {
        if (!handler.on_data(chunk)) return canceled();
      }
    }
    clock_.advance(answer.takes);
    if (answer.hold) {
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      never.wait(lock, options.stop, [] { return false; });
    }
    if (options.stop.stop_requested()) return canceled();
    if (answer.error) return *answer.error;
    return {};
  }

 private:
  static Error canceled() { return make_error(ErrorCode::kCanceled, "stopped"); }

  Answer next(const net::Request& request) {
    Answer answer = failure(ErrorCode::kInternal, "the script is at its end");
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(request);
      arrived_.notify_all();
      if (!answers_.empty()) {
        answer = std::move(answers_.front());
        answers_.pop_front();
      }
    }
    if (answer.before) answer.before();
    return answer;
  }

  FakeClock& clock_;
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::deque<Answer> answers_;
  std::vector<net::Request> requests_;
};

// A client on a fake transport whose waits only move the fake clock.
struct FakeServer {
  explicit FakeServer(Client::Options options = {}, std::shared_ptr<TokenSource> token = nullptr)
      : transport(std::make_shared<FakeTransport>(clock)) {
    options.sleep = [this](const std::stop_token& stop, std::chrono::nanoseconds time) {
      std::lock_guard lock(mutex);
      sleeps.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(time));
      clock.advance(time);
      return !stop.stop_requested();
    };
    ClientConfig config;
    config.server = {.scheme = "https", .host = "api.test", .port = 6443, .path = "", .query = ""};
    config.description = "test";
    config.token = std::move(token);
    client = std::make_unique<Client>(std::move(config), transport, clock, std::move(options));
  }
  [[nodiscard]] std::vector<net::Request> requests() const { return transport->requests(); }

  FakeClock clock;
  std::mutex mutex;
  std::vector<std::chrono::milliseconds> sleeps;
  std::shared_ptr<FakeTransport> transport;
  std::unique_ptr<Client> client;
};

}  // namespace fracta::kube
