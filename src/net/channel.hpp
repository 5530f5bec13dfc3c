// A non-blocking byte channel over a connected socket, plain or TLS. Client and server both stand on it. Nothing here
// waits: callers poll for what the last operation says it is waiting for.
//
// Thread-safety: read and write may run on two threads at once (a WebSocket's two directions share one SSL object); two
// readers or two writers at once may not.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

#include "net/descriptor.hpp"
#include "net/openssl.hpp"

namespace fracta::net {

enum class IoState {
  kDone,       // `bytes` > 0 moved, or the handshake is complete
  kWantRead,   // poll for POLLIN and repeat
  kWantWrite,  // poll for POLLOUT and repeat
  kEnd,        // the peer ended its direction in order
  kFailed,     // reset, or a TLS error; see Channel::error()
};

struct IoResult {
  IoState state = IoState::kFailed;
  std::size_t bytes = 0;
};

class Channel {
 public:
  // `socket` must be connected (or connecting) and non-blocking.
  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Turns the channel into a TLS one; call handshake() until it is done. False when OpenSSL has no memory.
  bool start_tls(SSL_CTX* context, bool server);
  IoResult handshake();

  IoResult read(char* buffer, std::size_t size);
  IoResult write(std::string_view bytes);

  // Reads and drops whatever is there, below TLS: for a connection that only waits for its end. kEnd, kFailed or
  // kWantRead.
  IoState drain();

  // Sends TLS' close_notify (best effort) and ends our direction.
  void end_output();
  // Ends both directions at once: whoever waits in poll on this socket wakes up. Callable from any thread.
  void abort();

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }
  [[nodiscard]] bool tls() const { return ssl_ != nullptr; }
  // Why the last operation failed, for logs; no secrets.
  [[nodiscard]] std::string error() const;
  // The last operation failed because the peer does not accept our certificate (or the lack of one).
  [[nodiscard]] bool certificate_refused() const;

 private:
  IoResult tls_result(int result);
  Descriptor socket_;
  SslPtr ssl_;
  mutable std::mutex mutex_;  // ssl_ and error_; never held while waiting
  std::string error_;
  bool certificate_refused_ = false;
  bool broken_ = false;  // after a fatal TLS error SSL_shutdown must not be called
};

}  // namespace fracta::net
