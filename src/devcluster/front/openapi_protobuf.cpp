#include "devcluster/front/openapi_protobuf.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

class Message {
 public:
  Message& text(unsigned number, std::string_view value) {
    varint(number << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(unsigned number, const Message& value) { return text(number, value.bytes_); }
  Message& truth(unsigned number) {
    varint(number << 3);
    varint(1);
    return *this;
  }
  // The member when there is one.
  Message& member(unsigned number, const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return *this;
    if (found->is_string()) return text(number, found->get_ref<const std::string&>());
    if (found->is_boolean()) return found->get<bool>() ? truth(number) : *this;
    for (const Json& item : *found) text(number, item.get_ref<const std::string&>());
    return *this;
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

// NamedSchema, NamedPathItem, NamedAny, ...: maps are lists of these.
Message named(const std::string& name, const Message& value) { return Message().text(1, name).message(2, value); }

// Values of extensions travel as YAML text, which JSON is.
void extensions(Message& message, unsigned number, const Json& object) {
  for (const auto& [name, value] : object.items()) {
    if (name.starts_with("x-")) message.message(number, named(name, Message().text(2, dump_json(value))));
  }
}

Message schema_message(const Json& schema) {
  Message result;
  result.member(1, schema, "$ref").member(2, schema, "format").member(4, schema, "description");
  result.member(19, schema, "required");
  if (const auto found = schema.find("additionalProperties"); found != schema.end())
    result.message(21, Message().message(1, schema_message(*found)));
  if (schema.contains("type")) result.message(22, Message().member(1, schema, "type"));
  if (const auto found = schema.find("items"); found != schema.end())
    result.message(23, Message().message(1, schema_message(*found)));
  if (const auto found = schema.find("properties"); found != schema.end()) {
    Message properties;
    for (const auto& [name, value] : found->items()) properties.message(1, named(name, schema_message(value)));
    result.message(25, properties);
  }
  extensions(result, 31, schema);
  return result;
}

// Body, query and path parameters are messages of their own.
Message parameter_message(const Json& parameter) {
  Message result;
  const std::string in = string_at(parameter, "in");
  if (in == "body") {
    result.member(1, parameter, "description").member(2, parameter, "name").text(3, in);
    result.member(4, parameter, "required").message(5, schema_message(parameter.at("schema")));
    return Message().message(1, Message().message(1, result));
  }
  const bool query = in == "query";
  result.member(1, parameter, "required").text(2, in).member(3, parameter, "description").member(4, parameter, "name");
  result.member(query ? 6 : 5, parameter, "type").member(query ? 20 : 19, parameter, "uniqueItems");
  return Message().message(1, Message().message(2, Message().message(query ? 3 : 4, result)));
}

Message responses_message(const Json& responses) {
  Message result;
  for (const auto& [code, response] : responses.items()) {
    Message content;
    content.member(1, response, "description");
    if (const auto found = response.find("schema"); found != response.end())
      content.message(2, Message().message(1, schema_message(*found)));
    result.message(1, named(code, Message().message(1, content)));
  }
  return result;
}

Message operation_message(const Json& operation) {
  Message result;
  result.member(3, operation, "description");
  result.member(6, operation, "produces").member(7, operation, "consumes");
  for (const Json& parameter : operation.at("parameters")) result.message(8, parameter_message(parameter));
  result.message(9, responses_message(operation.at("responses")));
  extensions(result, 13, operation);
  return result;
}

Message path_message(const Json& path) {
  constexpr std::pair<const char*, unsigned> kMethods[] = {
      {"get", 2}, {"put", 3}, {"post", 4}, {"delete", 5}, {"patch", 8}};
  Message result;
  for (const auto& [method, number] : kMethods) {
    if (const auto found = path.find(method); found != path.end()) result.message(number, operation_message(*found));
  }
  if (const auto found = path.find("parameters"); found != path.end()) {
    for (const Json& parameter : *found) result.message(9, parameter_message(parameter));
  }
  return result;
}

}  // namespace

std::string encode_openapi_v2(const Json& document) {
  Message paths;
  for (const auto& [name, path] : document.at("paths").items()) paths.message(2, named(name, path_message(path)));
  Message definitions;
  for (const auto& [name, schema] : document.at("definitions").items())
    definitions.message(1, named(name, schema_message(schema)));
  const Json& info = document.at("info");
  Message result;
  result.member(1, document, "swagger");
  result.message(2, Message().member(1, info, "title").member(2, info, "version"));
  result.message(8, paths).message(9, definitions);
  return result.take();
}

}  // namespace fracta::devcluster
