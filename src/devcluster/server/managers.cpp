#include "devcluster/server/managers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

Result<FieldSet> fields_in(const Json& entry) {
  const Json* fields = find(entry, "fieldsV1");
  if (fields == nullptr) return FieldSet();
  if (!fields->is_string()) return FieldSet::from_json(*fields);
  const auto tree = parse_json(fields->get_ref<const std::string&>());
  if (!tree) return tree.error();
  return FieldSet::from_json(*tree);
}

}  // namespace

Result<Managers> decode_managers(const Json* list) {
  Managers result;
  if (list == nullptr || !list->is_array()) return result;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const Json& entry = (*list)[i];
    ManagerId id;
    id.operation = string_at(entry, "operation");
    if (id.operation != "Apply" && id.operation != "Update")
      return make_error(ErrorCode::kInvalid, "operation must be `Apply` or `Update`");
    ManagedEntry decoded;
    decoded.api_version = string_at(entry, "apiVersion");
    if (decoded.api_version.empty()) return make_error(ErrorCode::kInvalid, "apiVersion must not be empty");
    const std::string type = string_at(entry, "fieldsType");
    if (type.empty())
      return make_error(ErrorCode::kInvalid, fmt::format("missing fieldsType in managed fields entry {}", i));
    if (type != "FieldsV1") {
      return make_error(ErrorCode::kInvalid,
                        fmt::format("invalid fieldsType {} in managed fields entry {}", go_quote(type), i));
    }
    id.manager = string_at(entry, "manager");
    if (id.operation == "Update") id.api_version = decoded.api_version;
    id.subresource = string_at(entry, "subresource");
    auto set = fields_in(entry);
    if (!set) return set.error();
    decoded.fields = std::move(*set);
    if (const Json* time = find(entry, "time"); time != nullptr && time->is_string())
      decoded.time = time->get<std::string>();
    result[std::move(id)] = std::move(decoded);
  }
  return result;
}

Json encode_managers(const Managers& managers) {
  if (managers.empty()) return {};
  std::vector<const Managers::value_type*> order;
  for (const auto& pair : managers) order.push_back(&pair);
  const auto rank = [](const Managers::value_type* pair) {
    const auto& [id, entry] = *pair;
    return std::tuple(id.operation, entry.time.value_or(""), id.manager, entry.api_version, id.subresource);
  };
  std::sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  Json result = Json::array();
  for (const auto* pair : order) {
    const auto& [id, entry] = *pair;
    Json item = {{"operation", id.operation},
                 {"apiVersion", entry.api_version},
                 {"fieldsType", "FieldsV1"},
                 {"fieldsV1", entry.fields.to_text()}};
    if (!id.manager.empty()) item["manager"] = id.manager;
    if (entry.time) item["time"] = *entry.time;
    if (!id.subresource.empty()) item["subresource"] = id.subresource;
    result.push_back(std::move(item));
  }
  return result;
}

std::string manager_text(const ManagerId& id, const ManagedEntry& entry) {
  std::string text = go_quote(id.manager);
  if (!id.subresource.empty()) text += " with subresource " + go_quote(id.subresource);
  if (id.operation == "Update") text += " using " + entry.api_version;
  return text;
}

}  // namespace fracta::devcluster
