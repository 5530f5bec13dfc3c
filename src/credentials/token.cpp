#include "fracta/credentials/token.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::credentials {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kLastSecond = 253'402'300'799;  // 9999-12-31T23:59:59Z, the last that RFC 3339 can write

// Takes the value out of an envelope where there is one.
void open_envelope(Token& token) {
  const std::string_view text = trim(token.value);
  if (!text.starts_with('{')) {
    token.expires_at = jwt_expiry(text);
    return;
  }
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return;
  if (string_at(*json, "kind") == "ExecCredential") {
    std::string value = string_at(*json, "status/token");
    if (value.empty()) return;
    token.expires_at = parse_rfc3339(string_at(*json, "status/expirationTimestamp"));
    if (!token.expires_at) token.expires_at = jwt_expiry(value);
    token.value = std::move(value);
  } else if (int_at(*json, "Version") == 1) {
    token.expires_at = parse_rfc3339(string_at(*json, "Expiration"));
  }
}

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '+' || c == '=';
}

struct Letters {
  bool digit = false, lower = false, upper = false;
  explicit Letters(std::string_view run) {
    for (const char c : run) {
      digit = digit || (c >= '0' && c <= '9');
      lower = lower || (c >= 'a' && c <= 'z');
      upper = upper || (c >= 'A' && c <= 'Z');
    }
  }
};

// Long runs with letters and digits, as all common tokens have them; a path's steps are shorter or plain words.
bool looks_like_token(std::string_view run) {
  if (run.size() < 16) return false;
  const Letters letters(run);
  return letters.digit && (letters.lower || letters.upper);
}

// Base64 has '/' too, which an absolute path begins with and rarely has so many kinds of letters around.
std::size_t end_of_base64(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && (is_token_char(text[end]) || text[end] == '/')) ++end;
  const std::string_view run = text.substr(from, end - from);
  const Letters letters(run);
  const bool inside_a_path = from > 0 && (text[from - 1] == '/' || text[from - 1] == '.');
  return !inside_a_path && run.size() >= 32 && run.find("//") == std::string_view::npos && letters.digit &&
                 letters.lower && letters.upper
             ? end
             : from;
}

bool announces_secret(std::string_view word) {
  const std::string lower = to_lower(word);
  for (const std::string_view end :
       {"bearer", "basic", "token", "password", "passwd", "secret", "key", "authorization"})
    if (lower.ends_with(end)) return true;
  return false;
}

constexpr std::string_view kRedacted = "<redacted>";

bool has_token_prefix(std::string_view run) {
  for (const std::string_view prefix :
       {"sk-", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xox", "AKIA", "ASIA", "eyJ", "ya29"})
    if (run.starts_with(prefix) && run.size() > prefix.size() + 3) return true;
  return false;
}

std::size_t end_of_word(std::string_view text, std::size_t from, bool (*belongs)(char)) {
  while (from < text.size() && belongs(text[from])) ++from;
  return from;
}

// `password=x`, `token: x`, `Bearer x`, and anything that looks like a token.
std::string redact_words(std::string_view text) {
  const auto not_blank = [](char c) { return c > ' ' && c != '"' && c != '\'' && c != ',' && c != ';'; };
  const auto in_name = [](char c) { return is_token_char(c) && c != '=' && c != '+'; };
  std::string out;
  bool secret_follows = false;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_token_char(text[i]) || text[i] == '=') {
      if (text[i] == '\n') secret_follows = false;
      out += text[i++];
      continue;
    }
    const std::size_t name_end = end_of_word(text, i, in_name);
    const std::string name = to_lower(text.substr(i, name_end - i));
    const char next = name_end < text.size() ? text[name_end] : '\0';
    const bool scheme = name == "bearer" || name == "basic";
    if (announces_secret(name) && (next == '=' || next == ':' || (next == ' ' && scheme))) {
      out += text.substr(i, name_end - i);
      secret_follows = true;
      i = name_end;
      continue;
    }
    const std::size_t base64_end = end_of_base64(text, i);
    const std::size_t end = std::max(base64_end, end_of_word(text, i, secret_follows ? +not_blank : is_token_char));
    const std::string_view run = text.substr(i, end - i);
    out += secret_follows || base64_end > i || looks_like_token(run) || has_token_prefix(run) ? kRedacted : run;
    secret_follows = false;
    i = end;
  }
  return out;
}

