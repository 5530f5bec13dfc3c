#include "devcluster/node/stdin_pump.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace fracta::devcluster {

bool pump_stdin(const std::stop_token& stop, ExecStreams& streams, int target) {
  std::array<char, 16u << 10> buffer;  // NOLINT: filled by read_stdin()
  (void)::fcntl(target, F_SETFL, ::fcntl(target, F_GETFL) | O_NONBLOCK);
  while (!stop.stop_requested()) {
    const auto got = streams.read_stdin(buffer.data(), buffer.size(), std::chrono::milliseconds{200});
    if (got == -2) continue;
    if (got <= 0) return true;
    std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
    while (!rest.empty()) {
      if (stop.stop_requested()) return false;
      const ssize_t n = ::write(target, rest.data(), rest.size());
      if (n > 0) {
        rest.remove_prefix(static_cast<std::size_t>(n));
      } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        pollfd wait{target, POLLOUT, 0};
        (void)::poll(&wait, 1, 200);
      } else {
        return false;
      }
    }
  }
  return false;
}

}  // namespace fracta::devcluster
