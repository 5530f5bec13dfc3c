#include "cli/output.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::cli {

void print_data(const Json& value, Output output, Context& context) {
  if (output == Output::kYaml) {
    const std::string text = dump_yaml(value);
    context.out << text << (text.ends_with('\n') ? "" : "\n");
  } else {
    context.out << dump_json(value, 4) << "\n";
  }
}

void print_objects(const Json& objects, Output output, Context& context) {
  if (output != Output::kYaml) {
    print_data(objects.size() == 1 ? objects.front() : Json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}},
               output, context);
    return;
  }
  bool first = true;
  for (const auto& object : objects) {
    if (!first) context.out << "---\n";
    first = false;
    print_data(object, output, context);
  }
}

void print_warnings(const Json& answer, Context& context) {
  const Json* warnings = find(answer, "warnings");
  if (warnings == nullptr || !warnings->is_array()) return;
  for (const auto& warning : *warnings)
    if (warning.is_string()) context.err << "Warning: " << shorten(warning.get_ref<const std::string&>(), 2000) << "\n";
}

}  // namespace fracta::cli
