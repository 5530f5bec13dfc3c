// What streaming and upgraded handlers hold in their hands: waiting reads and writes with deadlines on a connection
// that a handler's thread owns.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "net/connection.hpp"

namespace fracta::net {

// Sends all of `bytes`; false on an error or when the peer takes nothing for `timeout`.
bool write_all(Channel& channel, std::string_view bytes, std::chrono::milliseconds timeout);

class ChunkStream final : public ResponseStream {
 public:
  ChunkStream(Connection& connection, std::stop_token stop, std::chrono::milliseconds write_timeout, bool chunked)
      : connection_(connection), stop_(std::move(stop)), write_timeout_(write_timeout), chunked_(chunked) {}

  bool write(std::string_view bytes) override;
  [[nodiscard]] std::stop_token stop() const override { return stop_; }

  bool write_head(std::string_view head);
  bool finish();  // the last chunk; true: the whole answer went out

 private:
  Connection& connection_;
  std::stop_token stop_;
  std::chrono::milliseconds write_timeout_;
  bool chunked_;
  bool broken_ = false;
};

class UpgradedConnection final : public RawConnection {
 public:
  // `stop_event` is a descriptor that becomes readable when the server stops.
  UpgradedConnection(Connection& connection, std::stop_token stop, int stop_event,
                     std::chrono::milliseconds write_timeout)
      : connection_(connection), stop_(std::move(stop)), stop_event_(stop_event), write_timeout_(write_timeout) {}

  std::ptrdiff_t read(char* buffer, std::size_t size, std::chrono::milliseconds timeout) override;
  bool write(std::string_view bytes) override;
  [[nodiscard]] std::stop_token stop() const override { return stop_; }

 private:
  Connection& connection_;
  std::stop_token stop_;
  int stop_event_;
  std::chrono::milliseconds write_timeout_;
  std::mutex write_mutex_;  // several threads may write, each message whole
};

}  // namespace fracta::net
