#include "devcluster/server/typed_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "devcluster/server/typed_shape.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

using Form = Shape::Kind;

bool is_empty(const Json* value) { return value == nullptr || value->is_null() || value->empty(); }

// The items of a list under their path elements, in the list's order.
struct Indexed {
  std::vector<PathElement> order;
  std::map<PathElement, const Json*> items;
};

Result<Indexed> index_items(const Shape& list, const Json* value) {
  Indexed result;
  if (value == nullptr || !value->is_array()) return result;
  for (std::size_t i = 0; i < value->size(); ++i) {
    auto element = item_element(list, (*value)[i]);
    if (!element) return make_error(ErrorCode::kInvalid, fmt::format("element {}: {}", i, element.error().message));
    if (!result.items.emplace(*element, &(*value)[i]).second)
      return make_error(ErrorCode::kInvalid, fmt::format("duplicate entries for key {}", element->text()));
    result.order.push_back(std::move(*element));
  }
  return result;
}

const Json* item_at(const Indexed& indexed, const PathElement& element) {
  const auto found = indexed.items.find(element);
  return found == indexed.items.end() ? nullptr : found->second;
}

class Comparer {
 public:
  Comparison result;
  std::string error;

  // Fills `out` with what changed below this place; the return value says what happened to the place itself.
  enum class Self { kSame, kAdded, kModified, kRemoved };
  Self compare(const Shape& shape, const Json* before, const Json* after, Comparison& out) {
    const bool as_leaf = shape.leaf() || (is_empty(before) && is_empty(after));
    if (as_leaf) {
      if (before == nullptr) return Self::kAdded;
      if (after == nullptr) return Self::kRemoved;
      return *before == *after ? Self::kSame : Self::kModified;
    }
    if (shape.map_like())
      entries(shape, before, after, out);
    else
      items(shape, before, after, out);
    if (before == nullptr) return Self::kAdded;
    return after == nullptr ? Self::kRemoved : Self::kSame;
  }

 private:
  void child(const Shape& shape, const PathElement& element, const Json* before, const Json* after, Comparison& out) {
    if (before != nullptr && after != nullptr && *before == *after) return;
    Comparison below;
    const Self self = compare(shape, before, after, below);
    if (self == Self::kAdded) out.added.insert(element);
    if (self == Self::kModified) out.modified.insert(element);
    if (self == Self::kRemoved) out.removed.insert(element);
    out.added.attach(element, std::move(below.added));
    out.modified.attach(element, std::move(below.modified));
    out.removed.attach(element, std::move(below.removed));
  }

  void entries(const Shape& shape, const Json* before, const Json* after, Comparison& out) {
    static const Json none = Json::object();
    const Json& left = before != nullptr && before->is_object() ? *before : none;
    const Json& right = after != nullptr && after->is_object() ? *after : none;
    for (const auto& [name, value] : left.items())
      child(shape.entry(name, value), PathElement::field(name), &value, find(right, name), out);
    for (const auto& [name, value] : right.items()) {
      if (!left.contains(name)) child(shape.entry(name, value), PathElement::field(name), nullptr, &value, out);
    }
  }

  void items(const Shape& shape, const Json* before, const Json* after, Comparison& out) {
    const auto left = index_items(shape, before);
    const auto right = index_items(shape, after);
    if (!left || !right) {
      error = (left ? right : left).error().message;
      return;
    }
    for (const PathElement& element : left->order) {
      const Json* value = item_at(*left, element);
      child(shape.item(*value), element, value, item_at(*right, element), out);
    }
    for (const PathElement& element : right->order) {
      const Json* value = item_at(*right, element);
      if (item_at(*left, element) == nullptr) child(shape.item(*value), element, nullptr, value, out);
    }
  }
};

void collect(const Shape& shape, const Json& value, FieldSet& out, bool& self) {
  if (shape.leaf()) {
    self = true;
    return;
  }
  if (shape.map_like()) {
    if (!value.is_object()) return;
    for (const auto& [name, entry] : value.items()) {
      const PathElement element = PathElement::field(name);
      FieldSet below;
      bool own = entry.is_null() || (entry.is_object() && entry.empty()) || !shape.declares(name);
      collect(shape.entry(name, entry), entry, below, own);
      if (own) out.insert(element);
      out.attach(element, std::move(below));
    }
    return;
  }
  if (!value.is_array()) return;
  for (const Json& item : value) {
    const auto element = item_element(shape, item);
    if (!element) continue;  // type_errors() has refused it
    FieldSet below;
    bool own = true;
    collect(shape.item(item), item, below, own);
    out.insert(*element);
    out.attach(*element, std::move(below));
  }
}

Json merge(const Shape& shape, const Json* live, const Json* applied);

