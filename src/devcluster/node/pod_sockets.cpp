#include "devcluster/node/pod_sockets.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "devcluster/node/socket_call.hpp"
#include "fracta/base/stop.hpp"

namespace fracta::devcluster {
namespace {

constexpr unsigned kPerNetwork = 254;
constexpr unsigned kNetworks = 240 * 256;  // 127.16.0 to 127.255.255

// The kernel says how large its idea of the structures is; it may be newer than our headers.
struct Buffers {
  Buffers() {
    seccomp_notif_sizes sizes{};
    (void)::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
    request.resize(std::max<std::size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)) / sizeof(std::uint64_t) + 1);
    answer.resize(std::max<std::size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)) / sizeof(std::uint64_t) +
                  1);
  }
  std::vector<std::uint64_t> request, answer;
};

void serve(int listener, std::uint32_t address, Buffers& buffers) {
  std::fill(buffers.request.begin(), buffers.request.end(), 0);  // the kernel insists
  auto& request = *reinterpret_cast<seccomp_notif*>(buffers.request.data());
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) return;
  std::fill(buffers.answer.begin(), buffers.answer.end(), 0);
  auto& answer = *reinterpret_cast<seccomp_notif_resp*>(buffers.answer.data());
  answer_socket_call(listener, request, address, answer);
  (void)::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

}  // namespace

// Every node takes a network by chance, so that two development clusters on a machine hardly meet.
PodSockets::PodSockets()
    : network_(static_cast<unsigned>(random_fraction() * kNetworks) % kNetworks),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_.get();
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

PodSockets::~PodSockets() {
  thread_.request_stop();
  (void)!::write(wake_.get(), "\1\0\0\0\0\0\0\0", 8);
}

bool PodSockets::possible() {
  const UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  const UniqueFd again(static_cast<int>(::syscall(SYS_pidfd_getfd, self.get(), self.get(), 0)));
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x7f100001);  // 127.16.0.1
  return again.valid() && ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string PodSockets::take_address() {
  const std::lock_guard lock(mutex_);
  for (unsigned tried = 0; tried < 16 * kPerNetwork; ++tried) {
    const unsigned n = next_++;
    const unsigned network = (network_ + n / kPerNetwork) % kNetworks;
    std::string address = fmt::format("127.{}.{}.{}", 16 + network / 256, network % 256, 1 + n % kPerNetwork);
    next_ %= 16 * kPerNetwork;
    if (taken_.insert(address).second) return address;
  }
  return {};
}

void PodSockets::give_back(const std::string& address) {
  const std::lock_guard lock(mutex_);
  taken_.erase(address);
}

void PodSockets::supervise(UniqueFd listener, const std::string& address) {
  in_addr parsed{};
  if (!listener.valid() || ::inet_pton(AF_INET, address.c_str(), &parsed) != 1) return;
  const std::lock_guard lock(mutex_);
  const int fd = listener.get();
  supervised_[fd] = {std::move(listener), parsed.s_addr};
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void PodSockets::run(const std::stop_token& stop) {
  Buffers buffers;
  std::array<epoll_event, 64> events{};
  while (!stop.stop_requested()) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      const int fd = event.data.fd;
      std::uint32_t address = 0;
      {
        // Closed by this thread alone, so what is found here stays open below.
        const std::lock_guard lock(mutex_);
        const auto found = supervised_.find(fd);
        if (found == supervised_.end()) continue;
        if ((event.events & EPOLLIN) == 0) {  // everybody has ended
          supervised_.erase(found);
          continue;
        }
        address = found->second.address;
      }
      serve(fd, address, buffers);
    }
  }
}

}  // namespace fracta::devcluster
