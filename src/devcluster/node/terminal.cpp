#include "devcluster/node/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fracta::devcluster {
namespace {

constexpr int kFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;

UniqueFd open_master(pid_t container) {
  if (container > 0) {
    UniqueFd fd(::open(fmt::format("/proc/{}/root/dev/pts/ptmx", container).c_str(), kFlags));
    if (fd.valid()) return fd;
  }
  return UniqueFd(::open("/dev/ptmx", kFlags));
}

}  // namespace

Result<Terminal> open_terminal(pid_t container, uid_t uid) {
  Terminal terminal;
  terminal.master = open_master(container);
  const int unlocked = 0;
  if (terminal.master.valid() && ::ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) == 0)
    terminal.slave.reset(::ioctl(terminal.master.get(), TIOCGPTPEER, kFlags));
  if (!terminal.slave.valid())
    return make_error(ErrorCode::kResourceExhausted, fmt::format("no pseudo terminal: {}", std::strerror(errno)));
  (void)!::fchown(terminal.slave.get(), uid, static_cast<gid_t>(-1));
  return terminal;
}

void resize_terminal(int master, unsigned short columns, unsigned short rows) {
  winsize size{};
  size.ws_col = columns;
  size.ws_row = rows;
  (void)::ioctl(master, TIOCSWINSZ, &size);
}

}  // namespace fracta::devcluster
