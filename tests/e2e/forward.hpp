// A port of this machine that leads to an address of the cluster: what `kubectl port-forward` does for a user.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fracta::e2e {

class Forward {
 public:
  Forward() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = make("127.0.0.1", 0);
    socklen_t size = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener_, 16) == 0 &&
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0)
      port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~Forward() {
    thread_.request_stop();
    thread_.join();
    close(listener_);
  }
  Forward(const Forward&) = delete;
  Forward& operator=(const Forward&) = delete;

  [[nodiscard]] int port() const { return port_; }
  void lead_to(const std::string& address, int port) {
    const std::lock_guard lock(mutex_);
    target_ = make(address, port);
  }

 private:
  static sockaddr_in make(const std::string& address, int port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, address.c_str(), &result.sin_addr);
    return result;
  }

  void serve(const std::stop_token& stop) {
    std::vector<std::jthread> connections;
    while (!stop.stop_requested()) {
      pollfd waiting{listener_, POLLIN, 0};
      if (poll(&waiting, 1, 100) != 1) continue;
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      sockaddr_in target{};
      {
        const std::lock_guard lock(mutex_);
        target = target_;
      }
      const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(server, reinterpret_cast<sockaddr*>(&target), sizeof(target)) != 0) {
        close(client), close(server);
        continue;
      }
      connections.emplace_back([client, server](const std::stop_token& end) {
        copy(end, client, server);
        close(client), close(server);
      });
    }
  }

  // Both ways until either side ends.
  static void copy(const std::stop_token& stop, int a, int b) {
    while (!stop.stop_requested()) {
      pollfd both[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
      if (poll(both, 2, 100) < 0) return;
      for (const auto& [from, to] : {std::pair{0, 1}, std::pair{1, 0}}) {
        if (both[from].revents == 0) continue;
        char buffer[16 << 10];
        const ssize_t count = read(both[from].fd, buffer, sizeof(buffer));
        if (count <= 0) return;
        for (ssize_t done = 0; done < count;) {
          const ssize_t written =
              send(both[to].fd, buffer + done, static_cast<std::size_t>(count - done), MSG_NOSIGNAL);
          if (written <= 0) return;
          done += written;
        }
      }
    }
  }

  int listener_ = -1, port_ = 0;
  std::mutex mutex_;
  sockaddr_in target_{};
  std::jthread thread_;
};

}  // namespace fracta::e2e
