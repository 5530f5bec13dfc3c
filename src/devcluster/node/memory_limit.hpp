// A container's memory limit: by a control group where the machine lets us make one (version 2 or 1), otherwise by
// looking at the container's processes again and again and killing the largest, as the kernel would.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "fracta/base/clock.hpp"

namespace fracta::devcluster {

class MemoryLimit {
 public:
  explicit MemoryLimit(std::int64_t bytes);
  ~MemoryLimit();  // all processes of the container have ended
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

  // The file by which a process joins the group; empty when there is none and enforce() has to be called.
  [[nodiscard]] std::string join_file() const { return group_.empty() ? "" : group_ + "/cgroup.procs"; }
  // Without a group: looks at `first` and its descendants. Call it every kPeriod.
  static constexpr std::chrono::milliseconds kPeriod{250};
  void enforce(pid_t first);
  // Whether a process of the container was killed for want of memory.
  [[nodiscard]] bool killed() const;

 private:
  const std::int64_t bytes_;
  std::string group_;  // directory
  bool killed_ = false;
};

}  // namespace fracta::devcluster
