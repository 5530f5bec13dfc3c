// Pseudo terminals for containers and exec sessions with `tty`.
#pragma once

#include "devcluster/node/unique_fd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

struct Terminal {
  UniqueFd master, slave;
};

// From the container's own /dev/pts, so that `tty` inside names it; `container` is a process in it, or -1 for one of
// the host's. The slave belongs to `uid`.
Result<Terminal> open_terminal(pid_t container, uid_t uid);

void resize_terminal(int master, unsigned short columns, unsigned short rows);

}  // namespace fracta::devcluster
