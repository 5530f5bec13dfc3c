#include "net/listener.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <cerrno>
#include <cstring>
#include <memory>

namespace fracta::net {
namespace {

constexpr int kBacklog = 1024;

Error failed(const std::string& what, const std::string& address, int error) {
  if (error == EADDRINUSE) {
    return make_error(
        ErrorCode::kAlreadyExists,
        "cannot listen on " + address + ": the address is in use; stop the other server or choose another port");
  }
  const auto code = error == EACCES || error == EPERM ? ErrorCode::kForbidden : ErrorCode::kInvalid;
  return make_error(code, "cannot listen on " + address + ": " + what + ": " + std::strerror(error));
}

std::string with_port(const std::string& host, int port) {
  return (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

int bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

// True when somebody answers on the socket file.
bool is_alive(const sockaddr_un& address) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int result = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return result == 0 || errno != ECONNREFUSED;
}

}  // namespace

Result<Listener> Listener::tcp(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const auto service = std::to_string(port);
  const int status = getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &list);
  if (status != 0) {
    return make_error(ErrorCode::kInvalid, "cannot listen on \"" + host + "\": " + gai_strerror(status));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  Listener listener;
  listener.socket_ = Descriptor(::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto wanted = with_port(host, port);
  if (!listener.socket_.valid()) return failed("socket", wanted, errno);
  const int on = 1;
  setsockopt(listener.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // only lets go of TIME_WAIT on Linux
  if (::bind(listener.fd(), list->ai_addr, list->ai_addrlen) != 0) return failed("bind", wanted, errno);
  if (::listen(listener.fd(), kBacklog) != 0) return failed("listen", wanted, errno);
  listener.port_ = bound_port(listener.fd());
  listener.address_ = with_port(host.empty() ? "0.0.0.0" : host, listener.port_);
  return listener;
}

Result<Listener> Listener::unix_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return make_error(ErrorCode::kInvalid, "cannot listen on " + path + ": the path is longer than 107 bytes");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Listener listener;
  listener.socket_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.socket_.valid()) return failed("socket", path, errno);
  // Linux gives the file the mode of the unbound socket; a chmod afterwards would leave a gap.
  fchmod(listener.fd(), 0600);
  const auto bind_once = [&] { return ::bind(listener.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address); };
  if (bind_once() != 0) {
    const int bind_error = errno;
    struct stat info {};
    const bool is_socket = lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
    if (bind_error != EADDRINUSE || !is_socket || is_alive(address)) return failed("bind", path, bind_error);
    ::unlink(path.c_str());
    if (bind_once() != 0) return failed("bind", path, errno);
  }
  if (::listen(listener.fd(), kBacklog) != 0) return failed("listen", path, errno);
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0) {
    listener.unix_path_ = path;
    listener.device_ = info.st_dev;
    listener.inode_ = info.st_ino;
  }
  listener.address_ = path;
  return listener;
}

Listener::~Listener() { close(); }

void Listener::close() {
  if (!socket_.valid()) return;
  socket_.reset();
  struct stat info {};
  if (!unix_path_.empty() && lstat(unix_path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_) {
    ::unlink(unix_path_.c_str());
  }
}

}  // namespace fracta::net
