// Key paths: "runtime.kubernetes.extra_volumes[0].name", labels["app.kubernetes.io/name"].
#include <algorithm>

#include "fracta/base/yaml.hpp"

namespace fracta {
namespace {

bool is_word(std::string_view key) {
  const auto word_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !key.empty() && std::all_of(key.begin(), key.end(), word_char);
}

// Where the last step of the path begins; npos when the path has only one.
std::size_t last_step(std::string_view path) {
  if (path.empty()) return std::string_view::npos;
  if (path.back() != ']') return path.rfind('.');
  if (path.size() < 2 || path[path.size() - 2] != '"') return path.rfind('[');
  return path.rfind("[\"");
}

}  // namespace

std::string join_path(std::string_view parent, std::string_view key) {
  std::string path(parent);
  if (is_word(key)) {
    if (!path.empty()) path += '.';
    path += key;
    return path;
  }
  path += "[\"";
  for (const char c : key) {
    if (c == '"' || c == '\\') path += '\\';
    path += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  }
  path += "\"]";
  return path;
}

std::string join_path(std::string_view parent, std::size_t index) {
  std::string path(parent);
  path += '[';
  path += std::to_string(index);
  path += ']';
  return path;
}

TextPosition YamlDocument::position_of(std::string_view path) const {
  while (true) {
    const auto found = positions.find(path);
    if (found != positions.end()) return found->second;
    const std::size_t step = last_step(path);
    if (step == std::string_view::npos) break;
    path = path.substr(0, step);
  }
  const auto root = positions.find("");
  return root != positions.end() ? root->second : TextPosition{};
}

}  // namespace fracta
