// Frames of RFC 6455 5.2: taking them out of a byte stream and making them. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fracta::net {

enum class Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};
[[nodiscard]] constexpr bool is_control(Opcode opcode) { return static_cast<unsigned>(opcode) >= 8; }

struct Frame {
  bool final = true;
  Opcode opcode = Opcode::kBinary;
  std::string payload;  // unmasked
};

struct FrameError {
  std::uint16_t code;  // to close with
  std::string what;
};

class FrameReader {
 public:
  // Clients mask, servers must not (5.1): what comes in the other way is refused.
  FrameReader(bool expect_masked, std::size_t max_payload) : masked_(expect_masked), max_payload_(max_payload) {}

  void feed(std::string_view bytes) { buffer_.append(bytes); }
  // A whole frame, if one is there. After an error nothing more comes; see error().
  std::optional<Frame> next();
  [[nodiscard]] const std::optional<FrameError>& error() const { return error_; }

 private:
  std::optional<Frame> fail(std::uint16_t code, std::string what);

  bool masked_;
  std::size_t max_payload_;
  std::string buffer_;
  std::optional<FrameError> error_;
};

// `mask` (4 bytes) as a client sends it; empty as a server does.
std::string encode_frame(Opcode opcode, std::string_view payload, std::string_view mask);

// Close codes that may stand on the wire (7.4).
[[nodiscard]] bool is_close_code(unsigned code);

}  // namespace fracta::net
