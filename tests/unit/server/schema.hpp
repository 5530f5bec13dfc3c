// As much of JSON Schema as this project's OpenAPI document uses.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fracta::testing {

class Schemas {
 public:
  explicit Schemas(const Json& document) : document_(document) {}

  [[nodiscard]] const Json& resolve(const Json& schema) const {
    if (!schema.contains("$ref")) return schema;
    const std::string name = schema["$ref"].get<std::string>();
    return document_["components"]["schemas"].at(name.substr(name.rfind('/') + 1));
  }
  // What does not fit, each with its place.
  [[nodiscard]] std::vector<std::string> problems(const Json& given, const Json& value,
                                                  const std::string& place = "body") const {
    const Json& schema = resolve(given);
    std::vector<std::string> out;
    const std::string type = schema.value("type", "");
    if (!has_type(type, value)) return {place + " is no " + type + ": " + value.dump()};
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
      out.push_back(place + " is none of the enum: " + value.dump());
    if (type == "array" && schema.contains("items"))
      for (std::size_t i = 0; i < value.size(); ++i)
        add(out, problems(schema["items"], value[i], place + "[" + std::to_string(i) + "]"));
    if (type == "object") add(out, object_problems(schema, value, place));
    return out;
  }

 private:
  static bool has_type(const std::string& type, const Json& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    return type.empty();
  }
  [[nodiscard]] std::vector<std::string> object_problems(const Json& schema, const Json& value,
                                                         const std::string& place) const {
    std::vector<std::string> out;
    const Json none = Json::object();
    const Json& properties = schema.contains("properties") ? schema["properties"] : none;
    if (schema.contains("required"))
      for (const auto& name : schema["required"])
        if (!value.contains(name.get<std::string>())) out.push_back(place + " has no " + name.get<std::string>());
    for (const auto& [name, item] : value.items()) {
      if (properties.contains(name)) {
        if (resolve(properties[name]).value("writeOnly", false)) out.push_back(place + "." + name + " is write-only");
        add(out, problems(properties[name], item, place + "." + name));
      } else if (schema.value("additionalProperties", Json(true)) == false) {
        out.push_back(place + "." + name + " is not described");
      } else if (schema.contains("additionalProperties") && schema["additionalProperties"].is_object()) {
        add(out, problems(schema["additionalProperties"], item, place + "." + name));
      }
    }
    return out;
  }
  static void add(std::vector<std::string>& out, std::vector<std::string> more) {
    out.insert(out.end(), more.begin(), more.end());
  }
  const Json& document_;
};

}  // namespace fracta::testing
