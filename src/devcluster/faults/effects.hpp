// The faults a request met, as one.
#pragma once

#include <memory>
#include <optional>

#include "devcluster/faults/fault_book.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::devcluster {

class Effects {
 public:
  Effects(std::vector<Fault> faults, std::stop_token stop) : faults_(std::move(faults)), stop_(std::move(stop)) {}

  // Delays, and what is answered instead of serving the request.
  [[nodiscard]] std::optional<net::ServerResponse> before() const;
  // What becomes of the answer to a request that has been served.
  void after(net::ServerResponse& response) const;

  [[nodiscard]] std::uint64_t stale() const;
  [[nodiscard]] bool has_watch(std::string_view what) const;

 private:
  std::vector<Fault> faults_;
  std::stop_token stop_;
};

// GET, POST, DELETE of /_faults and /_faults/ID; the caller has checked who asks.
net::ServerResponse serve_faults(const net::ServerRequest& request, FaultBook& book);

}  // namespace fracta::devcluster
