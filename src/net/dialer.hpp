// Makes client connections: resolve, connect, TLS handshake, each under one deadline and a stop token.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "fracta/net/transport.hpp"
#include "net/channel.hpp"
#include "net/resolver.hpp"
#include "net/tls_context.hpp"
#include "net/waiter.hpp"

namespace fracta::net {

// Thread-safe.
class Dialer {
 public:
  static Result<std::unique_ptr<Dialer>> create(const Url& url, const TransportOptions& options);
  // kUnavailable, kUnauthenticated (verification failed) or kCanceled; texts name the peer.
  Result<std::unique_ptr<Channel>> dial(Waiter& waiter, const std::stop_token& stop);

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  Dialer(const Url& url, const TransportOptions& options);
  Result<Descriptor> connect_tcp(Waiter& waiter, const std::stop_token& stop, Deadline deadline);
  Result<Descriptor> connect_to(const Address& address, Waiter& waiter, Deadline deadline);
  Result<void> handshake(Channel& channel, Waiter& waiter, Deadline deadline);
  [[nodiscard]] Error verification_failed(const Channel& channel) const;

  std::string peer_;  // for messages
  std::string verified_name_;
  std::string unix_socket_;
  std::chrono::milliseconds timeout_;
  TlsContext tls_;  // null: plain HTTP
  bool verify_ = true;
  Resolver resolver_;
};

}  // namespace fracta::net
