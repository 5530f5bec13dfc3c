// Sets of fields of an object, as metadata.managedFields writes them (FieldsV1): a tree of path elements, each of which
// may itself belong to the set. Belonging of a parent says nothing about its children.
//
// Values; not thread-safe.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

// One step of a path: `f:name`, `k:{"name":"a"}` (an item of a list with keys), `v:"x"` (an item of a set), `i:0`.
struct PathElement {
  enum class Kind : std::uint8_t { kField, kKey, kValue, kIndex };  // the order in which they sort
  Kind kind = Kind::kField;
  std::string name;  // kField
  Json value;        // the others

  static PathElement field(std::string name) { return {Kind::kField, std::move(name), Json()}; }
  [[nodiscard]] std::string serialised() const;
  [[nodiscard]] std::string text() const;  // as messages show it: `.name`, `[name="a"]`, `[="x"]`, `[0]`

  bool operator==(const PathElement& other) const;
  bool operator<(const PathElement& other) const;
};

using FieldPath = std::vector<PathElement>;
std::string path_text(const FieldPath& path);

class FieldSet {
 public:
  struct Node;

  FieldSet();
  FieldSet(const FieldSet& other);
  FieldSet(FieldSet&& other) noexcept;
  FieldSet& operator=(const FieldSet& other);
  FieldSet& operator=(FieldSet&& other) noexcept;
  ~FieldSet();

  // Makes the element of this level a member, or gives it children (nothing happens for an empty set).
  void insert(const PathElement& element);
  void attach(const PathElement& element, FieldSet children);
  void insert_path(const std::vector<std::string>& fields);  // of named fields only

  [[nodiscard]] bool empty() const { return nodes_.empty(); }
  [[nodiscard]] bool has(const PathElement& element) const;
  [[nodiscard]] bool has_path(const FieldPath& path) const;
  [[nodiscard]] const FieldSet* below(const PathElement& element) const;  // null: no children in the set
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }

  [[nodiscard]] FieldSet united(const FieldSet& other) const;
  [[nodiscard]] FieldSet intersected(const FieldSet& other) const;
  // Without what is a member of `other`, level by level: children outlive their parent.
  [[nodiscard]] FieldSet without(const FieldSet& other) const;
  // The same, but with a parent go its children.
  [[nodiscard]] FieldSet without_below(const FieldSet& other) const;

  // Members in a fixed order: those of a level, then those below.
  void for_each(const std::function<void(const FieldPath&)>& visit) const;

  [[nodiscard]] Json to_json() const;
  [[nodiscard]] std::string to_text() const;  // the same as JSON text, members in the order of the set
  static Result<FieldSet> from_json(const Json& fields);

 private:
  Node& node(const PathElement& element);
  void append_text(std::string& text, bool member) const;
  void walk(FieldPath& prefix, const std::function<void(const FieldPath&)>& visit) const;
  std::vector<Node> nodes_;  // sorted; every node is a member or has children
};

struct FieldSet::Node {
  PathElement element;
  bool member = false;
  FieldSet children;
};

}  // namespace fracta::devcluster
