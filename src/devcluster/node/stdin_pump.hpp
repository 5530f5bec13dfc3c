// The thread that carries a session's standard input to a process.
#pragma once

#include <stop_token>

#include "devcluster/node/unique_fd.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

// Until the input ends, nobody reads it any more, or `stop`. `target` is made non-blocking. True: the input ended.
bool pump_stdin(const std::stop_token& stop, ExecStreams& streams, int target);

}  // namespace fracta::devcluster