void erase_all(std::string& text, std::string_view needle) {
  for (std::size_t at = text.find(needle); at != std::string::npos; at = text.find(needle, at + kRedacted.size()))
    text.replace(at, needle.size(), kRedacted);
}

}  // namespace

std::optional<SystemTime> jwt_expiry(std::string_view text) {
  const auto pieces = split(text, '.');
  if (pieces.size() != 3 || !pieces[0].starts_with("eyJ")) return std::nullopt;
  const auto payload = base64url_decode(pieces[1]);
  if (!payload) return std::nullopt;
  const auto claims = parse_json(*payload);
  if (!claims || !claims->is_object()) return std::nullopt;
  const Json* exp = find(*claims, "exp");
  if (exp == nullptr || !exp->is_number()) return std::nullopt;
  const double at = exp->get<double>();
  if (!std::isfinite(at) || at < 0 || at > static_cast<double>(kLastSecond)) return std::nullopt;
  return SystemTime{seconds{static_cast<std::int64_t>(at)}};
}

std::string Token::trimmed() const { return std::string(trim(value)); }

Result<Token> parse_token(std::string output, std::chrono::milliseconds ttl, SystemTime now) {
  Token token;
  token.value = std::move(output);
  token.obtained_at = now;
  if (trim(token.value).empty()) return make_error(ErrorCode::kInvalid, "it printed nothing on standard output");
  if (token.value.find('\0') != std::string::npos)
    return make_error(ErrorCode::kInvalid, "it printed a NUL byte; a token is text");
  open_envelope(token);
  if (!token.expires_at && ttl.count() > 0)
    token.expires_at = now + std::min<std::chrono::milliseconds>(ttl, std::chrono::hours{24 * 3650});
  if (token.expires_at && *token.expires_at <= now)
    return make_error(ErrorCode::kInvalid,
                      "it printed a token that expired at " + format_rfc3339(*token.expires_at) + " already");
  return token;
}

Result<void> check_for_variable(const Token& token) {
  const std::string value = token.trimmed();
  if (!is_valid_utf8(value))
    return make_error(ErrorCode::kInvalid, "what it printed is no UTF-8 text; deliver it as a file");
  for (const char c : value)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t')
      return make_error(ErrorCode::kInvalid, "what it printed has control characters; deliver it as a file");
  return {};
}

SystemTime refresh_time(SystemTime obtained, SystemTime expires) {
  const auto life = std::max(expires - obtained, SystemTime::duration{});
  const SystemTime::duration lead = std::min<SystemTime::duration>(kShortestRenewable, life / 2);
  return obtained + std::min(life / 5 * 4, life - lead);
}

std::string redact_stderr(std::string_view standard_error, std::string_view standard_output, std::size_t max) {
  constexpr std::size_t kMost = 4096;  // what CommandOptions.max_stderr keeps
  std::string text(standard_error.substr(standard_error.size() - std::min(standard_error.size(), kMost)));
  // It was cut in front: the rest of a token would not be known as one.
  if (text.size() >= kMost) text.erase(0, std::min(text.find_first_of(" \t\n"), kMost / 2));
  // What was printed as the token must not come back, as a whole or line by line.
  for (const auto& line : split(standard_output, '\n'))
    if (const auto piece = trim(line); piece.size() >= 4) erase_all(text, piece);
  text = redact_words(text);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  const auto all = trim(text);
  if (all.size() <= max) return shorten(all, max);
  return "..." + shorten(all.substr(all.size() - max), max);
}

}  // namespace fracta::credentials
