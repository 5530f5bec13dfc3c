#include "devcluster/server/field_set.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

std::string shown(const Json& value) {
  return value.is_string() ? go_quote(value.get_ref<const std::string&>()) : dump_json(value);
}

Result<PathElement> parse_element(const std::string& text) {
  if (text.size() < 2 || text[1] != ':') return make_error(ErrorCode::kInvalid, fmt::format("missing colon: {}", text));
  const std::string rest = text.substr(2);
  if (text[0] == 'f') return PathElement::field(rest);
  if (text[0] != 'k' && text[0] != 'v' && text[0] != 'i')
    return make_error(ErrorCode::kNotFound, "unknown path element type");
  auto value = parse_json(rest);
  if (!value) return value.error();
  if (text[0] == 'k' && !value->is_object()) return make_error(ErrorCode::kInvalid, "a key must be an object");
  if (text[0] == 'i' && !value->is_number_integer())
    return make_error(ErrorCode::kInvalid, "an index must be a number");
  const auto kind = text[0] == 'k'   ? PathElement::Kind::kKey
                    : text[0] == 'v' ? PathElement::Kind::kValue
                                     : PathElement::Kind::kIndex;
  return PathElement{kind, "", std::move(*value)};
}

}  // namespace

std::string PathElement::serialised() const {
  switch (kind) {
    case Kind::kField:
      return "f:" + name;
    case Kind::kKey:
      return "k:" + dump_json(value);
    case Kind::kValue:
      return "v:" + dump_json(value);
    case Kind::kIndex:
      return "i:" + dump_json(value);
  }
  return {};
}

std::string PathElement::text() const {
  if (kind == Kind::kField) return "." + name;
  if (kind == Kind::kIndex) return fmt::format("[{}]", dump_json(value));
  if (kind == Kind::kValue) return fmt::format("[={}]", shown(value));
  std::vector<std::string> keys;
  for (const auto& [key, item] : value.items()) keys.push_back(key + "=" + shown(item));
  return fmt::format("[{}]", join(keys, ","));
}

bool PathElement::operator==(const PathElement& other) const {
  return kind == other.kind && name == other.name && value == other.value;
}

bool PathElement::operator<(const PathElement& other) const {
  if (kind != other.kind) return kind < other.kind;
  return kind == Kind::kField ? name < other.name : value < other.value;
}

std::string path_text(const FieldPath& path) {
  std::string result;
  for (const PathElement& element : path) result += element.text();
  return result;
}

FieldSet::FieldSet() = default;
FieldSet::FieldSet(const FieldSet& other) = default;
FieldSet::FieldSet(FieldSet&& other) noexcept = default;
FieldSet& FieldSet::operator=(const FieldSet& other) = default;
FieldSet& FieldSet::operator=(FieldSet&& other) noexcept = default;
FieldSet::~FieldSet() = default;

FieldSet::Node& FieldSet::node(const PathElement& element) {
  auto place = std::lower_bound(nodes_.begin(), nodes_.end(), element,
                                [](const Node& left, const PathElement& right) { return left.element < right; });
  if (place == nodes_.end() || !(place->element == element)) place = nodes_.insert(place, Node{element, false, {}});
  return *place;
}

void FieldSet::insert(const PathElement& element) { node(element).member = true; }

void FieldSet::attach(const PathElement& element, FieldSet children) {
  if (children.empty()) return;
  Node& place = node(element);
  place.children = place.children.empty() ? std::move(children) : place.children.united(children);
}

void FieldSet::insert_path(const std::vector<std::string>& fields) {
  FieldSet* level = this;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    Node& place = level->node(PathElement::field(fields[i]));
    if (i + 1 == fields.size()) place.member = true;
    level = &place.children;
  }
}

namespace {
const FieldSet::Node* find_node(const std::vector<FieldSet::Node>& nodes, const PathElement& element) {
  const auto place =
      std::lower_bound(nodes.begin(), nodes.end(), element,
                       [](const FieldSet::Node& left, const PathElement& right) { return left.element < right; });
  return place == nodes.end() || !(place->element == element) ? nullptr : &*place;
}
}  // namespace

bool FieldSet::has(const PathElement& element) const {
  const Node* found = find_node(nodes_, element);
  return found != nullptr && found->member;
}

bool FieldSet::has_path(const FieldPath& path) const {
  const FieldSet* level = this;
  for (std::size_t i = 0; i + 1 < path.size() && level != nullptr; ++i) level = level->below(path[i]);
  return level != nullptr && !path.empty() && level->has(path.back());
}

