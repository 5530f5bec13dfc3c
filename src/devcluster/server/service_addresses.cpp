// Cluster addresses of Services (the allocator of pkg/registry/core/service): nobody answers there, but clients find
// what a real cluster shows. Node ports are not handed out.
#include <fmt/format.h>

#include <set>

#include "devcluster/server/strategy.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr int kAttempts = 100;

std::set<std::string> addresses_in_use(const Registry& registry) {
  std::set<std::string> used;
  const auto services = registry.store().list("services", "");  // the loop alone would not keep it alive
  for (const auto& [key, record] : services->records) used.insert(string_at(record->object, "spec/clusterIP"));
  return used;
}

// 10.96.0.0/16, but not its first and last addresses.
std::string free_address(const std::set<std::string>& used) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::string bytes = random_hex(2);
    const int high = std::stoi(bytes.substr(0, 2), nullptr, 16), low = std::stoi(bytes.substr(2), nullptr, 16);
    std::string address = fmt::format("10.96.{}.{}", high, low);
    if (low > 0 && low < 255 && !used.contains(address)) return address;
  }
  return "";
}

}  // namespace

Outcome<Done> give_address(const Registry& registry, Json& service) {
  Json& spec = service["spec"];
  if (!spec.is_object() || string_at(spec, "type") == "ExternalName") return Done{};
  const std::string asked = string_at(spec, "clusterIP");
  if (asked.empty()) {
    const std::string address = free_address(addresses_in_use(registry));
    if (address.empty()) return internal_error("failed to allocate a serviceIP: range is full");
    spec["clusterIP"] = address;
  } else if (asked != "None" && addresses_in_use(registry).contains(asked)) {
    FieldErrors errors;
    errors.invalid("spec.clusterIPs", Json::array({asked}),
                   fmt::format("failed to allocate IP {}: provided IP is already allocated", asked));
    return errors.to_failure(kind_of("services"), string_at(service, "metadata/name"));
  }
  spec["clusterIPs"] = Json::array({spec["clusterIP"]});
  if (!spec.contains("ipFamilies")) spec["ipFamilies"] = Json::array({"IPv4"});
  if (!spec.contains("ipFamilyPolicy")) spec["ipFamilyPolicy"] = "SingleStack";
  return Done{};
}

// A PUT without them keeps the addresses.
void keep_address(const Json& old, Json& service) {
  Json& spec = service["spec"];
  if (!spec.is_object() || string_at(spec, "type") == "ExternalName") return;
  for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
    const Json* before = find_path(old, std::string("spec/") + field);
    if (before != nullptr && !spec.contains(field)) spec[field] = *before;
  }
}

}  // namespace fracta::devcluster
