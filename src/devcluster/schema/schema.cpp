#include "devcluster/schema/schema.hpp"

#include "fracta/base/check.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::string_view kTypes =
#include "devcluster/schema/types.inc"
    ;

const std::map<std::string_view, TypeRef::Kind>& scalars() {
  using Kind = TypeRef::Kind;
  static const std::map<std::string_view, Kind> table = {
      {"string", Kind::kString}, {"int32", Kind::kInt32},         {"int64", Kind::kInt64},
      {"float", Kind::kFloat},   {"bool", Kind::kBool},           {"bytes", Kind::kBytes},
      {"time", Kind::kTime},     {"microtime", Kind::kMicroTime}, {"quantity", Kind::kQuantity},
      {"any", Kind::kAny},       {"intstr", Kind::kIntOrString},
  };
  return table;
}

using Types = std::map<std::string, std::unique_ptr<StructType>, std::less<>>;

TypeRef parse_type(const Types& types, const std::string& package, std::string_view text) {
  TypeRef result;
  if (text.starts_with("[]") || text.starts_with("{}")) {
    result.kind = text[0] == '[' ? TypeRef::Kind::kList : TypeRef::Kind::kMap;
    result.element = std::make_shared<const TypeRef>(parse_type(types, package, text.substr(2)));
    return result;
  }
  if (text.starts_with("string:")) {
    result.kind = TypeRef::Kind::kString;
    result.alias = text.substr(7);
    return result;
  }
  if (const auto scalar = scalars().find(text); scalar != scalars().end()) {
    result.kind = scalar->second;
    return result;
  }
  const std::string qualified =
      text.find('.') == std::string_view::npos ? package + "." + std::string(text) : std::string(text);
  const auto found = types.find(qualified);
  check(found != types.end(), "types.inc names an unknown type: " + qualified);
  result.kind = TypeRef::Kind::kStruct;
  result.type = found->second.get();
  return result;
}

// "name type [*][?] [p=merge,retainKeys:key] [l=map:a+b|set|atomic] [r]"
Field parse_field(const Types& types, const std::string& package, std::string_view line) {
  const std::vector<std::string> words = split(line, ' ');
  check(words.size() >= 2, "types.inc: a field needs a name and a type");
  Field field;
  field.name = words[0];
  field.type = parse_type(types, package, words[1]);
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with("p=")) {
      field.merge = word.find("merge") != std::string::npos;
      field.retain_keys = word.find("retainKeys") != std::string::npos;
      if (const auto colon = word.find(':'); colon != std::string::npos) field.merge_key = word.substr(colon + 1);
    } else if (word.starts_with("l=map:")) {
      field.list = Field::List::kMap;
      field.list_keys = split(std::string_view(word).substr(6), '+');
    } else if (word == "l=set") {
      field.list = Field::List::kSet;
    } else if (word == "l=atomic") {
      field.list = Field::List::kAtomic;
    } else if (word.starts_with("#")) {
      for (const std::string& number : split(std::string_view(word).substr(1), '.')) {
        field.protobuf.push_back(static_cast<unsigned>(parse_int(number).value_or(0)));
      }
    } else if (word == "r") {
      field.required = true;
    } else {
      field.pointer = word.find('*') != std::string::npos;
      field.omit_empty = word.find('?') != std::string::npos;
    }
  }
  return field;
}

}  // namespace

const Field* StructType::find(std::string_view field) const {
  const auto found = by_name.find(field);
  return found == by_name.end() ? nullptr : &fields[found->second];
}

Schema::Schema() {
  const std::vector<std::string> lines = split(kTypes, '\n');
  std::string package;
  std::string prefix;
  for (const std::string& line : lines) {
    if (line.starts_with("= ")) {
      const auto words = split(line, ' ');
      package = words[1];
      prefix = words[2];
    } else if (line.starts_with("type ")) {
      auto type = std::make_unique<StructType>();
      const auto words = split(line, ' ');
      type->package = package;
      type->name = words[1];
      type->atomic = words.size() > 2 && words[2] == "atomic";
      type->open_api = prefix + "." + type->name;
      types_.emplace(package + "." + type->name, std::move(type));
    }
  }
  StructType* current = nullptr;
  for (const std::string& line : lines) {
    if (line.starts_with("= ")) {
      package = split(line, ' ')[1];
    } else if (line.starts_with("type ")) {
      current = types_.find(package + "." + split(line, ' ')[1])->second.get();
    } else if (line.starts_with(" ") && current != nullptr) {
      Field field = parse_field(types_, package, std::string_view(line).substr(1));
      current->by_name.emplace(field.name, current->fields.size());
      current->fields.push_back(std::move(field));
    }
  }
}

const StructType* Schema::find(std::string_view qualified) const {
  const auto found = types_.find(qualified);
  return found == types_.end() ? nullptr : found->second.get();
}

const Schema& schema() {
  static const Schema instance;
  return instance;
}

}  // namespace fracta::devcluster
