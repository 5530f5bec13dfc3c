// Small text functions. All of them pure and thread-safe; none uses the locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fracta {

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);  // keeps empty pieces
std::string join(const std::vector<std::string>& pieces, std::string_view separator);
std::string to_lower(std::string_view ascii);
bool iequals(std::string_view a, std::string_view b);          // ASCII only
std::optional<std::int64_t> parse_int(std::string_view text);  // whole text, no spaces, no '+'
bool is_valid_utf8(std::string_view text);

// Damerau-Levenshtein distance for "did you mean"; best match within `max_distance`, or empty.
std::string closest_match(std::string_view word, const std::vector<std::string>& candidates,
                          std::size_t max_distance = 3);

std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);     // standard alphabet, padding needed
std::optional<std::string> base64url_decode(std::string_view text);  // as in JWTs, no padding
std::string base64url_encode(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);
std::string random_hex(std::size_t bytes);  // from OpenSSL's CSPRNG
std::string random_uuid();                  // version 4

// RFC 3986: everything but unreserved characters. For one path segment or one query value.
std::string percent_encode(std::string_view text);
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// Compares without giving away by its time where the texts differ. For tokens.
bool constant_time_equal(std::string_view a, std::string_view b);

// Names as Kubernetes checks them (apimachinery validation.go).
bool is_dns1123_label(std::string_view name);      // at most 63
bool is_dns1123_subdomain(std::string_view name);  // at most 253

// For messages: text shortened to `max` bytes on a UTF-8 border, with "..." and control characters escaped.
std::string shorten(std::string_view text, std::size_t max);

}  // namespace fracta
