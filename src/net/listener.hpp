// The socket a server listens on: TCP (v4, v6) or a unix socket.
#pragma once

#include <sys/types.h>
#include <string>

#include "fracta/base/result.hpp"
#include "net/descriptor.hpp"

namespace fracta::net {

class Listener {
 public:
  // kAlreadyExists when the address is in use: SO_REUSEPORT is never set, so two daemons cannot share a port unnoticed.
  static Result<Listener> tcp(const std::string& host, int port);
  // A socket file nobody listens on any more is replaced; the new one has mode 0600.
  static Result<Listener> unix_socket(const std::string& path);

  Listener(Listener&&) = default;
  Listener& operator=(Listener&&) = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  void close();

 private:
  Listener() = default;
  Descriptor socket_;
  int port_ = 0;
  std::string address_;
  std::string unix_path_;  // removed by close() if it is still ours
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace fracta::net
