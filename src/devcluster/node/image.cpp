#include "devcluster/node/image.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

std::vector<std::string> strings_at(const Json& object, std::string_view key) {
  std::vector<std::string> result;
  if (const Json* list = fracta::find(object, key); list != nullptr && list->is_array())
    for (const auto& item : *list)
      if (item.is_string()) result.push_back(item.get<std::string>());
  return result;
}

Result<std::optional<Image>> load(const std::string& directory) {
  Image image;
  image.root = directory;
  std::error_code ignored;
  if (std::filesystem::is_directory(directory + "/rootfs", ignored)) image.root = directory + "/rootfs";
  if (!std::filesystem::is_directory(image.root, ignored))
    return make_error(ErrorCode::kNotFound, "image directory " + image.root + " does not exist");
  if (image.root == directory || !std::filesystem::exists(directory + "/image.json", ignored))
    return std::optional{image};
  auto text = read_file(directory + "/image.json", 1u << 20);
  if (!text) return text.error();
  auto config = parse_json(*text);
  if (!config) return config.error().with_context(directory + "/image.json");
  image.entrypoint = strings_at(*config, "Entrypoint");
  image.cmd = strings_at(*config, "Cmd");
  image.environment = strings_at(*config, "Env");
  image.working_directory = string_at(*config, "WorkingDir");
  image.user = string_at(*config, "User");
  return std::optional{image};
}

// "/library/x", ":latest" and "docker.io/" are what a runtime adds to a short name.
std::string with_tag(std::string_view name) {
  const auto slash = name.rfind('/');
  const auto last = slash == std::string_view::npos ? name : name.substr(slash + 1);
  return last.find_first_of(":@") == std::string_view::npos ? std::string(name) + ":latest" : std::string(name);
}

bool all_of_set(std::string_view text, std::string_view set) {
  return !text.empty() && text.find_first_not_of(set) == std::string_view::npos;
}

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

bool is_path_component(std::string_view text) {
  if (!all_of_set(text, "abcdefghijklmnopqrstuvwxyz0123456789._-")) return false;
  return kLower.find(text.front()) != std::string_view::npos && kLower.find(text.back()) != std::string_view::npos &&
         text.find("..") == std::string_view::npos && text.find("___") == std::string_view::npos;
}

bool is_registry(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && !all_of_set(text.substr(colon + 1), "0123456789")) return false;
  return all_of_set(text.substr(0, colon), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-[]:");
}

}  // namespace

bool is_image_reference(std::string_view name) {
  if (const auto at = name.find('@'); at != std::string_view::npos) {
    const auto digest = name.substr(at + 1);
    const auto colon = digest.find(':');
    if (colon == std::string_view::npos || !all_of_set(digest.substr(colon + 1), "0123456789abcdef") ||
        digest.size() - colon - 1 < 32)
      return false;
    name = name.substr(0, at);
  }
  const auto slash = name.rfind('/');
  const auto colon = name.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    const auto tag = name.substr(colon + 1);
    if (tag.empty() || tag.size() > 128 || kWord.find(tag.front()) == std::string_view::npos ||
        !all_of_set(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"))
      return false;
    name = name.substr(0, colon);
  }
  const auto parts = split(name, '/');
  // The first part is a registry when it looks like a host name.
  std::size_t first = 0;
  if (parts.size() > 1 && (parts[0].find_first_of(".:") != std::string::npos || parts[0] == "localhost" ||
                           to_lower(parts[0]) != parts[0])) {
    if (!is_registry(parts[0])) return false;
    first = 1;
  }
  return std::all_of(parts.begin() + static_cast<std::ptrdiff_t>(first), parts.end(),
                     [](const std::string& p) { return is_path_component(p); });
}

Images::Images(std::map<std::string, std::string> directories, bool any_is_host,
               std::vector<std::string> host_entrypoint)
    : any_is_host_(any_is_host), host_entrypoint_(std::move(host_entrypoint)) {
  for (auto& [name, directory] : directories) directories_.emplace(with_tag(name), std::move(directory));
}

Result<std::optional<Image>> Images::find(std::string_view name) const {
  const auto known = directories_.find(with_tag(name));
  const bool host = known == directories_.end() ? any_is_host_ : known->second == "/";
  if (host) {
    Image image;
    image.root = "/";
    image.entrypoint = host_entrypoint_;
    return std::optional{image};
  }
  if (known == directories_.end()) return std::optional<Image>{};
  return load(known->second);
}

std::optional<ImageUser> find_user(const Image& image, std::string_view user) {
  const std::string base = image.is_host() ? "" : image.root;
  const auto lines = [&](const std::string& file) {
    auto text = read_file(base + file, 4u << 20);
    return text ? split(*text, '\n') : std::vector<std::string>{};
  };
  const auto colon = user.find(':');
  const std::string name(user.substr(0, colon));
  const std::string group(colon == std::string_view::npos ? "" : user.substr(colon + 1));
  ImageUser result;
  const auto number = parse_int(name);
  bool known = name.empty() || number.has_value();
  if (number) result.uid = static_cast<unsigned>(*number);
  std::string login;
  for (const auto& line : lines("/etc/passwd")) {
    const auto fields = split(line, ':');
    if (fields.size() < 6 || !parse_int(fields[2]) || !parse_int(fields[3])) continue;
    const auto uid = static_cast<unsigned>(*parse_int(fields[2]));
    if (number || name.empty() ? uid != result.uid : fields[0] != name) continue;
    result = {uid, static_cast<unsigned>(*parse_int(fields[3])), fields[5], {}};
    login = fields[0];
    known = true;
    break;
  }
  bool group_known = group.empty();
  if (const auto gid = parse_int(group)) {
    result.gid = static_cast<unsigned>(*gid);
    group_known = true;
  }
  for (const auto& line : lines("/etc/group")) {
    const auto fields = split(line, ':');
    if (fields.size() < 4 || !parse_int(fields[2])) continue;
    const auto gid = static_cast<unsigned>(*parse_int(fields[2]));
    if (!group.empty() && fields[0] == group) result.gid = gid, group_known = true;
    const auto members = split(fields[3], ',');
    if (!login.empty() && std::find(members.begin(), members.end(), login) != members.end())
      result.groups.push_back(gid);
  }
  if (!known || !group_known) return std::nullopt;
  if (result.home.empty()) result.home = "/";
  return result;
}

}  // namespace fracta::devcluster
