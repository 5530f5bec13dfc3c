// Takes an HTTP/1.x request apart as its bytes arrive, under limits. Pure: no I/O, so it can be fuzzed and tested byte
// by byte. Rules: RFC 9112; where that leaves a choice, the stricter one (a proxy in front must never see another
// request than we do).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "fracta/net/http_server.hpp"

namespace fracta::net {

struct RequestLimits {
  std::size_t max_head_bytes = 32u << 10;
  std::size_t max_headers = 100;
  std::size_t max_body_bytes = 4u << 20;
  std::size_t max_target_bytes = 8u << 10;
};

class RequestParser {
 public:
  enum class State { kHead, kBody, kDone, kFailed };

  explicit RequestParser(const RequestLimits& limits) : limits_(limits) {}

  // Eats what it understands from the front of `buffer`; bytes after a complete request stay there (the next request,
  // or an upgraded connection's first bytes).
  State advance(std::string& buffer);

  [[nodiscard]] State state() const { return state_; }
  // True once anything but line ends has arrived.
  [[nodiscard]] bool started() const { return step_ != Step::kRequestLine || consumed_ > 0; }
  [[nodiscard]] ServerRequest& request() { return request_; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  [[nodiscard]] bool http10() const { return http10_; }
  // True once: the client waits for "100 Continue" before it sends the body.
  bool take_continue();

  // After kFailed.
  [[nodiscard]] int error_status() const { return error_status_; }
  [[nodiscard]] const std::string& error_message() const { return error_message_; }

  // Ready for the next request of the connection.
  void reset();

 private:
  enum class Step { kRequestLine, kHeader, kFixedBody, kChunkSize, kChunkData, kChunkEnd, kTrailer };

  void fail(int status, std::string message);
  void head_line(std::string_view line);
  void request_line(std::string_view line);
  void set_target(std::string_view target);
  void header_line(std::string_view line);
  void finish_head();
  void decide_body();
  void read_lines(std::string& buffer);
  void chunk_size_line(std::string_view line);
  void body_bytes(std::string& buffer);
  [[nodiscard]] std::size_t line_limit() const;

  RequestLimits limits_;
  State state_ = State::kHead;
  Step step_ = Step::kRequestLine;
  ServerRequest request_;
  std::size_t consumed_ = 0;  // bytes of complete head lines (later: trailer lines)
  std::size_t scanned_ = 0;   // of the buffer's first line, known to hold no '\n'
  std::size_t empty_lines_ = 0;
  std::size_t trailers_ = 0;
  std::size_t remaining_ = 0;  // of the body or chunk
  bool keep_alive_ = true;
  bool http10_ = false;
  bool wants_continue_ = false;
  int error_status_ = 0;
  std::string error_message_;
};

}  // namespace fracta::net
