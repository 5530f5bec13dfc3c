#include "net/resolver.hpp"

#include <netdb.h>
#include <condition_variable>
#include <cstring>
#include <optional>

namespace fracta::net {
namespace {

Result<std::vector<Address>> look_up(const std::string& host, int port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* list = nullptr;
  const auto service = std::to_string(port);
  const int status = getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  if (status != 0) {
    return make_error(ErrorCode::kUnavailable, "cannot resolve host \"" + host + "\": " + gai_strerror(status));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    Address address;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

struct Resolver::Lookup {
  std::mutex mutex;
  std::condition_variable_any done;
  std::optional<Result<std::vector<Address>>> answer;
};

std::shared_ptr<Resolver::Lookup> Resolver::join_or_start() {
  const std::lock_guard lock(mutex_);
  if (running_ != nullptr) {
    const std::lock_guard lookup_lock(running_->mutex);
    if (!running_->answer) return running_;
  }
  running_ = std::make_shared<Lookup>();
  // The old thread has delivered its answer, so joining it does not wait.
  thread_ = std::jthread([lookup = running_, host = host_, port = port_] {
    auto answer = look_up(host, port, 0);
    const std::lock_guard lookup_lock(lookup->mutex);
    lookup->answer = std::move(answer);
    lookup->done.notify_all();
  });
  return running_;
}

Result<std::vector<Address>> Resolver::resolve(std::chrono::steady_clock::time_point deadline,
                                               const std::stop_token& stop) {
  if (auto numeric = look_up(host_, port_, AI_NUMERICHOST)) return numeric;  // no look-up, no thread
  const auto lookup = join_or_start();
  std::unique_lock lock(lookup->mutex);
  lookup->done.wait_until(lock, stop, deadline, [&] { return lookup->answer.has_value(); });
  if (lookup->answer) return *lookup->answer;
  if (stop.stop_requested()) return make_error(ErrorCode::kCanceled, "canceled while resolving host \"" + host_ + "\"");
  return make_error(ErrorCode::kUnavailable, "resolving host \"" + host_ + "\" took too long");
}

}  // namespace fracta::net
