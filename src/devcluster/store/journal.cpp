#include "devcluster/store/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/stop.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::string_view kMagic = "FRACTAJ1";
constexpr std::size_t kHeader = 8;
constexpr std::uint32_t kLongest = 64u << 20;  // no object is near that: longer is damage
constexpr std::uint64_t kSmallest = 8u << 20;
constexpr std::chrono::seconds kSyncEvery{1};

std::uint32_t crc32(std::string_view bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1u) != 0 ? 0xedb88320u ^ (value >> 1) : value >> 1;
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = ~0u;
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xffu] ^ (crc >> 8);
  return ~crc;
}

void put32(std::string& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>((value >> (8 * i)) & 0xffu);
}

std::uint32_t get32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

std::string framed(std::string_view payload) {
  std::string record;
  record.reserve(kHeader + payload.size());
  put32(record, static_cast<std::uint32_t>(payload.size()));
  put32(record, crc32(payload));
  return record += payload;
}

// The object is JSON already: it is not parsed again.
std::string payload_of(const JournalEntry& entry) {
  std::string payload =
      fmt::format("{{\"r\":{},\"k\":{},\"v\":{}", dump_json(entry.resource), dump_json(entry.key), entry.version);
  if (!entry.object.empty()) payload.append(",\"o\":").append(entry.object);
  return payload += '}';
}

// Reads exactly `size` bytes; false at the end of the file and on errors.
bool read_exactly(int fd, std::string& out, std::size_t size) {
  out.resize(size);
  std::size_t got = 0;
  while (got < size) {
    const auto n = ::read(fd, out.data() + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return true;
}

// Hands out what is whole; the offset behind it.
std::uint64_t replay(int fd, std::uint64_t size, const Journal::OnEntry& on_entry) {
  std::uint64_t good = kMagic.size();
  std::string header, payload;
  while (read_exactly(fd, header, kHeader)) {
    const std::uint32_t length = get32(header);
    if (length > kLongest || good + kHeader + length > size || !read_exactly(fd, payload, length) ||
        crc32(payload) != get32(std::string_view(header).substr(4)))
      break;
    auto entry = parse_json(payload);
    if (!entry || !int_at(*entry, "v")) break;
    on_entry(string_at(*entry, "r"), string_at(*entry, "k"), static_cast<std::uint64_t>(*int_at(*entry, "v")),
             entry->contains("o") ? std::move((*entry)["o"]) : Json());
    good += kHeader + length;
  }
  return good;
}

Error failed(const std::string& path, const char* what) {
  return make_error(ErrorCode::kInternal, fmt::format("journal {}: {}: {}", path, what, std::strerror(errno)));
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path, const OnEntry& on_entry) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed(path, "open");
  struct stat status {};
  ::fstat(fd, &status);
  auto size = static_cast<std::uint64_t>(status.st_size);
  std::unique_ptr<Journal> journal(new Journal(path, fd, size));
  std::string magic;
  if (size < kMagic.size()) {
    if (::ftruncate(fd, 0) != 0 || !journal->write_all(fd, kMagic)) return failed(path, "write");
    journal->size_ = kMagic.size();
    return journal;
  }
  if (!read_exactly(fd, magic, kMagic.size()) || magic != kMagic)
    return make_error(ErrorCode::kInvalid, path + " is no journal of a development cluster; move it away");
  const std::uint64_t good = replay(fd, size, on_entry);
  if (good != size) {
    log::warn("devcluster", "the journal's end is damaged and was cut off",
              {{"file", path}, {"bytes", std::to_string(size - good)}});
    if (::ftruncate(fd, static_cast<off_t>(good)) != 0) return failed(path, "truncate");
  }
  if (::lseek(fd, static_cast<off_t>(good), SEEK_SET) < 0) return failed(path, "seek");
  journal->size_ = good;
  journal->limit_ = std::max(kSmallest, 2 * good);
  return journal;
}

Journal::Journal(std::string path, int fd, std::uint64_t size)
    : path_(std::move(path)), fd_(fd), size_(size), limit_(kSmallest) {
  syncer_ = std::jthread([this](const std::stop_token& stop) { sync_loop(stop); });
}

Journal::~Journal() {
  syncer_.request_stop();
  if (syncer_.joinable()) syncer_.join();
  if (fd_ >= 0) {
    ::fdatasync(fd_);
    ::close(fd_);
  }
}

bool Journal::write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void Journal::give_up(const char* what) {
  failed_ = true;
  log::error("devcluster", "the journal cannot be written; changes from now on are lost with the process",
             {{"file", path_}, {"what", what}, {"error", std::strerror(errno)}});
}

void Journal::append(const JournalEntry& entry) {
  if (failed_) return;
  const std::string record = framed(payload_of(entry));
  if (!write_all(fd_, record)) return give_up("write");
  size_ += record.size();
  const std::lock_guard lock(sync_mutex_);
  dirty_ = true;
  sync_wanted_.notify_one();
}

void Journal::compact(std::uint64_t version,
                      const std::function<void(const std::function<void(const JournalEntry&)>&)>& each) {
  if (failed_) return;
  const std::string beside = path_ + ".new";
  ::unlink(beside.c_str());
  const int fd = ::open(beside.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return give_up("open");
  std::uint64_t size = kMagic.size();
  std::string buffer(kMagic);
  bool ok = true;
  const auto add = [&](const std::string& record) {
    buffer += record;
    size += record.size();
    if (buffer.size() < (1u << 20)) return;
    ok = ok && write_all(fd, buffer);
    buffer.clear();
  };
  each([&](const JournalEntry& entry) { add(framed(payload_of(entry))); });
  add(framed(fmt::format("{{\"v\":{}}}", version)));
  ok = ok && write_all(fd, buffer) && ::fdatasync(fd) == 0 && ::rename(beside.c_str(), path_.c_str()) == 0;
  if (!ok) {
    give_up("compaction");
    ::close(fd);
    ::unlink(beside.c_str());
    return;
  }
  const std::lock_guard lock(sync_mutex_);
  ::close(fd_);
  fd_ = fd;
  size_ = size;
  limit_ = std::max(kSmallest, 4 * size);
  dirty_ = true;
}

void Journal::sync_loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(sync_mutex_);
      if (!sync_wanted_.wait(lock, stop, [this] { return dirty_; })) return;
      dirty_ = false;
      // Its own descriptor: a compaction may close the other one meanwhile.
      const int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
      lock.unlock();
      if (fd >= 0) {
        ::fdatasync(fd);
        ::close(fd);
      }
    }
    wait_for(stop, kSyncEvery);
  }
}

}  // namespace fracta::devcluster
