#include "devcluster/node/socket_call.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "devcluster/node/unique_fd.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

// An Internet address as the program gave it.
struct Destination {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] bool is_v6() const { return storage.ss_family == AF_INET6; }
  sockaddr_in& v4() { return reinterpret_cast<sockaddr_in&>(storage); }
  sockaddr_in6& v6() { return reinterpret_cast<sockaddr_in6&>(storage); }
  [[nodiscard]] std::uint16_t port() { return is_v6() ? v6().sin6_port : v4().sin_port; }

  // The IPv4 address meant: also of ::ffff:a.b.c.d, and of :: and ::1, which a dual-stack socket means as well.
  std::optional<std::uint32_t> address() {
    if (!is_v6()) return v4().sin_addr.s_addr;
    const in6_addr& six = v6().sin6_addr;
    if (IN6_IS_ADDR_UNSPECIFIED(&six)) return htonl(INADDR_ANY);
    if (IN6_IS_ADDR_LOOPBACK(&six)) return htonl(INADDR_LOOPBACK);
    if (!IN6_IS_ADDR_V4MAPPED(&six)) return std::nullopt;
    std::uint32_t four = 0;
    std::memcpy(&four, &six.s6_addr[12], sizeof four);
    return four;
  }
  void set_address(std::uint32_t four) {
    if (!is_v6()) {
      v4().sin_addr.s_addr = four;
      return;
    }
    in6_addr& six = v6().sin6_addr;
    std::memset(&six, 0, sizeof six);
    six.s6_addr[10] = six.s6_addr[11] = 0xff;
    std::memcpy(&six.s6_addr[12], &four, sizeof four);
  }
};

std::optional<Destination> read_destination(const seccomp_notif& request) {
  Destination destination;
  const std::uint64_t size = request.data.args[2];
  if (size < sizeof(sockaddr_in) || size > sizeof destination.storage) return std::nullopt;
  iovec here{&destination.storage, static_cast<std::size_t>(size)};
  iovec there{reinterpret_cast<void*>(request.data.args[1]), static_cast<std::size_t>(size)};  // NOLINT: the program's
  if (::process_vm_readv(static_cast<pid_t>(request.pid), &here, 1, &there, 1, 0) != static_cast<ssize_t>(size))
    return std::nullopt;
  const auto family = destination.storage.ss_family;
  if (family != AF_INET && (family != AF_INET6 || size < sizeof(sockaddr_in6))) return std::nullopt;
  destination.size = static_cast<socklen_t>(size);
  return destination;
}

// The program's own socket, in our hands.
UniqueFd take_socket(const seccomp_notif& request) {
  // A request names the thread; descriptors are had by the process.
  const auto status = read_file(fmt::format("/proc/{}/status", request.pid), 64u << 10);
  pid_t process = 0;
  for (const auto& line : split(status.value_or(""), '\n'))
    if (line.starts_with("Tgid:"))
      process = static_cast<pid_t>(parse_int(trim(std::string_view(line).substr(5))).value_or(0));
  if (process <= 0) return {};
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (!pidfd.valid()) return {};
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), static_cast<int>(request.data.args[0]), 0)));
}

bool is_v6_only(int socket) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &value, &size) == 0 && value != 0;
}

// Whether a socket of the pod waits for connections (or datagrams) there.
bool is_bound(int socket, std::uint32_t address, std::uint16_t port) {
  int type = 0;
  socklen_t size = sizeof type;
  (void)::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size);
  const bool tcp = type == SOCK_STREAM;
  // As /proc/net shows them: the address as a number of this machine, the port in network order.
  const std::string four = fmt::format(" {:08X}:{:04X} ", address, ntohs(port));
  const std::string six = fmt::format(" 0000000000000000FFFF0000{:08X}:{:04X} ", address, ntohs(port));
  for (const char* suffix : {"", "6"}) {
    const auto table = read_file(fmt::format("/proc/net/{}{}", tcp ? "tcp" : "udp", suffix), 16u << 20);
    for (const auto& line : split(table.value_or(""), '\n')) {
      const auto at = line.find(*suffix == '\0' ? four : six);
      if (at == std::string::npos || at > 10) continue;  // the local address stands first
      if (!tcp || line.find(" 0A ") != std::string::npos) return true;
    }
  }
  return false;
}

int connect_now(int socket, Destination& destination) {
  // A listening socket of this machine answers at once; one whose queue is full must not hold up everybody else.
  timeval old{}, brief{1, 0};
  socklen_t size = sizeof old;
  (void)::getsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &old, &size);
  (void)::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof brief);
  const int result =
      ::connect(socket, reinterpret_cast<const sockaddr*>(&destination.storage), destination.size) == 0 ? 0 : errno;
  (void)::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &old, sizeof old);
  return result;
}

// Empty: the kernel shall do as it was told. Otherwise the call's errno, 0 for success.
std::optional<int> carry_out(int listener, const seccomp_notif& request, std::uint32_t own) {
  auto destination = read_destination(request);
  const auto address = destination ? destination->address() : std::nullopt;
  const bool bind = request.data.nr == SYS_bind;
  if (!address || (*address != htonl(INADDR_LOOPBACK) && !(bind && *address == htonl(INADDR_ANY)))) return std::nullopt;
  const UniqueFd socket = take_socket(request);
  // The process may have died meanwhile, and its number be another's.
  std::uint64_t id = request.id;
  if (!socket.valid() || ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) != 0) return std::nullopt;
  if (destination->is_v6() && is_v6_only(socket.get())) return std::nullopt;
  if (!bind && !is_bound(socket.get(), own, destination->port())) return std::nullopt;
  destination->set_address(own);
  if (!bind) return connect_now(socket.get(), *destination);
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&destination->storage), destination->size) == 0 ? 0
                                                                                                                : errno;
}

}  // namespace

void answer_socket_call(int listener, const seccomp_notif& request, std::uint32_t address, seccomp_notif_resp& answer) {
  answer = {};
  answer.id = request.id;
  if (const auto error = carry_out(listener, request, address))
    answer.error = -*error;
  else
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
}

}  // namespace fracta::devcluster