const FieldSet* FieldSet::below(const PathElement& element) const {
  const Node* found = find_node(nodes_, element);
  return found == nullptr || found->children.empty() ? nullptr : &found->children;
}

FieldSet FieldSet::united(const FieldSet& other) const {
  FieldSet result;
  auto left = nodes_.begin();
  auto right = other.nodes_.begin();
  while (left != nodes_.end() || right != other.nodes_.end()) {
    if (right == other.nodes_.end() || (left != nodes_.end() && left->element < right->element)) {
      result.nodes_.push_back(*left++);
    } else if (left == nodes_.end() || right->element < left->element) {
      result.nodes_.push_back(*right++);
    } else {
      result.nodes_.push_back({left->element, left->member || right->member, left->children.united(right->children)});
      ++left;
      ++right;
    }
  }
  return result;
}

FieldSet FieldSet::intersected(const FieldSet& other) const {
  FieldSet result;
  for (const Node& own : nodes_) {
    const Node* theirs = find_node(other.nodes_, own.element);
    if (theirs == nullptr) continue;
    Node both{own.element, own.member && theirs->member, own.children.intersected(theirs->children)};
    if (both.member || !both.children.empty()) result.nodes_.push_back(std::move(both));
  }
  return result;
}

FieldSet FieldSet::without(const FieldSet& other) const {
  FieldSet result;
  for (const Node& own : nodes_) {
    const Node* theirs = find_node(other.nodes_, own.element);
    if (theirs == nullptr) {
      result.nodes_.push_back(own);
      continue;
    }
    Node rest{own.element, own.member && !theirs->member, own.children.without(theirs->children)};
    if (rest.member || !rest.children.empty()) result.nodes_.push_back(std::move(rest));
  }
  return result;
}

FieldSet FieldSet::without_below(const FieldSet& other) const {
  FieldSet result;
  for (const Node& own : nodes_) {
    const Node* theirs = find_node(other.nodes_, own.element);
    if (theirs == nullptr) {
      result.nodes_.push_back(own);
      continue;
    }
    if (theirs->member) continue;
    Node rest{own.element, own.member, own.children.without_below(theirs->children)};
    if (rest.member || !rest.children.empty()) result.nodes_.push_back(std::move(rest));
  }
  return result;
}

void FieldSet::walk(FieldPath& prefix, const std::function<void(const FieldPath&)>& visit) const {
  for (const Node& own : nodes_) {
    if (!own.member) continue;
    prefix.push_back(own.element);
    visit(prefix);
    prefix.pop_back();
  }
  for (const Node& own : nodes_) {
    if (own.children.empty()) continue;
    prefix.push_back(own.element);
    own.children.walk(prefix, visit);
    prefix.pop_back();
  }
}

void FieldSet::for_each(const std::function<void(const FieldPath&)>& visit) const {
  FieldPath prefix;
  walk(prefix, visit);
}

Json FieldSet::to_json() const {
  Json result = Json::object();
  for (const Node& own : nodes_) {
    Json below = own.children.to_json();
    if (own.member && !below.empty()) below["."] = Json::object();
    result[own.element.serialised()] = std::move(below);
  }
  return result;
}

void FieldSet::append_text(std::string& text, bool member) const {
  text += '{';
  if (member && !nodes_.empty()) text += "\".\":{}";
  bool first = !member;
  for (const Node& own : nodes_) {
    if (!first) text += ',';
    first = false;
    const bool plain =
        own.element.kind == PathElement::Kind::kField &&
        std::all_of(own.element.name.begin(), own.element.name.end(), [](char c) {
          return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f && c != '"' && c != '\\';
        });
    if (plain)
      text.append("\"f:").append(own.element.name).append("\":");
    else
      text.append(dump_json(Json(own.element.serialised()))).append(":");
    own.children.append_text(text, own.member);
  }
  text += '}';
}

std::string FieldSet::to_text() const {
  std::string text;
  append_text(text, false);
  return text;
}

Result<FieldSet> FieldSet::from_json(const Json& fields) {
  FieldSet result;
  if (fields.is_null()) return result;
  if (!fields.is_object()) return make_error(ErrorCode::kInvalid, "fieldsV1 must be an object");
  for (const auto& [key, value] : fields.items()) {
    if (key == ".") continue;  // said by the parent
    auto element = parse_element(key);
    if (!element) {
      if (element.error().code == ErrorCode::kNotFound) continue;  // of a later version
      return element.error();
    }
    auto children = from_json(value);
    if (!children) return children.error();
    if (children->empty() || (value.is_object() && value.contains("."))) result.insert(*element);
    result.attach(*element, std::move(*children));
  }
  return result;
}

}  // namespace fracta::devcluster