// Items keep the live order until the configuration disagrees; then the configuration's order holds for what it names.
// Items only the live list has stay in front of the named item they preceded.
Json merge_items(const Shape& shape, const Json* live, const Json* applied) {
  const auto left = index_items(shape, live);
  const auto right = index_items(shape, applied);
  if (!left || !right) return applied != nullptr && !applied->is_null() ? *applied : Json(*live);
  std::vector<const PathElement*> shared;  // in the configuration's order
  for (const PathElement& element : right->order) {
    if (item_at(*left, element) != nullptr) shared.push_back(&element);
  }
  Json result = Json::array();
  const auto put = [&](const PathElement& element) {
    const Json* own = item_at(*left, element);
    const Json* wanted = item_at(*right, element);
    result.push_back(merge(shape.item(own != nullptr ? *own : *wanted), own, wanted));
  };
  std::size_t next = 0;
  std::size_t l = 0;
  std::size_t r = 0;
  while (l < left->order.size() || r < right->order.size()) {
    const bool has_left = l < left->order.size();
    const bool has_right = r < right->order.size();
    if (has_left && has_right) {
      if (left->order[l] == right->order[r]) {
        put(left->order[l]);
        ++l;
        ++r;
        ++next;
        continue;
      }
      const bool named = item_at(*right, left->order[l]) != nullptr;
      if (named && next < shared.size() && !(*shared[next] == left->order[l])) {
        ++l;  // its turn comes where the configuration has it
        continue;
      }
    }
    if (has_left && item_at(*right, left->order[l]) == nullptr) {
      put(left->order[l++]);
      continue;
    }
    if (has_right) {
      if (next < shared.size() && *shared[next] == right->order[r]) ++next;
      put(right->order[r++]);
      continue;
    }
    ++l;  // named by the configuration and placed already
  }
  return result;
}

Json merge(const Shape& shape, const Json* live, const Json* applied) {
  if (live == nullptr) return *applied;
  if (applied == nullptr) return *live;
  if (shape.leaf() || (is_empty(live) && is_empty(applied))) return *applied;
  if (!shape.map_like()) return merge_items(shape, live, applied);
  Json result = live->is_object() ? *live : Json::object();
  if (!applied->is_object()) return result;
  for (const auto& [name, value] : applied->items()) {
    const Json* own = find(result, name);
    result[name] = merge(shape.entry(name, value), own, &value);
  }
  return result;
}

// A container that loses its last part becomes null, as a real server's does until it is decoded again.
Json remove(const Shape& shape, const Json& value, const FieldSet& items) {
  if (shape.kind == Form::kScalar || is_empty(&value)) return value;
  if (shape.leaf()) return Json();
  if (shape.map_like()) {
    Json result = Json::object();
    for (const auto& [name, entry] : value.items()) {
      const PathElement element = PathElement::field(name);
      if (items.has(element)) continue;
      const FieldSet* below = items.below(element);
      result[name] = below == nullptr ? entry : remove(shape.entry(name, entry), entry, *below);
    }
    return result.empty() ? Json() : result;
  }
  Json result = Json::array();
  for (const Json& item : value) {
    const auto element = item_element(shape, item);
    if (element && items.has(*element)) continue;
    const FieldSet* below = element ? items.below(*element) : nullptr;
    result.push_back(below == nullptr ? item : remove(shape.item(item), item, *below));
  }
  return result.empty() ? Json() : result;
}

FieldSet name_parents(const FieldSet& set, const Shape& shape) {
  FieldSet result;
  static const Json none;
  for (const FieldSet::Node& node : set.nodes()) {
    const bool field = node.element.kind == PathElement::Kind::kField;
    const bool named = field && shape.map_like() && shape.declares(node.element.name);
    if (node.member || (named && !node.children.empty())) result.insert(node.element);
    const Shape below = field ? shape.entry(node.element.name, none) : shape.item(none);
    result.attach(node.element, name_parents(node.children, below));
  }
  return result;
}

}  // namespace

Result<Comparison> compare_objects(const Json& before, const Json& after, const StructType& type) {
  Comparer comparer;
  Comparison result;
  comparer.compare(root_shape(type), &before, &after, result);
  if (!comparer.error.empty()) return make_error(ErrorCode::kInvalid, comparer.error);
  return result;
}

FieldSet fields_of(const Json& object, const StructType& type) {
  FieldSet result;
  bool self = false;
  collect(root_shape(type), object, result, self);
  return result;
}

Json merge_applied(const Json& live, const Json& applied, const StructType& type) {
  return merge(root_shape(type), &live, &applied);
}

Json remove_fields(const Json& object, const FieldSet& items, const StructType& type) {
  return remove(root_shape(type), object, items);
}

FieldSet with_named_parents(const FieldSet& set, const StructType& type) { return name_parents(set, root_shape(type)); }

}  // namespace fracta::devcluster
