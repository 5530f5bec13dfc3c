// One description of the kinds' fields. It drives decoding (strict or not), the form in which objects are kept, patches
// by merge key, the OpenAPI documents and `kubectl explain`. The description itself is a small text, types.inc; facts
// in it (names, types, merge keys) are those of the Kubernetes API, version 1.26.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fracta::devcluster {

struct StructType;

struct TypeRef {
  enum class Kind {
    kString,
    kInt32,
    kInt64,
    kFloat,
    kBool,
    kBytes,
    kTime,
    kMicroTime,
    kQuantity,
    kIntOrString,
    kAny,
    kStruct,
    kList,
    kMap
  };
  Kind kind = Kind::kAny;
  const StructType* type = nullptr;        // kStruct
  std::shared_ptr<const TypeRef> element;  // kList, kMap
  std::string alias;                       // a named string type ("RestartPolicy"); empty if plain
};

struct Field {
  std::string name;
  TypeRef type;
  bool pointer = false;     // "not given" differs from the zero value
  bool omit_empty = false;  // the zero value is not written
  bool required = false;
  bool merge = false;  // strategic merge patch: lists merge by merge_key (or as a set when it is empty)
  bool retain_keys = false;
  std::string merge_key;
  enum class List { kDefault, kAtomic, kSet, kMap } list = List::kDefault;  // server-side apply
  std::vector<std::string> list_keys;
  std::vector<unsigned> protobuf;  // path of field numbers; empty: not on the wire
};

struct StructType {
  std::string package;   // "core": the section in types.inc
  std::string name;      // "PodSpec"
  std::string open_api;  // "io.k8s.api.core.v1.PodSpec"
  bool atomic = false;   // one value for server-side apply, wherever it stands
  std::vector<Field> fields;
  std::map<std::string, std::size_t, std::less<>> by_name;
  [[nodiscard]] const Field* find(std::string_view field) const;
};

class Schema {
 public:
  // Parses types.inc; a mistake in it ends the program (it is part of the program).
  Schema();
  [[nodiscard]] const StructType* find(std::string_view qualified) const;  // "core.Pod"
  [[nodiscard]] const std::map<std::string, std::unique_ptr<StructType>, std::less<>>& types() const { return types_; }

 private:
  std::map<std::string, std::unique_ptr<StructType>, std::less<>> types_;
};

// The description is constant, so is its parsed form.
const Schema& schema();

}  // namespace fracta::devcluster
