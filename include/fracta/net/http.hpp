// Plain HTTP values shared by client and server.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::net {

// In order of arrival; names compare without case. A header name may repeat.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> entries) : entries_(entries) {}
  void add(std::string name, std::string value) { entries_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string_view name, std::string value);                         // replaces all of that name
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;  // the first
  [[nodiscard]] bool has(std::string_view name) const { return get(name).has_value(); }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

// http(s)://host[:port][/base]. No user info, no fragment. IPv6 literals without brackets in `host`.
struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;
  int port = 0;       // filled from the scheme when absent
  std::string path;   // without a trailing slash; may be empty
  std::string query;  // without '?'

  [[nodiscard]] std::string authority() const;  // host:port, brackets for IPv6
  [[nodiscard]] std::string to_string() const;
};
Result<Url> parse_url(std::string_view text);

// Ordered query parameters; decode errors drop the parameter.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
QueryParameters parse_query(std::string_view query);
std::string encode_query(const QueryParameters& parameters);  // "a=b&c=d", percent-encoded

// "Not Found" for 404, etc.; "" for unknown.
std::string_view status_text(int status);

}  // namespace fracta::net
