// Bytes of a watch -> events. Not thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "fracta/kube/client.hpp"
#include "fracta/net/lines.hpp"

namespace fracta::kube {

class WatchDecoder {
 public:
  WatchDecoder(std::function<bool(const WatchEvent&)> on_event, std::function<void()> on_unknown);
  // False when the stream shall end: error() says why; without one the callback asked for it.
  bool feed(std::string_view bytes);
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] bool at_line_end() const;

 private:
  bool line(std::string_view text);
  bool fail(ErrorCode code, std::string message);

  std::function<bool(const WatchEvent&)> on_event_;
  std::function<void()> on_unknown_;
  std::optional<Error> error_;
  net::LineReader lines_;
};

}  // namespace fracta::kube
