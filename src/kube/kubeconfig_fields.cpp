#include "kube/kubeconfig_fields.hpp"

#include <filesystem>

#include <nlohmann/json.hpp>

namespace fracta::kube {
namespace {

const Json& empty_object() {
  static const Json empty = Json::object();
  return empty;
}

std::string wrong_kind(std::string_view wanted, const Json& got) {
  return "must be " + std::string(wanted) + ", is " + std::string(kind_of(got));
}

}  // namespace

std::string_view kind_of(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return "a boolean";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  if (value.is_array()) return "a list";
  return "a map";
}

std::string Fields::place(std::string_view key) const {
  std::string out = "kubeconfig " + file_ + ": " + place_;
  if (!key.empty()) out += (place_.empty() ? "" : ".") + std::string(key);
  return out;
}

Error Fields::error(std::string_view key, std::string_view message) const {
  return make_error(ErrorCode::kInvalid, place(key) + ": " + std::string(message));
}

const Json* Fields::find(std::string_view key) const {
  const Json* found = fracta::find(*value_, key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

Result<std::string> Fields::text(std::string_view key) const {
  const Json* found = find(key);
  if (found == nullptr) return std::string();
  if (!found->is_string()) return error(key, wrong_kind("a string", *found));
  return found->get<std::string>();
}

Result<bool> Fields::flag(std::string_view key) const {
  const Json* found = find(key);
  if (found == nullptr) return false;
  if (!found->is_boolean()) return error(key, wrong_kind("a boolean", *found));
  return found->get<bool>();
}

Result<std::vector<std::string>> Fields::texts(std::string_view key) const {
  std::vector<std::string> out;
  const Json* found = find(key);
  if (found == nullptr) return out;
  if (!found->is_array()) return error(key, wrong_kind("a list", *found));
  for (std::size_t i = 0; i < found->size(); ++i) {
    const Json& item = (*found)[i];
    if (!item.is_string()) return error(std::string(key) + "[" + std::to_string(i) + "]", wrong_kind("a string", item));
    out.push_back(item.get<std::string>());
  }
  return out;
}

Result<Fields> Fields::object(std::string_view key) const {
  const Json* found = find(key);
  std::string sub = place_.empty() ? std::string(key) : place_ + "." + std::string(key);
  if (found == nullptr) return Fields(file_, std::move(sub), empty_object());
  if (!found->is_object()) return error(key, wrong_kind("a map", *found));
  return Fields(file_, std::move(sub), *found);
}

Result<std::vector<std::pair<std::string, std::string>>> Fields::name_values(std::string_view key) const {
  std::vector<std::pair<std::string, std::string>> out;
  const Json* found = find(key);
  if (found == nullptr) return out;
  if (!found->is_array()) return error(key, wrong_kind("a list", *found));
  for (std::size_t i = 0; i < found->size(); ++i) {
    const std::string item = std::string(key) + "[" + std::to_string(i) + "]";
    if (!(*found)[i].is_object()) return error(item, wrong_kind("a map", (*found)[i]));
    const Fields entry(file_, place_.empty() ? item : place_ + "." + item, (*found)[i]);
    auto name = entry.text("name");
    if (!name) return name.error();
    if (name->empty()) return entry.error("name", "is missing");
    auto value = entry.text("value");
    if (!value) return value.error();
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

std::string Fields::resolve(const std::string& path) const {
  const std::filesystem::path given(path);
  if (given.is_absolute()) return path;
  return (std::filesystem::path(file_).parent_path() / given).lexically_normal().string();
}

}  // namespace fracta::kube
