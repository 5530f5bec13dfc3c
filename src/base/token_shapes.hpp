// What looks like a token although nobody has told us its value. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace fracta {

struct TokenMatch {
  std::size_t lead = 0;     // bytes before it that stay ("://user:")
  std::size_t length = 0;   // 0: none begins here
  bool open_ended = false;  // it reaches the end of the text and could go on
};

// Says no to most positions, quickly.
bool may_begin_token(std::string_view line, std::size_t at);
// Whether one begins at `at` of this line.
TokenMatch match_token(std::string_view line, std::size_t at);
// First byte from `at` on that cannot be part of a token.
std::size_t end_of_token(std::string_view text, std::size_t at);

// "-----BEGIN ... PRIVATE KEY-----" at `at`: its length, else 0.
std::size_t key_header(std::string_view line, std::size_t at);
// A line between BEGIN and END: where its secret part begins, or npos when it is no such line.
std::size_t key_part(std::string_view line);
inline constexpr std::string_view kKeyEnd = "-----END ";

}  // namespace fracta
