#include "base/token_shapes.hpp"

#include <algorithm>
#include <array>

#include "fracta/base/text.hpp"

namespace fracta {

namespace {

constexpr std::size_t npos = std::string_view::npos;

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return is_alnum(c) || c == '_' || c == '-'; }
bool is_token_char(char c) { return is_word(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '='; }
bool is_value_char(char c) { return c > ' ' && c != '"' && c != '\'' && c != ',' && c != ';' && c != '`' && c != '&'; }

template <class Class>
std::size_t end_of_run(std::string_view text, std::size_t at, const Class& fits) {
  while (at < text.size() && fits(text[at])) ++at;
  return at;
}

struct Shape {
  std::string_view prefix;
  std::size_t shortest;  // with the prefix
};
// As their issuers document them; the lengths leave room below.
constexpr std::array<Shape, 31> kShapes{
    {{"ghp_", 30},   {"gho_", 30},      {"ghu_", 30},   {"ghs_", 30},    {"ghr_", 30},    {"github_pat_", 30},
     {"glpat-", 20}, {"gldt-", 20},     {"glptt-", 20}, {"glrt-", 20},   {"sk-ant-", 20}, {"sk-proj-", 20},
     {"sk-lf-", 20}, {"pk-lf-", 20},    {"sk-", 35},    {"AIza", 35},    {"ya29.", 20},   {"AKIA", 20},
     {"ASIA", 20},   {"xoxb-", 20},     {"xoxp-", 20},  {"xoxa-", 20},   {"xoxs-", 20},   {"npm_", 36},
     {"hf_", 30},    {"dckr_pat_", 20}, {"ATATT3", 30}, {"sha256~", 35}, {"lsv2_", 30},   {"xapp-", 20},
     {"eyJ", 40}}};

// What a first byte asks for: nothing, a look, or a look where a word begins.
enum class Look : unsigned char { kNo, kAlways, kWordStart };
const std::array<Look, 256>& looks() {
  static const auto table = [] {
    std::array<Look, 256> all{};
    for (const auto& shape : kShapes) all[static_cast<unsigned char>(shape.prefix[0])] = Look::kWordStart;
    for (const unsigned char c : {' ', '=', ':', '-'}) all[c] = Look::kAlways;
    return all;
  }();
  return table;
}

// header.payload.signature
bool is_jwt(std::string_view run) { return std::count(run.begin(), run.end(), '.') >= 2; }

TokenMatch match_shape(std::string_view line, std::size_t at) {
  if (at > 0 && is_alnum(line[at - 1])) return {};
  const std::string_view rest = line.substr(at);
  for (const auto& shape : kShapes) {
    if (!rest.starts_with(shape.prefix)) continue;
    const bool dotted = shape.prefix == "eyJ" || shape.prefix == "ya29.";
    const auto fits = [dotted](char c) { return is_word(c) || (dotted && c == '.'); };
    const std::size_t length = end_of_run(rest, shape.prefix.size(), fits);
    if (length < shape.shortest || (shape.prefix == "eyJ" && !is_jwt(rest.substr(0, length)))) continue;
    return {0, length, length == rest.size()};
  }
  return {};
}

// "Bearer x", "Basic x": at the blank.
TokenMatch match_scheme(std::string_view line, std::size_t at) {
  const std::string_view before = line.substr(0, at);
  const std::size_t word = before.find_last_of(" \t:\"'");
  const std::string_view scheme = word == npos ? before : before.substr(word + 1);
  if (!iequals(scheme, "bearer") && !iequals(scheme, "basic")) return {};
  const std::size_t end = end_of_run(line, at + 1, is_token_char);
  return end - at - 1 < 16 ? TokenMatch{} : TokenMatch{1, end - at - 1, end == line.size()};
}

bool announces_secret(std::string_view name) {
  for (const std::string_view word :
       {"TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "SECRET_KEY", "ACCESS_KEY", "PRIVATE_KEY"})
    if (name.ends_with(word)) return true;
  return false;
}

// NAME_TOKEN=x, as `env` prints it: at the equals sign.
TokenMatch match_assignment(std::string_view line, std::size_t at) {
  std::size_t begin = at;
  while (begin > 0 && ((line[begin - 1] >= 'A' && line[begin - 1] <= 'Z') || line[begin - 1] == '_' ||
                       (line[begin - 1] >= '0' && line[begin - 1] <= '9')))
    --begin;
  if (!announces_secret(line.substr(begin, at - begin))) return {};
  std::size_t value = at + 1;
  if (value < line.size() && (line[value] == '"' || line[value] == '\'')) ++value;
  const std::size_t end = end_of_run(line, value, is_value_char);
  return end - value < 8 ? TokenMatch{} : TokenMatch{value - at, end - value, end == line.size()};
}

// "://user:password@" and "x-access-token:password@": at the colon.
TokenMatch match_user_info(std::string_view line, std::size_t at) {
  std::size_t password = at + 1;
  if (line.substr(at).starts_with("://")) {
    const std::size_t end = end_of_run(line, at + 3, [](char c) { return is_value_char(c) && c != '/' && c != ':'; });
    if (end >= line.size() || line[end] != ':') return {};
    password = end + 1;
  } else if (!line.substr(0, at).ends_with("x-access-token") && !line.substr(0, at).ends_with("oauth2")) {
    return {};
  }
  const std::size_t end = end_of_run(line, password, [](char c) { return is_value_char(c) && c != '@' && c != '/'; });
  if (end >= line.size() || line[end] != '@' || end == password) return {};
  return {password - at, end - password, false};
}

}  // namespace

bool may_begin_token(std::string_view line, std::size_t at) {
  static const auto& table = looks();
  const char before = at > 0 ? line[at - 1] : '\n';
  switch (table[static_cast<unsigned char>(line[at])]) {
    case Look::kNo:
      return false;
    case Look::kWordStart:
      return !is_alnum(before);
    case Look::kAlways:
      break;
  }
  switch (line[at]) {
    case ' ':  // "Bearer ", "Basic "
      return before == 'r' || before == 'R' || before == 'c' || before == 'C';
    case '=':
      return before == 'Y' || before == 'N' || before == 'T' || before == 'D';
    case ':':  // "://", "x-access-token:", "oauth2:"
      return before == 'n' || before == '2' || (at + 1 < line.size() && line[at + 1] == '/');
    default:
      return at + 1 < line.size() && line[at + 1] == '-';
  }
}

TokenMatch match_token(std::string_view line, std::size_t at) {
  switch (line[at]) {
    case ' ':
      return match_scheme(line, at);
    case '=':
      return match_assignment(line, at);
    case ':':
      return match_user_info(line, at);
    default:
      return match_shape(line, at);
  }
}

std::size_t end_of_token(std::string_view text, std::size_t at) { return end_of_run(text, at, is_token_char); }

std::size_t key_header(std::string_view line, std::size_t at) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kRest = "PRIVATE KEY-----";
  if (line[at] != '-' || !line.substr(at).starts_with(kBegin)) return 0;
  const std::size_t found = line.find(kRest, at);
  if (found == npos || found - at > kBegin.size() + 24) return 0;
  return found + kRest.size() - at;
}

std::size_t key_part(std::string_view line) {
  if (const std::size_t end = line.find(kKeyEnd); end != npos) return end;
  if (trim(line).empty() || line.find("Proc-Type: ") != npos || line.find("DEK-Info: ") != npos) return line.size();
  // A time stamp or another prefix may stand before it.
  const std::size_t blank = trim(line).find_last_of(" \t");
  const std::size_t begin = blank == npos ? 0 : line.find(trim(line)) + blank + 1;
  const std::string_view word = trim(line.substr(begin));
  const auto fits = [](char c) { return is_alnum(c) || c == '+' || c == '/' || c == '='; };
  return std::all_of(word.begin(), word.end(), fits) ? begin : npos;
}

}  // namespace fracta
