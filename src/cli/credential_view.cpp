#include "cli/credential_view.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/output.hpp"
#include "cli/table.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::cli {
namespace {

constexpr std::size_t kCell = 32;

std::string age_of(const Json& credential) {
  const auto created = parse_rfc3339(string_at(credential, "created_at"));
  return created ? human_duration(RealClock().system_now() - *created) : "";
}

std::string cell(const Json& credential, const char* key, bool wide) {
  return shorten(string_at(credential, key), wide ? 200 : kCell);
}

}  // namespace

void print_credential_data(const Json& answer, Output output, Context& context) {
  if (output == Output::kYaml) return print_data(answer, output, context);
  context.out << dump_json(answer, 2) << "\n";
}

void print_credentials(const Json& answer, bool list, Output output, Context& context) {
  if (output == Output::kJson || output == Output::kYaml) return print_credential_data(answer, output, context);
  Json items = Json::array({answer});
  if (list) {
    const Json* found = find(answer, "items");
    items = found != nullptr && found->is_array() ? *found : Json::array();
  }
  if (output == Output::kName) {
    for (const auto& item : items) context.out << "credential/" << shorten(string_at(item, "name"), 200) << "\n";
    return;
  }
  const bool wide = output == Output::kWide;
  std::vector<std::string> header{"ID", "NAME", "PROVIDER", "DESCRIPTION"};
  if (wide) header.insert(header.end(), {"URL", "EMAIL"});
  if (wide || !list) header.emplace_back("EXPIRES");
  header.emplace_back("AGE");
  Table table(std::move(header));
  for (const auto& item : items) {
    std::vector<std::string> row;
    for (const char* key : {"id", "name", "provider", "description"}) row.push_back(cell(item, key, wide));
    if (wide)
      for (const char* key : {"url", "email"}) row.push_back(cell(item, key, wide));
    if (wide || !list) row.push_back(cell(item, "expires_at", wide));
    row.push_back(age_of(item));
    table.add(std::move(row));
  }
  context.out << table.print();
}

void print_usage(const Json& usage, Context& context) {
  Table table({"USED BY", "HOW"});
  std::size_t rows = 0;
  for (const auto& [list, key, prefix] :
       {std::tuple{"bindings", "target", ""}, std::tuple{"agents", "name", "agent/"}}) {
    const Json* entries = find(usage, list);
    if (entries == nullptr || !entries->is_array()) continue;
    for (const auto& entry : *entries) {
      const std::string how = string_at(entry, "source", "running (" + string_at(entry, "status") + ")");
      table.add({prefix + shorten(string_at(entry, key), 200), how == "configuration" ? "fracta.yaml" : how});
      ++rows;
    }
  }
  if (rows == 0)
    context.out << "Nobody uses credential/" << shorten(string_at(usage, "name"), 200) << ".\n";
  else
    context.out << table.print();
}

}  // namespace fracta::cli
