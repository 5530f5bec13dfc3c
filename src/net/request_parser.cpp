#include "net/request_parser.hpp"

#include <algorithm>
#include <utility>

#include "fracta/base/text.hpp"
#include "net/tokens.hpp"

namespace fracta::net {
namespace {

constexpr std::size_t kMaxMethodBytes = 32;
constexpr std::size_t kMaxChunkLine = 512;
constexpr std::size_t kMaxTrailers = 32;
constexpr std::size_t kMaxEmptyLines = 4;

// "http://host/path" as proxies are sent -> "/path".
std::string_view without_authority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!iequals(target.substr(0, scheme.size()), scheme)) continue;
    const auto slash = target.find_first_of("/?", scheme.size());
    return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  return target;
}

bool has_token(const Headers& headers, std::string_view name, std::string_view token) {
  for (const auto& [key, value] : headers.entries()) {
    if (!iequals(key, name)) continue;
    for (const auto& piece : split(value, ',')) {
      if (iequals(trim(piece), token)) return true;
    }
  }
  return false;
}

std::size_t count(const Headers& headers, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(headers.entries().begin(), headers.entries().end(),
                                                [&](const auto& entry) { return iequals(entry.first, name); }));
}

bool takes_body(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

std::optional<std::size_t> parse_hex(std::string_view text) {
  if (text.empty() || text.size() > 15) return std::nullopt;
  std::size_t value = 0;
  for (const char c : text) {
    std::size_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::size_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<std::size_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<std::size_t>(c - 'A') + 10;
    } else {
      return std::nullopt;
    }
    value = value * 16 + digit;
  }
  return value;
}

std::optional<std::size_t> parse_decimal(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::size_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::size_t>(c - '0');
  }
  return value;
}

}  // namespace

void RequestParser::reset() { *this = RequestParser(limits_); }

bool RequestParser::take_continue() { return std::exchange(wants_continue_, false); }

void RequestParser::fail(int status, std::string message) {
  state_ = State::kFailed;
  error_status_ = status;
  error_message_ = std::move(message);
}

RequestParser::State RequestParser::advance(std::string& buffer) {
  while (state_ == State::kHead || state_ == State::kBody) {
    const auto before = buffer.size();
    const auto step = step_;
    if (step_ == Step::kFixedBody || step_ == Step::kChunkData) {
      body_bytes(buffer);
    } else {
      read_lines(buffer);
    }
    if (buffer.size() == before && step == step_) break;  // needs more bytes
  }
  return state_;
}

std::size_t RequestParser::line_limit() const {
  switch (step_) {
    case Step::kRequestLine:
      return limits_.max_target_bytes + kMaxMethodBytes + 16;
    case Step::kHeader:
    case Step::kTrailer:
      return limits_.max_head_bytes - std::min(consumed_, limits_.max_head_bytes);
    default:
      return kMaxChunkLine;
  }
}

// Eats complete lines until the step needs body bytes, the request is done or the buffer has no further line.
void RequestParser::read_lines(std::string& buffer) {
  std::size_t position = 0;
  const auto line_steps = [this] {
    return (state_ == State::kHead || state_ == State::kBody) && step_ != Step::kFixedBody && step_ != Step::kChunkData;
  };
  while (line_steps()) {
    const auto end = buffer.find('\n', position + scanned_);
    const auto length = (end == std::string::npos ? buffer.size() : end + 1) - position;
    if (length > line_limit()) {
      if (step_ == Step::kRequestLine) {
        fail(414, "request target too long");
      } else if (state_ == State::kHead) {
        fail(431, "request head too large");
      } else {
        fail(400, "chunk line too long");
      }
      break;
    }
    if (end == std::string::npos) {
      scanned_ = length;
      break;
    }
    scanned_ = 0;
    std::string_view line(buffer.data() + position, length - 1);
    position += length;
    if (!line.ends_with('\r')) {
      fail(400, "line does not end with CR LF");
      break;
    }
    line.remove_suffix(1);
    head_line(line);
    if (step_ == Step::kHeader || step_ == Step::kTrailer) consumed_ += length;
  }
  buffer.erase(0, position);
}

void RequestParser::head_line(std::string_view line) {
  switch (step_) {
    case Step::kRequestLine:
      if (!line.empty()) return request_line(line);
      // RFC 9112 2.2: an empty line before the request line is to be ignored.
      if (++empty_lines_ > kMaxEmptyLines) fail(400, "no request line");
      return;
    case Step::kHeader:
      return line.empty() ? finish_head() : header_line(line);
    case Step::kChunkSize:
      return chunk_size_line(line);
    case Step::kChunkEnd:
      if (!line.empty()) return fail(400, "chunk longer than its size");
      step_ = Step::kChunkSize;
      return;
    default:  // kTrailer: nothing here wants trailers, so they are read and dropped
      if (line.empty()) {
        state_ = State::kDone;
      } else if (++trailers_ > kMaxTrailers) {
        fail(431, "too many trailers");
      }
  }
}

