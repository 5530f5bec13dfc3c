#include "net/channel.hpp"

#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

namespace fracta::net {
namespace {

// OpenSSL's own socket BIO uses write(2), so a peer that has gone would kill a process that does not ignore SIGPIPE.
// This one is the same with MSG_NOSIGNAL. Its data pointer carries the descriptor.
int bio_fd(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(bio_fd(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto got = ::recv(bio_fd(bio), data, static_cast<std::size_t>(size), 0);
  if (got < 0 && would_block()) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_bio_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_control);
  BIO_meth_set_create(method, bio_create);
  return method;
}

BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = make_bio_method();
  return method;
}

bool is_certificate_alert(int reason) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return true;
    default:
      return false;
  }
}

}  // namespace

Channel::~Channel() = default;

bool Channel::start_tls(SSL_CTX* context, bool server) {
  ssl_.reset(SSL_new(context));
  BIO* bio = BIO_new(bio_method());
  if (ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return false;
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket_.get())));
  SSL_set_bio(ssl_.get(), bio, bio);
  // Partial writes: a retry may come with the rest of another buffer.
  SSL_set_mode(ssl_.get(),
               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  if (server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
  return true;
}

IoResult Channel::tls_result(int result) {
  if (result > 0) return {IoState::kDone, static_cast<std::size_t>(result)};
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {IoState::kWantRead, 0};
    case SSL_ERROR_WANT_WRITE:
      return {IoState::kWantWrite, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {IoState::kEnd, 0};
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      error_ = saved_errno != 0 ? std::strerror(saved_errno) : "connection closed";
      return {IoState::kFailed, 0};
    default:
      broken_ = true;
      certificate_refused_ = is_certificate_alert(ERR_GET_REASON(ERR_peek_error()));
      error_ = "TLS: " + openssl_error_text();
      return {IoState::kFailed, 0};
  }
}

IoResult Channel::handshake() {
  const std::lock_guard lock(mutex_);
  ERR_clear_error();
  errno = 0;
  return tls_result(SSL_do_handshake(ssl_.get()));
}

IoResult Channel::read(char* buffer, std::size_t size) {
  if (ssl_ != nullptr) {
    const std::lock_guard lock(mutex_);
    ERR_clear_error();
    errno = 0;
    return tls_result(SSL_read(ssl_.get(), buffer, static_cast<int>(std::min<std::size_t>(size, INT_MAX))));
  }
  while (true) {
    const auto got = ::recv(socket_.get(), buffer, size, 0);
    if (got > 0) return {IoState::kDone, static_cast<std::size_t>(got)};
    if (got == 0) return {IoState::kEnd, 0};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoState::kWantRead, 0};
    const std::lock_guard lock(mutex_);
    error_ = std::strerror(errno);
    return {IoState::kFailed, 0};
  }
}

IoResult Channel::write(std::string_view bytes) {
  if (bytes.empty()) return {IoState::kDone, 0};
  if (ssl_ != nullptr) {
    const std::lock_guard lock(mutex_);
    ERR_clear_error();
    errno = 0;
    return tls_result(
        SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX))));
  }
  while (true) {
    const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return {IoState::kDone, static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoState::kWantWrite, 0};
    const std::lock_guard lock(mutex_);
    error_ = std::strerror(errno);
    return {IoState::kFailed, 0};
  }
}

IoState Channel::drain() {
  std::array<char, 16u << 10> buffer;  // NOLINT: only ever overwritten
  constexpr int kReadsAtOnce = 32;
  for (int i = 0; i < kReadsAtOnce; ++i) {
    const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got == 0) return IoState::kEnd;
    if (got < 0 && !would_block()) return IoState::kFailed;
    if (got < 0) break;
  }
  return IoState::kWantRead;
}

void Channel::end_output() {
  if (ssl_ != nullptr) {
    const std::lock_guard lock(mutex_);
    if (!broken_ && SSL_is_init_finished(ssl_.get()) != 0) {
      ERR_clear_error();
      SSL_shutdown(ssl_.get());
      ERR_clear_error();
    }
  }
  ::shutdown(socket_.get(), SHUT_WR);
}

void Channel::abort() { ::shutdown(socket_.get(), SHUT_RDWR); }

bool Channel::certificate_refused() const {
  const std::lock_guard lock(mutex_);
  return certificate_refused_;
}

std::string Channel::error() const {
  const std::lock_guard lock(mutex_);
  return error_.empty() ? "connection failed" : error_;
}

}  // namespace fracta::net
