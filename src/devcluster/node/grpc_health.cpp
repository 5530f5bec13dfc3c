#include "devcluster/node/grpc_health.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "devcluster/node/unique_fd.hpp"

namespace fracta::devcluster {
namespace {

using Clock = std::chrono::steady_clock;

// Frame types of HTTP/2 (RFC 9113 6).
enum FrameType : unsigned { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoAway = 7 };
constexpr unsigned kEndStream = 1, kEndHeaders = 4, kAck = 1;
constexpr std::size_t kFrameHead = 9;
constexpr std::size_t kMaxAnswer = 64u << 10;

unsigned byte_at(std::string_view text, std::size_t index) { return static_cast<unsigned char>(text[index]); }

std::string frame(FrameType type, unsigned flags, unsigned stream, std::string_view payload) {
  std::string out;
  for (const unsigned shift : {16U, 8U, 0U}) out += static_cast<char>(payload.size() >> shift & 0xffU);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(stream >> shift & 0xffU);
  return out.append(payload);
}

// A header as a literal that is never indexed, names and values shorter than 127 bytes (RFC 7541 6.2.2).
std::string header(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  out += static_cast<char>(name.size());
  out.append(name);
  out += static_cast<char>(value.size());
  return out.append(value);
}

std::string question(const std::string& authority, std::string_view service) {
  service = service.substr(0, 120);
  std::string message;
  if (!service.empty()) {  // HealthCheckRequest.service = 1
    message += '\x0a';
    message += static_cast<char>(service.size());
    message.append(service);
  }
  std::string body{'\0', '\0', '\0', '\0', static_cast<char>(message.size())};
  body.append(message);
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0, "") +
         frame(kHeaders, kEndHeaders, 1,
               header(":method", "POST") + header(":scheme", "http") + header(":path", "/grpc.health.v1.Health/Check") +
                   header(":authority", authority) + header("content-type", "application/grpc") +
                   header("te", "trailers") + header("user-agent", "kube-probe/1.26")) +
         frame(kData, kEndStream, 1, body);
}

// HealthCheckResponse.status = 1, in a length-prefixed message.
std::string verdict(std::string_view message) {
  unsigned status = 0;
  if (message.size() >= 7 && byte_at(message, 5) == 0x08) status = byte_at(message, 6);
  if (status == 1) return "";
  constexpr std::array<std::string_view, 4> kNames = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  return fmt::format("service unhealthy (responded with \"{}\")", status < kNames.size() ? kNames[status] : kNames[0]);
}

class Call {
 public:
  Call(Clock::time_point deadline, const std::stop_token& stop) : deadline_(deadline), stop_(stop) {}

  bool connect(const std::string& host, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    fd_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd_.valid() || ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return false;
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    int error = 0;
    socklen_t size = sizeof error;
    return errno == EINPROGRESS && wait(POLLOUT) && ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
           error == 0;
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0)
        bytes.remove_prefix(static_cast<std::size_t>(n));
      else if (errno != EAGAIN || !wait(POLLOUT))
        return false;
    }
    return true;
  }

  // The message of the answer; empty when the call ended without one, nothing when it did not end in time.
  std::optional<std::string> answer() {
    std::string inbox, message;
    std::array<char, 4096> buffer;  // NOLINT: filled by recv()
    while (wait(POLLIN) && inbox.size() < kMaxAnswer) {
      const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) return message;
      inbox.append(buffer.data(), static_cast<std::size_t>(got));
      while (inbox.size() >= kFrameHead) {
        const std::size_t size = byte_at(inbox, 0) << 16U | byte_at(inbox, 1) << 8U | byte_at(inbox, 2);
        if (inbox.size() < kFrameHead + size) break;
        const unsigned type = byte_at(inbox, 3), flags = byte_at(inbox, 4);
        const std::string payload = inbox.substr(kFrameHead, size);
        inbox.erase(0, kFrameHead + size);
        if (type == kSettings && (flags & kAck) == 0) (void)send(frame(kSettings, kAck, 0, ""));
        if (type == kPing && (flags & kAck) == 0) (void)send(frame(kPing, kAck, 0, payload));
        if (type == kData) message.append(payload);
        const bool ends = (type == kData || type == kHeaders) && (flags & kEndStream) != 0;
        if (ends || type == kReset || type == kGoAway) return message;
      }
    }
    return std::nullopt;
  }

 private:
  bool wait(short events) {
    while (!stop_.stop_requested()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
      if (left <= 0) return false;
      pollfd entry{fd_.get(), events, 0};
      if (::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 100))) == 1) return true;
    }
    return false;
  }
  UniqueFd fd_;
  Clock::time_point deadline_;
  std::stop_token stop_;
};

}  // namespace

std::string check_grpc_health(const std::string& host, int port, const std::string& service,
                              std::chrono::milliseconds timeout, const std::stop_token& stop) {
  const std::string authority = fmt::format("{}:{}", host, port);
  Call call(Clock::now() + timeout, stop);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout).count();
  if (!call.connect(host, port) || !call.send(question(authority, service)))
    return fmt::format("timeout: failed to connect service \"{}\" within {}s: context deadline exceeded", authority,
                       seconds);
  const auto message = call.answer();
  if (!message) return fmt::format("timeout: health rpc did not complete within {}s", seconds);
  if (message->empty()) return "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)";
  return verdict(*message);
}

}  // namespace fracta::devcluster
