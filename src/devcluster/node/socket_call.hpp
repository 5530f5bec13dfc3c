// One bind() or connect() of a pod, decided.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>

namespace fracta::devcluster {

// Carries out the call that `request` tells of with the pod's address where it belongs, and fills in the answer; or
// lets the kernel go on with the call as it is. `address` in network byte order.
void answer_socket_call(int listener, const seccomp_notif& request, std::uint32_t address, seccomp_notif_resp& answer);

}  // namespace fracta::devcluster
