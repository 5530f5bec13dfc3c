#include "cli/context_file.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::cli {

namespace {

constexpr std::size_t kMaxFile = 1u << 20;

// Nothing there is fine (false).
Result<bool> check_entry(const std::string& path, bool directory) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return false;
    return make_error(ErrorCode::kForbidden, path + ": " + std::strerror(errno));
  }
  if (S_ISLNK(info.st_mode)) return make_error(ErrorCode::kForbidden, path + ": a symlink is in the way; remove it");
  if (directory ? !S_ISDIR(info.st_mode) : !S_ISREG(info.st_mode))
    return make_error(ErrorCode::kInvalid, path + (directory ? ": not a directory" : ": not a regular file"));
  if (info.st_uid != ::geteuid()) return make_error(ErrorCode::kForbidden, path + ": belongs to another user");
  if (!directory && (info.st_mode & 077) != 0)
    return make_error(ErrorCode::kForbidden, path + ": holds tokens and others can read it; chmod 0600 " + path);
  return true;
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Json to_json(const ServerContext& context) {
  Json out = {{"name", context.name}, {"server", context.server}};
  if (!context.ca_pem.empty()) out["certificate-authority-data"] = context.ca_pem;
  if (!context.token.empty()) out["token"] = context.token;
  if (!context.token_file.empty()) out["token-file"] = context.token_file;
  return out;
}

}  // namespace

const ServerContext* ContextFile::find(const std::string& name) const {
  const auto found =
      std::find_if(contexts.begin(), contexts.end(), [&](const ServerContext& c) { return c.name == name; });
  return found == contexts.end() ? nullptr : &*found;
}

void ContextFile::put(ServerContext context) {
  remove(context.name);
  contexts.push_back(std::move(context));
}

bool ContextFile::remove(const std::string& name) {
  const auto end =
      std::remove_if(contexts.begin(), contexts.end(), [&](const ServerContext& c) { return c.name == name; });
  const bool removed = end != contexts.end();
  contexts.erase(end, contexts.end());
  return removed;
}

Result<std::string> context_file_path(Context& context) {
  if (auto base = context.environment("XDG_CONFIG_HOME"); base && base->starts_with('/'))
    return *base + "/fracta/config.yaml";
  if (auto home = context.environment("HOME"); home && home->starts_with('/'))
    return *home + "/.config/fracta/config.yaml";
  return make_error(ErrorCode::kInvalid, "neither HOME nor XDG_CONFIG_HOME is set: no place for contexts");
}

Result<ContextFile> read_context_file(Context& context) {
  auto path = context_file_path(context);
  if (!path) return path.error();
  ContextFile file;
  file.path = *path;
  auto there = check_entry(file.path, false);
  if (!there) return there.error();
  if (!*there) return file;
  auto text = read_file(file.path, kMaxFile);
  if (!text) return text.error();
  auto document = parse_yaml(*text);
  if (!document) return make_error(ErrorCode::kInvalid, file.path + ": not valid YAML");
  file.current = string_at(*document, "current-context");
  const auto* contexts = fracta::find(*document, "contexts");
  if (contexts == nullptr || !contexts->is_array()) return file;
  for (const auto& one : *contexts) {
    ServerContext read{string_at(one, "name"), string_at(one, "server"), string_at(one, "certificate-authority-data"),
                       string_at(one, "token"), string_at(one, "token-file")};
    if (!read.name.empty() && !read.server.empty()) file.put(std::move(read));
  }
  return file;
}

Result<void> write_context_file(const ContextFile& file) {
  const auto directory = directory_of(file.path);
  FRACTA_TRY(make_directories(directory_of(directory), 0755));
  FRACTA_TRY(make_directories(directory, 0700));
  if (auto checked = check_entry(directory, true); !checked) return checked.error();
  if (auto checked = check_entry(file.path, false);
      !checked && checked.error().message.find("chmod") == std::string::npos)
    return checked.error();
  // It holds tokens: whatever umask made of the directory before, others have no business there.
  if (::chmod(directory.c_str(), 0700) != 0)
    return make_error(ErrorCode::kForbidden, directory + ": " + std::strerror(errno));
  Json document = {{"current-context", file.current}, {"contexts", Json::array()}};
  for (const auto& context : file.contexts) document["contexts"].push_back(to_json(context));
  return write_file_atomic(file.path, dump_yaml(document), {0600});
}

}  // namespace fracta::cli
