#include "devcluster/server/patch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::size_t kMostOperations = 10'000;

Outcome<Json> merge_object(const Json& target, const Json& patch, const StructType* type);

const Field* field_of(const StructType* type, const std::string& name) {
  return type == nullptr ? nullptr : type->find(name);
}

const StructType* element_struct(const TypeRef& type) {
  return type.element != nullptr && type.element->kind == TypeRef::Kind::kStruct ? type.element->type : nullptr;
}

Json* find_by_key(Json& list, const std::string& key, const Json& value) {
  for (Json& item : list) {
    if (item.is_object() && item.contains(key) && item[key] == value) return &item;
  }
  return nullptr;
}

// A strategic patch may say in which order the merged items shall stand.
void reorder(Json& list, const Json& order, const std::string& key) {
  const auto rank = [&](const Json& item) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Json& wanted = key.empty() ? order[i] : order[i].value(key, Json());
      const Json& own = key.empty() ? item : item.value(key, Json());
      if (wanted == own) return i;
    }
    return order.size();
  };
  std::vector<Json> items(list.begin(), list.end());
  std::vector<std::size_t> places;  // slots of items the order names; the others stay where they are
  std::vector<Json> ordered;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (rank(items[i]) < order.size()) {
      places.push_back(i);
      ordered.push_back(items[i]);
    }
  }
  std::stable_sort(ordered.begin(), ordered.end(), [&](const Json& a, const Json& b) { return rank(a) < rank(b); });
  for (std::size_t i = 0; i < places.size(); ++i) items[places[i]] = std::move(ordered[i]);
  list = Json(items);
}

Outcome<Json> merge_keyed_list(Json target, const Json& patch, const Field& field) {
  if (!target.is_array()) target = Json::array();
  const StructType* type = element_struct(field.type);
  for (const Json& item : patch) {
    if (item.is_object() && item.size() == 1 && item.value("$patch", "") == "replace") target = Json::array();
  }
  for (const Json& item : patch) {
    if (!item.is_object())
      return bad_request(
          fmt::format("map: {} does not contain declared merge key: {}", dump_json(item), field.merge_key));
    const std::string directive = item.value("$patch", "");
    if (directive == "replace" && item.size() == 1) continue;
    const auto key = item.find(field.merge_key);
    if (key == item.end())
      return bad_request(
          fmt::format("map: map{} does not contain declared merge key: {}", dump_json(item), field.merge_key));
    Json* existing = find_by_key(target, field.merge_key, *key);
    if (directive == "delete") {
      for (auto it = target.begin(); it != target.end();) {
        it = it->is_object() && it->value(field.merge_key, Json()) == *key ? target.erase(it) : it + 1;
      }
    } else if (existing != nullptr) {
      auto merged = merge_object(*existing, item, type);
      if (!merged.ok()) return merged;
      *existing = std::move(*merged);
    } else {
      auto fresh = merge_object(Json::object(), item, type);
      if (!fresh.ok()) return fresh;
      target.push_back(std::move(*fresh));
    }
  }
  return target;
}

Json merge_set(Json target, const Json& patch) {
  if (!target.is_array()) target = Json::array();
  for (const Json& item : patch) {
    if (std::find(target.begin(), target.end(), item) == target.end()) target.push_back(item);
  }
  return target;
}

Outcome<Json> merge_value(const Json& target, const Json& patch, const Field* field) {
  if (patch.is_array() && field != nullptr && field->merge && field->type.kind == TypeRef::Kind::kList) {
    if (!field->merge_key.empty()) return merge_keyed_list(target, patch, *field);
    return merge_set(target, patch);
  }
  if (!patch.is_object()) return patch;
  const bool is_struct = field != nullptr && field->type.kind == TypeRef::Kind::kStruct;
  auto merged =
      merge_object(target.is_object() ? target : Json::object(), patch, is_struct ? field->type.type : nullptr);
  return merged;
}

void retain_only(Json& target, const Json& keys) {
  for (auto it = target.begin(); it != target.end();) {
    const bool listed = std::find(keys.begin(), keys.end(), it.key()) != keys.end();
    it = listed ? std::next(it) : target.erase(it);
  }
}

Outcome<Json> merge_object(const Json& target, const Json& patch, const StructType* type) {
  const std::string directive = patch.value("$patch", "");
  if (directive == "delete") return Json::object();
  Json result = directive == "replace" ? Json::object() : target;
  if (const auto keys = patch.find("$retainKeys"); keys != patch.end() && keys->is_array()) retain_only(result, *keys);
  for (const auto& [name, value] : patch.items()) {
    constexpr std::string_view kDeletePrefix = "$deleteFromPrimitiveList/";
    if (name.starts_with(kDeletePrefix)) {
      Json& list = result[name.substr(kDeletePrefix.size())];
      for (auto it = list.begin(); list.is_array() && it != list.end();) {
        it = std::find(value.begin(), value.end(), *it) != value.end() ? list.erase(it) : it + 1;
      }
      continue;
    }
    if (name.starts_with("$")) continue;
    if (value.is_null()) {
      result.erase(name);
      continue;
    }
    const Field* field = field_of(type, name);
    auto merged = merge_value(result.value(name, Json()), value, field);
    if (!merged.ok()) return merged;
    result[name] = std::move(*merged);
  }
  constexpr std::string_view kOrderPrefix = "$setElementOrder/";
  for (const auto& [name, order] : patch.items()) {
    if (!name.starts_with(kOrderPrefix) || !order.is_array()) continue;
    const std::string list = name.substr(kOrderPrefix.size());
    const Field* field = field_of(type, list);
    if (result.contains(list) && result[list].is_array())
      reorder(result[list], order, field == nullptr ? "" : field->merge_key);
  }
  return result;
}

}  // namespace

Json merge_patch(const Json& target, const Json& patch) {
  if (!patch.is_object()) return patch;
  Json result = target.is_object() ? target : Json::object();
  for (const auto& [name, value] : patch.items()) {
    if (value.is_null())
      result.erase(name);
    else
      result[name] = merge_patch(result.value(name, Json()), value);
  }
  return result;
}

Outcome<Json> json_patch(const Json& target, const Json& operations) {
  if (!operations.is_array()) return bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  if (operations.size() > kMostOperations) {
    return Failure{413, "RequestEntityTooLarge",
                   fmt::format("Request entity too large: The allowed maximum operations in a JSON patch is {}, got {}",
                               kMostOperations, operations.size()),
                   Json::object()};
  }
  try {
    return target.patch(operations);
  } catch (const Json::exception&) {
    // A real server gives the operation's error no further words either.
    return Failure{422, "Invalid", "the server rejected our request due to an error in our request", Json::object()};
  }
}

Outcome<Json> strategic_merge_patch(const Json& target, const Json& patch, const StructType& type) {
  if (!patch.is_object())
    return bad_request(
        "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}");
  return merge_object(target, patch, &type);
}

}  // namespace fracta::devcluster
