// Where a server's TLS settings come from: texts, or files or a function whose answer may change while it runs.
#pragma once

#include <chrono>
#include <string>

#include "net/tls_context.hpp"

namespace fracta::net {

// Not thread-safe.
class TlsSource {
 public:
  // kInvalid, or what reading the files gave. Without certificate and files: a source of plain HTTP.
  static Result<TlsSource> create(const ServerTlsOptions& options);

  [[nodiscard]] bool enabled() const { return context_ != nullptr; }
  // The settings for the next connection. Looks at the files at most once a second; while what they hold is broken
  // (half of a rotation), the last good settings stay.
  TlsContext current();

 private:
  TlsSource() = default;
  [[nodiscard]] std::string stamp() const;
  Result<TlsContext> load() const;
  ServerTlsOptions options_;
  TlsContext context_;
  std::string stamp_;
  std::chrono::steady_clock::time_point next_look_{};
};

}  // namespace fracta::net
