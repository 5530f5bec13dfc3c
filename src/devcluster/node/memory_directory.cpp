#include "devcluster/node/memory_directory.hpp"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>

#include "fracta/base/text.hpp"

namespace fracta::devcluster {

MemoryDirectory::MemoryDirectory(std::string point, std::int64_t limit) : path_(std::move(point)) {
  const std::string options = limit > 0 ? fmt::format("mode=0777,size={}", limit) : "mode=0777";
  if (::mount("tmpfs", path_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) == 0) {
    kind_ = Kind::kMount;
    return;
  }
  const std::string shared = "/dev/shm/fracta-" + random_hex(8);
  if (::mkdir(shared.c_str(), 0777) != 0) return;
  kind_ = Kind::kShared;
  path_ = shared;
}

MemoryDirectory::~MemoryDirectory() {
  std::error_code ignored;
  if (kind_ == Kind::kMount) (void)::umount2(path_.c_str(), MNT_DETACH);
  if (kind_ == Kind::kShared) std::filesystem::remove_all(path_, ignored);
}

}  // namespace fracta::devcluster
