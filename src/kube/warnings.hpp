// `Warning: 299 - "text"` headers of the API server (RFC 7234 5.5; KEP-1693), each text handed on once.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/net/http.hpp"

namespace fracta::kube {

// The texts of all 299 warnings of one header value; malformed rests are dropped.
std::vector<std::string> parse_warnings(std::string_view header_value);

// Thread-safe.
class WarningFilter {
 public:
  explicit WarningFilter(std::function<void(const std::string&)> on_warning) : on_warning_(std::move(on_warning)) {}
  void handle(const net::Headers& headers);

 private:
  std::function<void(const std::string&)> on_warning_;
  std::mutex mutex_;
  std::set<std::string> seen_;
};

}  // namespace fracta::kube
