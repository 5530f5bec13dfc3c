#include "devcluster/schema/descriptions.hpp"

#include <map>

#include "fracta/base/check.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::string_view kText =
#include "devcluster/schema/descriptions.inc"
    ;

using Texts = std::map<std::string, std::string, std::less<>>;

// "core.Pod" and "core.Pod/spec" -> text. A line about something the schema does not have is a mistake in this program.
Texts parse_texts() {
  Texts texts;
  std::string section;
  const StructType* type = nullptr;
  for (const std::string& line : split(kText, '\n')) {
    if (line.empty()) continue;
    if (line[0] == '[') {
      const auto end = line.find(']');
      section = line.substr(1, end - 1);
      type = schema().find(section);
      check(type != nullptr || section == "*", "descriptions.inc names an unknown type: " + section);
      if (end + 2 < line.size()) texts[section] = line.substr(end + 2);
      continue;
    }
    const auto space = line.find(' ');
    const std::string field = line.substr(0, space);
    check(type == nullptr || type->find(field) != nullptr,
          "descriptions.inc names an unknown field: " + section + "." + field);
    texts[section + "/" + field] = line.substr(space + 1);
  }
  return texts;
}

const Texts& texts() {
  static const Texts all = parse_texts();
  return all;
}

std::string text_at(const std::string& key) {
  const auto found = texts().find(key);
  return found == texts().end() ? "" : found->second;
}

const StructType* struct_in(const TypeRef& type) {
  if (type.kind == TypeRef::Kind::kStruct) return type.type;
  return type.element ? struct_in(*type.element) : nullptr;
}

}  // namespace

std::string description_of(const StructType& type) { return text_at(type.package + "." + type.name); }

std::string description_of(const StructType& type, const Field& field) {
  if (std::string own = text_at(type.package + "." + type.name + "/" + field.name); !own.empty()) return own;
  // Only whole objects have an apiVersion and what goes with it.
  if (type.find("apiVersion") != nullptr && type.find("metadata") != nullptr) {
    if (std::string shared = text_at("*/" + field.name); !shared.empty()) return shared;
  }
  const StructType* value = struct_in(field.type);
  return value == nullptr ? "" : description_of(*value);
}

}  // namespace fracta::devcluster
