#include "devcluster/admission/resources.hpp"

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"

namespace fracta::devcluster {

ResourceList resources_at(const Json& object, std::string_view path) {
  ResourceList result;
  const Json* found = find_path(object, path);
  if (found == nullptr || !found->is_object()) return result;
  for (const auto& [name, value] : found->items())
    if (value.is_string())
      if (auto quantity = Quantity::parse(value.get<std::string>()); quantity.ok()) result.emplace(name, *quantity);
  return result;
}

Json to_json(const ResourceList& list) {
  Json result = Json::object();
  for (const auto& [name, quantity] : list) result[name] = quantity.canonical();
  return result;
}

void add_all(ResourceList& sum, const ResourceList& more) {
  for (const auto& [name, quantity] : more) {
    const auto [entry, fresh] = sum.emplace(name, quantity);
    if (!fresh) entry->second += quantity;
  }
}

void raise_all(ResourceList& most, const ResourceList& other) {
  for (const auto& [name, quantity] : other) {
    const auto [entry, fresh] = most.emplace(name, quantity);
    if (!fresh && entry->second < quantity) entry->second = quantity;
  }
}

std::string resources_text(const ResourceList& list) {
  std::string text;
  for (const auto& [name, quantity] : list) text += (text.empty() ? "" : ",") + name + "=" + quantity.canonical();
  return text;
}

}  // namespace fracta::devcluster