void RequestParser::request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return fail(400, "malformed request line");
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (!is_token(method) || method.size() > kMaxMethodBytes) return fail(400, "malformed method");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return version.starts_with("HTTP/") ? fail(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
                                        : fail(400, "malformed request line");
  }
  if (target.size() > limits_.max_target_bytes) return fail(414, "request target too long");
  http10_ = version == "HTTP/1.0";
  request_.method = std::string(method);
  step_ = Step::kHeader;
  set_target(target);
}

void RequestParser::set_target(std::string_view target) {
  if (!is_target(target)) return fail(400, "request target holds a space or a control character");
  request_.target = std::string(target);
  const auto local = without_authority(target);
  if (local == "*") {
    request_.path = "*";
    request_.segments = {"*"};
    return;
  }
  const auto question = local.find('?');
  std::string_view path = local.substr(0, question);
  if (path.empty()) path = "/";
  if (path.front() != '/') return fail(400, "request target must begin with '/'");
  if (question != std::string_view::npos) request_.query = parse_query(local.substr(question + 1));
  // Split first, decode then: an encoded slash belongs to its segment.
  for (const auto& piece : split(path.substr(1), '/')) {
    auto segment = percent_decode(piece);
    if (!segment || segment->find('\0') != std::string::npos)
      return fail(400, "malformed percent-encoding in the path");
    request_.path += '/';
    request_.path += *segment;
    request_.segments.push_back(std::move(*segment));
  }
}

void RequestParser::header_line(std::string_view line) {
  if (request_.headers.entries().size() >= limits_.max_headers) return fail(431, "too many headers");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return fail(400, "malformed header line");
  const auto value = line.substr(colon + 1);
  if (!is_header_value(value)) return fail(400, "control character in a header value");
  request_.headers.add(std::string(line.substr(0, colon)), std::string(trim(value)));
}

void RequestParser::finish_head() {
  const Headers& headers = request_.headers;
  const auto hosts = count(headers, "Host");
  if (hosts > 1 || (hosts == 0 && !http10_)) return fail(400, "exactly one Host header is needed");
  keep_alive_ = http10_ ? has_token(headers, "Connection", "keep-alive") : !has_token(headers, "Connection", "close");
  if (const auto expect = headers.get("Expect"); expect && !http10_) {
    if (!iequals(*expect, "100-continue")) return fail(417, "unknown expectation");
    wants_continue_ = true;
  }
  decide_body();
}

void RequestParser::decide_body() {
  const Headers& headers = request_.headers;
  const auto lengths = count(headers, "Content-Length");
  const auto encodings = count(headers, "Transfer-Encoding");
  // RFC 9112 6.3: both at once, or twice, is how requests get smuggled.
  if (lengths + encodings > 1) return fail(400, "more than one body length");
  if (const auto encoding = headers.get("Content-Encoding"); encoding && !iequals(*encoding, "identity")) {
    return fail(415, "encoded request bodies are not accepted");
  }
  state_ = State::kBody;
  if (encodings == 1) {
    if (http10_) return fail(400, "Transfer-Encoding in an HTTP/1.0 request");
    if (!iequals(*headers.get("Transfer-Encoding"), "chunked")) return fail(501, "only chunked transfer is known");
    step_ = Step::kChunkSize;
    consumed_ = 0;
    return;
  }
  if (lengths == 1) {
    const auto length = parse_decimal(*headers.get("Content-Length"));
    if (!length) return fail(400, "malformed Content-Length");
    if (*length > limits_.max_body_bytes) return fail(413, "request body too large");
    remaining_ = *length;
    step_ = Step::kFixedBody;
  } else if (takes_body(request_.method)) {
    return fail(411, "Content-Length or chunked transfer is needed");
  }
  if (remaining_ == 0) {
    wants_continue_ = false;
    state_ = State::kDone;
  }
}

void RequestParser::chunk_size_line(std::string_view line) {
  const auto size = parse_hex(trim(line.substr(0, line.find(';'))));
  if (!size) return fail(400, "malformed chunk size");
  if (*size > limits_.max_body_bytes - request_.body.size()) return fail(413, "request body too large");
  remaining_ = *size;
  step_ = *size == 0 ? Step::kTrailer : Step::kChunkData;
}

void RequestParser::body_bytes(std::string& buffer) {
  const auto take = std::min(remaining_, buffer.size());
  if (take == 0) return;
  wants_continue_ = false;
  if (request_.body.empty() && take == buffer.size()) {
    request_.body.swap(buffer);
  } else {
    request_.body.append(buffer, 0, take);
    buffer.erase(0, take);
  }
  remaining_ -= take;
  if (remaining_ > 0) return;
  if (step_ == Step::kFixedBody) {
    state_ = State::kDone;
  } else {
    step_ = Step::kChunkEnd;
  }
}

}  // namespace fracta::net
