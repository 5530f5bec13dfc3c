// One connection of the server. Whoever holds `mutex` may step it; while a handler runs (kBusy, kStreaming) only the
// thread of that handler touches anything but `phase` and `stop`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "net/channel.hpp"
#include "net/request_parser.hpp"
#include "net/tls_context.hpp"

namespace fracta::net {

enum class Phase {
  kHandshake,
  kReading,    // waiting for or collecting a request; handlers never wait for the network
  kBusy,       // queued for, or inside, a handler
  kStreaming,  // a streaming or upgraded answer on a thread of its own; the poller only watches for the client's end
  kWriting,    // sending what is left of an answer
  kLinger,     // answered and closing: reading on for a moment so that the answer is not lost to a reset
  kClosed,
};

struct Connection {
  Connection(std::uint64_t number, Descriptor socket, const RequestLimits& limits)
      : id(number), channel(std::move(socket)), parser(limits) {}

  const std::uint64_t id;
  std::mutex mutex;
  Channel channel;
  RequestParser parser;
  Phase phase = Phase::kReading;
  std::chrono::steady_clock::time_point deadline;  // of kHandshake, kReading, kWriting, kLinger
  std::string inbox;                               // read, not yet parsed
  std::string outbox;                              // not yet sent...
  std::size_t sent = 0;                            // ...from here on
  bool close_after_write = false;
  bool active = false;            // counted among the requests stop() waits for
  std::size_t counted_bytes = 0;  // of the body, in the server's total
  std::string peer_address;
  PeerIdentity identity;
  std::optional<std::stop_source> stop;  // of the running stream
};

}  // namespace fracta::net
