#include "devcluster/server/patch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

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

// Where an item stands in a list, by its key or by itself.
std::optional<std::size_t> place_of(const Json& list, const Json& item, const std::string& key) {
  const auto same = [&](const Json& other) {
    if (key.empty()) return other == item;
    const Json* own = find(item, key);
    const Json* theirs = find(other, key);
    return own != nullptr && theirs != nullptr && *own == *theirs;
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (same(list[i])) return i;
  }
  return std::nullopt;
}

// The order of a merged list: what `order` names ($setElementOrder, or else the patch itself) stands as it says; the
// others keep their relative places, in front of a named item only if they stood there before the patch.
Json in_order(const Json& merged, const Json& before, const Json& order, const std::string& key) {
  std::vector<std::pair<std::size_t, const Json*>> named;
  std::vector<const Json*> others;
  for (const Json& item : merged) {
    if (const auto place = place_of(order, item, key))
      named.emplace_back(*place, &item);
    else
      others.push_back(&item);
  }
  std::stable_sort(named.begin(), named.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Json result = Json::array();
  std::size_t next = 0;
  for (const Json* other : others) {
    const auto own = place_of(before, *other, key);
    for (; next < named.size(); ++next) {
      const auto theirs = place_of(before, *named[next].second, key);
      if (own && theirs && *own < *theirs) break;
      result.push_back(*named[next].second);
    }
    result.push_back(*other);
  }
  for (; next < named.size(); ++next) result.push_back(*named[next].second);
  return result;
}

Outcome<Json> merge_keyed_list(Json target, const Json& patch, const Field& field) {
  if (!target.is_array()) target = Json::array();
  const StructType* type = element_struct(field.type);
  for (const Json& item : patch) {
    if (item.is_object() && item.size() == 1 && string_at(item, "$patch") == "replace") target = Json::array();
  }
  for (const Json& item : patch) {
    if (!item.is_object())
      return bad_request(
          fmt::format("map: {} does not contain declared merge key: {}", dump_json(item), field.merge_key));
    const std::string directive = string_at(item, "$patch");
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

bool merges_as_list(const Field* field) {
  return field != nullptr && field->merge && field->type.kind == TypeRef::Kind::kList;
}

Outcome<Json> merge_value(const Json& target, const Json& patch, const Field* field) {
  if (patch.is_array() && merges_as_list(field)) {
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

void order_lists(Json& result, const Json& target, const Json& patch, const StructType* type) {
  constexpr std::string_view kOrderPrefix = "$setElementOrder/";
  for (const auto& [name, value] : patch.items()) {
    const bool explicit_order = name.starts_with(kOrderPrefix);
    const std::string list = explicit_order ? name.substr(kOrderPrefix.size()) : name;
    const Field* field = field_of(type, list);
    if (!value.is_array() || !result.contains(list) || !result[list].is_array()) continue;
    if (!explicit_order && (!merges_as_list(field) || patch.contains(std::string(kOrderPrefix) + name))) continue;
    const Json before = target.value(list, Json::array());
    result[list] = in_order(result[list], before, value, field == nullptr ? "" : field->merge_key);
  }
}

Outcome<Json> merge_object(const Json& target, const Json& patch, const StructType* type) {
  const std::string directive = string_at(patch, "$patch");
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
  order_lists(result, target, patch, type);
  return result;
}

bool adds_key(const Json& target, const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return false;
  const Json::json_pointer parent(path.substr(0, slash));
  if (!target.contains(parent) || !target.at(parent).is_object()) return false;
  return !target.contains(Json::json_pointer(path));
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
    Json result = target;
    for (const Json& operation : operations) {
      Json one = operation;
      // The library of real servers takes "replace" of a key that is not there for "add".
      if (string_at(one, "op") == "replace" && adds_key(result, string_at(one, "path"))) one["op"] = "add";
      result.patch_inplace(Json::array({std::move(one)}));
    }
    return result;
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
