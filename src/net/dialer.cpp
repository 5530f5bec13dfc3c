#include "net/dialer.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fracta::net {
namespace {

using Clock = std::chrono::steady_clock;

// A peer that has silently gone is noticed within 4 + 3 * 3 = 13 s (and a bit of the kernel's timers), so that a
// half-open watch is replaced within 15 s.
void set_socket_options(int fd) {
  const auto set = [fd](int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 4);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 3);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 13'000);
}

Result<Address> unix_address(const std::string& path) {
  Address address;
  auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof un->sun_path) {
    return make_error(ErrorCode::kInvalid, "unix socket " + path + ": the path is longer than 107 bytes");
  }
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.c_str(), path.size() + 1);
  address.size = sizeof(sockaddr_un);
  return address;
}

}  // namespace

Dialer::Dialer(const Url& url, const TransportOptions& options)
    : peer_(options.unix_socket.empty() ? url.authority() : options.unix_socket),
      verified_name_(options.tls.server_name.empty() ? url.host : options.tls.server_name),
      unix_socket_(options.unix_socket),
      timeout_(options.connect_timeout),
      verify_(!options.tls.insecure_skip_verify),
      resolver_(url.host, url.port) {}

Result<std::unique_ptr<Dialer>> Dialer::create(const Url& url, const TransportOptions& options) {
  std::unique_ptr<Dialer> dialer(new Dialer(url, options));
  if (url.scheme == "https") {
    auto context = make_client_context(options.tls);
    if (!context) return context.error().with_context("TLS settings for " + dialer->peer_);
    dialer->tls_ = std::move(*context);
  }
  return dialer;
}

Result<std::unique_ptr<Channel>> Dialer::dial(Waiter& waiter, const std::stop_token& stop) {
  const auto deadline = Clock::now() + timeout_;
  auto socket = connect_tcp(waiter, stop, deadline);
  if (!socket) return socket.error();
  auto channel = std::make_unique<Channel>(std::move(*socket));
  if (tls_ != nullptr) FRACTA_TRY(handshake(*channel, waiter, deadline));
  return channel;
}

Result<Descriptor> Dialer::connect_tcp(Waiter& waiter, const std::stop_token& stop, Deadline deadline) {
  if (!unix_socket_.empty()) {
    auto address = unix_address(unix_socket_);
    if (!address) return address.error();
    return connect_to(*address, waiter, deadline);
  }
  auto addresses = resolver_.resolve(deadline, stop);
  if (!addresses) return addresses.error();
  Result<Descriptor> last = make_error(ErrorCode::kUnavailable, "host of " + peer_ + " has no address");
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    // A dead first address must leave time for the others.
    const auto share = (deadline - Clock::now()) / static_cast<int>(addresses->size() - i);
    last = connect_to((*addresses)[i], waiter, Clock::now() + share);
    if (last || last.error().code == ErrorCode::kCanceled) break;
  }
  return last;
}

Result<Descriptor> Dialer::connect_to(const Address& address, Waiter& waiter, Deadline deadline) {
  const auto unavailable = [this](const std::string& why) {
    return make_error(ErrorCode::kUnavailable, "cannot connect to " + peer_ + ": " + why);
  };
  Descriptor socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return unavailable(std::strerror(errno));
  if (address.storage.ss_family != AF_UNIX) set_socket_options(socket.get());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) return socket;
  if (errno != EINPROGRESS && errno != EINTR) return unavailable(std::strerror(errno));
  switch (waiter.wait(socket.get(), POLLOUT, deadline)) {
    case WaitResult::kStopped:
      return make_error(ErrorCode::kCanceled, "canceled while connecting to " + peer_);
    case WaitResult::kTimeout:
      return unavailable("no answer in time");
    case WaitResult::kReady:
      break;
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return unavailable(std::strerror(error));
  return socket;
}

Result<void> Dialer::handshake(Channel& channel, Waiter& waiter, Deadline deadline) {
  if (!channel.start_tls(tls_.get(), false) || !set_expected_host(channel.ssl(), verified_name_)) {
    return make_error(ErrorCode::kInvalid, "TLS: \"" + verified_name_ + "\" cannot be verified as a server name");
  }
  while (true) {
    const auto result = channel.handshake();
    if (result.state == IoState::kDone) return {};
    if (result.state == IoState::kEnd || result.state == IoState::kFailed) return verification_failed(channel);
    const short events = result.state == IoState::kWantWrite ? POLLOUT : POLLIN;
    const auto waited = waiter.wait(channel.fd(), events, deadline);
    if (waited == WaitResult::kStopped) {
      return make_error(ErrorCode::kCanceled, "canceled during the TLS handshake with " + peer_);
    }
    if (waited == WaitResult::kTimeout) {
      if (channel.certificate_refused()) {
        return make_error(ErrorCode::kUnauthenticated,
                          peer_ + " did not accept our client certificate: " + channel.error());
      }
      return make_error(ErrorCode::kUnavailable, "TLS handshake with " + peer_ + " took too long");
    }
  }
}

Error Dialer::verification_failed(const Channel& channel) const {
  const long verdict = SSL_get_verify_result(channel.ssl());
  if (verify_ && verdict != X509_V_OK) {
    return make_error(ErrorCode::kUnauthenticated,
                      "the certificate of " + peer_ + " is not trusted for \"" + verified_name_ +
                          "\": " + X509_verify_cert_error_string(verdict) + "; check the CA and the server's name");
  }
  if (channel.certificate_refused()) {
    return make_error(ErrorCode::kUnauthenticated,
                      peer_ + " did not accept our client certificate: " + channel.error());
  }
  return make_error(ErrorCode::kUnavailable, "TLS handshake with " + peer_ + " failed: " + channel.error());
}

}  // namespace fracta::net
