#include "net/websocket_frame.hpp"

#include "fracta/net/websocket.hpp"

namespace fracta::net {
namespace {

constexpr std::size_t kMaxControlPayload = 125;

unsigned byte_at(std::string_view text, std::size_t index) { return static_cast<unsigned char>(text[index]); }

std::uint64_t big_endian(std::string_view text) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) value = value << 8U | byte_at(text, i);
  return value;
}

void apply_mask(std::string& payload, std::string_view mask) {
  for (std::size_t i = 0; i < payload.size(); ++i)
    payload[i] = static_cast<char>(byte_at(payload, i) ^ byte_at(mask, i % 4));
}

bool is_known(unsigned opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

}  // namespace

std::optional<Frame> FrameReader::fail(std::uint16_t code, std::string what) {
  error_ = FrameError{code, std::move(what)};
  buffer_.clear();
  return std::nullopt;
}

std::optional<Frame> FrameReader::next() {
  if (error_ || buffer_.size() < 2) return std::nullopt;
  const unsigned first = byte_at(buffer_, 0), second = byte_at(buffer_, 1);
  if ((first & 0x70U) != 0) return fail(kCloseProtocolError, "reserved bits are set");
  if (!is_known(first & 0x0fU)) return fail(kCloseProtocolError, "unknown opcode");
  Frame frame{(first & 0x80U) != 0, static_cast<Opcode>(first & 0x0fU), {}};
  if (((second & 0x80U) != 0) != masked_)
    return fail(kCloseProtocolError, masked_ ? "frame of a client without a mask" : "masked frame of a server");
  const unsigned short_length = second & 0x7fU;
  const std::size_t extra = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
  const std::size_t head = 2 + extra + (masked_ ? 4 : 0);
  if (is_control(frame.opcode) && (!frame.final || short_length > kMaxControlPayload))
    return fail(kCloseProtocolError, "control frame that is fragmented or too long");
  if (buffer_.size() < head) return std::nullopt;
  const std::string_view view = buffer_;
  const std::uint64_t length = extra == 0 ? short_length : big_endian(view.substr(2, extra));
  if ((extra == 2 && length < 126) || (extra == 8 && (length <= 0xffff || length >> 63U != 0)))
    return fail(kCloseProtocolError, "length is not in its shortest form");
  if (length > max_payload_) return fail(kCloseTooLarge, "message too large");
  if (buffer_.size() - head < length) return std::nullopt;
  const auto size = static_cast<std::size_t>(length);
  frame.payload = buffer_.substr(head, size);
  if (masked_) apply_mask(frame.payload, view.substr(head - 4, 4));
  buffer_.erase(0, head + size);
  return frame;
}

std::string encode_frame(Opcode opcode, std::string_view payload, std::string_view mask) {
  std::string frame;
  frame.reserve(payload.size() + 14);
  const auto put = [&frame](std::uint64_t byte) { frame += static_cast<char>(byte & 0xffU); };
  put(0x80U | static_cast<unsigned>(opcode));
  const std::uint64_t mask_bit = mask.empty() ? 0 : 0x80;
  const std::size_t bytes = payload.size() < 126 ? 0 : payload.size() <= 0xffff ? 2 : 8;
  put(mask_bit | (bytes == 0 ? payload.size() : bytes == 2 ? 126 : 127));
  for (std::size_t i = bytes; i-- > 0;) put(std::uint64_t{payload.size()} >> (8 * i));
  frame.append(mask);
  const std::size_t start = frame.size();
  frame.append(payload);
  if (!mask.empty()) {
    for (std::size_t i = 0; i < payload.size(); ++i)
      frame[start + i] = static_cast<char>(byte_at(payload, i) ^ byte_at(mask, i % 4));
  }
  return frame;
}

bool is_close_code(unsigned code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

}  // namespace fracta::net
