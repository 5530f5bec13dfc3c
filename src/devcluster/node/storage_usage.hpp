// How much local storage a pod uses, for the limits a kubelet evicts for.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace fracta::devcluster {

// Disk blocks of everything below `directory`, in bytes; symbolic links are not followed, other file systems and what
// comes after a million entries are not counted.
std::int64_t directory_usage(const std::string& directory);

// What a container has written outside its volumes; `first` is its first process.
std::int64_t writable_layer_usage(pid_t first);

}  // namespace fracta::devcluster
