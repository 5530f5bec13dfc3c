#include "server/access/static_token_file.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

#include "fracta/base/text.hpp"
#include "server/access/roles.hpp"

namespace fracta::server {

namespace {

constexpr std::size_t kMinToken = 16;
constexpr std::size_t kMaxCallers = 1024;

Error bad_line(std::size_t number, const std::string& why) {
  return make_error(ErrorCode::kInvalid, "line " + std::to_string(number) + ": " + why);
}

// a,"b,c" -> a | b,c; nothing when quotes do not match.
std::optional<std::vector<std::string>> split_csv(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back().push_back(c);
  }
  if (quoted) return std::nullopt;
  for (auto& field : fields) field = std::string(trim(field));
  return fields;
}

bool is_printable(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return false;
  return true;
}

Result<StaticCaller> parse_line(std::string_view line, std::size_t number) {
  const auto fields = split_csv(line);
  if (!fields || fields->size() < 3) return bad_line(number, "expected token,user,\"role,role\"");
  const auto& token = (*fields)[0];
  if (token.size() < kMinToken || !is_printable(token))
    return bad_line(number, "a token has at least 16 characters and no spaces; `openssl rand -hex 32` makes one");
  StaticCaller caller;
  caller.digest = sha256_hex(token);
  caller.user = (*fields)[1];
  if (caller.user.empty() || caller.user.size() > 253 || !is_printable(caller.user))
    return bad_line(number, "the user's name is empty, too long or not printable");
  for (std::size_t i = 2; i < fields->size(); ++i) {
    for (const auto& piece : split((*fields)[i], ',')) {
      const std::string role(trim(piece));
      if (role.empty()) continue;
      if (!is_role(role))
        return bad_line(number,
                        "unknown role \"" + shorten(role, 40) + "\"; there are viewer, operator, credential-admin");
      caller.roles.push_back(role);
    }
  }
  return caller;
}

// The kubelet's atomic writer keeps the files of a volume behind a symlink `..data`.
bool in_mounted_secret(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string link = (slash == std::string::npos ? std::string(".") : path.substr(0, slash)) + "/..data";
  struct stat info {};
  return ::lstat(link.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

}  // namespace

Result<std::vector<StaticCaller>> parse_static_tokens(std::string_view text) {
  std::vector<StaticCaller> callers;
  std::size_t number = 0;
  for (const auto& raw : split(text, '\n')) {
    ++number;
    const auto line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    auto caller = parse_line(line, number);
    if (!caller) return caller.error();
    for (const auto& other : callers)
      if (other.digest == caller->digest) return bad_line(number, "the token stands there twice");
    if (callers.size() >= kMaxCallers) return bad_line(number, "more than 1024 tokens");
    callers.push_back(*std::move(caller));
  }
  return callers;
}

Result<void> check_private_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return make_error(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kForbidden,
                      path + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return make_error(ErrorCode::kInvalid, path + ": not a regular file");
  const mode_t open_to_others = in_mounted_secret(path) ? S_IWOTH : S_IRWXO | S_IWGRP;
  if ((info.st_mode & open_to_others) != 0)
    return make_error(ErrorCode::kForbidden, path + ": others may read or change this file; chmod 0600 it");
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    return make_error(ErrorCode::kForbidden, path + ": belongs to another user");
  return {};
}

}  // namespace fracta::server
