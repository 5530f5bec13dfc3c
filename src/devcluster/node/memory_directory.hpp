// An emptyDir with medium Memory.
#pragma once

#include <cstdint>
#include <string>

namespace fracta::devcluster {

// As root a tmpfs of its own, mounted at `point` and no larger than `limit` bytes (0 = half of the memory, as the
// kernel has it); otherwise a directory on the machine's /dev/shm; otherwise plain disk. Gone with the object.
class MemoryDirectory {
 public:
  MemoryDirectory(std::string point, std::int64_t limit);
  ~MemoryDirectory();
  MemoryDirectory(const MemoryDirectory&) = delete;
  MemoryDirectory& operator=(const MemoryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  enum class Kind { kMount, kShared, kDisk };
  Kind kind_ = Kind::kDisk;
  std::string path_;
};

}  // namespace fracta::devcluster
