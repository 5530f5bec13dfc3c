// Streams that are being written: no caller has more than a share of them, each ends soon after its caller may no
// longer read it, and a stop lets them say goodbye before their sockets go.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::server {

// Thread-safe. Outlives the streams that it was given.
class OpenStreams {
 public:
  struct Limits {
    std::size_t per_caller = 16;  // of the server's 64: a few callers cannot take them all
    std::chrono::milliseconds look_every{15'000};
  };
  // Whether the caller may still read: kUnauthenticated, kForbidden and kInvalid end the stream, other errors mean that
  // it cannot be known now.
  using Look = std::function<Result<void>()>;

  explicit OpenStreams(Limits limits) : limits_(limits) {}
  ~OpenStreams();

  // Takes charge of answer.stream. kResourceExhausted: `caller` has its share already; an empty one has none.
  Result<void> watch_over(net::ServerResponse& answer, const std::string& caller, Look look);
  // True when none is left.
  bool wait_until_none(std::chrono::milliseconds timeout);

 private:
  struct Entry;
  class Running;

  Result<void> enter(const std::shared_ptr<Entry>& entry);
  [[nodiscard]] std::vector<std::shared_ptr<Entry>> alive();
  void look_after(const std::stop_token& stop);

  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int running_ = 0;
  std::vector<std::weak_ptr<Entry>> entries_;  // those of streams that ended go when the next one comes
  std::jthread thread_;                        // from the first stream on
};

}  // namespace fracta::server
