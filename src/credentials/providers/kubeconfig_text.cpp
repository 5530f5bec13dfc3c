#include "credentials/providers/kubeconfig_text.hpp"

#include <nlohmann/json.hpp>

#include "credentials/providers/common.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::credentials {
namespace {

// Far above any real one, and with room below the 1 MiB of a Secret after sealing and base64.
constexpr YamlLimits kLimits{.max_bytes = 512u << 10, .max_depth = 24, .max_nodes = 20'000};
constexpr std::size_t kMaxEntries = 1'000;

bool looks_base64(std::string_view text) {
  const std::string head(trim(text).substr(0, 64));
  return head.size() == 64 && base64_decode(head).has_value();
}

}  // namespace

std::string place_of(std::string_view list, std::string_view name, std::string_view inner, std::string_view key) {
  std::string out = std::string(list) + "[\"" + shorten(name, 64) + "\"]." + std::string(inner);
  if (!key.empty()) out += "." + std::string(key);
  return out;
}

Result<std::shared_ptr<const Json>> parse_kubeconfig(const std::string& text) {
  auto parsed = parse_yaml(text, kLimits);
  if (!parsed) return invalid_field("token", "the kubeconfig is no valid YAML: " + parsed.error().message);
  if (!parsed->is_object())
    return invalid_field("token", looks_base64(text) ? "looks like base64; give the kubeconfig's text itself"
                                                     : "the kubeconfig is no map; give the whole file (--token @FILE)");
  const std::string kind = string_at(*parsed, "kind", "Config");
  const std::string version = string_at(*parsed, "apiVersion", "v1");
  if (kind != "Config" || version != "v1")
    return invalid_field("token", "is a " + shorten(kind, 40) + " of " + shorten(version, 40) +
                                      ", not a kubeconfig (kind Config, apiVersion v1)");
  return std::make_shared<const Json>(*std::move(parsed));
}

Result<NamedEntries> named_entries(const Json& kubeconfig, std::string_view list, std::string_view inner) {
  NamedEntries out;
  const Json* entries = find(kubeconfig, list);
  if (entries == nullptr || entries->is_null()) return out;
  const auto bad = [&](const std::string& why) { return invalid_field("token", std::string(list) + ": " + why); };
  if (!entries->is_array()) return bad("must be a list");
  if (entries->size() > kMaxEntries) return bad("has more than " + std::to_string(kMaxEntries) + " entries");
  static const Json empty = Json::object();
  for (const auto& entry : *entries) {
    const Json* name = find(entry, "name");
    if (name == nullptr || !name->is_string()) return bad("an entry has no name");
    const auto key = name->get<std::string>();
    const Json* value = find(entry, inner);
    if (value != nullptr && !value->is_null() && !value->is_object())
      return bad("\"" + shorten(key, 64) + "\": " + std::string(inner) + " must be a map");
    if (!out.emplace(key, value == nullptr || value->is_null() ? &empty : value).second)
      return bad("\"" + shorten(key, 64) + "\" is there twice");
  }
  return out;
}

Result<std::string> decode_data(std::string_view place, std::string_view base64) {
  std::string compact;
  for (const char c : base64)
    if (c != '\n' && c != '\r') compact += c;
  auto bytes = base64_decode(compact);
  if (!bytes) return invalid_field("token", std::string(place) + " is no valid base64");
  return *std::move(bytes);
}

}  // namespace fracta::credentials
