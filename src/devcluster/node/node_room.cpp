#include "devcluster/node/node_room.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/quantity.hpp"

namespace fracta::devcluster {

NodeRoom::Amounts NodeRoom::amounts_at(const Json& object, std::string_view path) {
  Amounts result;
  const Json* list = find_path(object, path);
  if (list == nullptr || !list->is_object()) return result;
  for (const auto& [name, value] : list->items()) {
    const auto quantity = Quantity::parse(value.is_string() ? value.get<std::string>() : dump_json(value));
    if (quantity) result[name] = name == "cpu" ? quantity->milli_value() : quantity->value();
  }
  return result;
}

NodeRoom::Share NodeRoom::share_of(const Json& pod) {
  Share share;
  const auto each = [&](const char* path, const auto& visit) {
    const Json* containers = find_path(pod, path);
    if (containers == nullptr || !containers->is_array()) return;
    for (const Json& container : *containers) visit(container);
  };
  each("spec/containers", [&](const Json& container) {
    for (const auto& [name, amount] : amounts_at(container, "resources/requests")) share.requests[name] += amount;
    const Json* ports = find(container, "ports");
    for (const Json& port : ports != nullptr && ports->is_array() ? *ports : Json::array())
      if (const auto number = int_at(port, "hostPort").value_or(0); number > 0)
        share.ports.push_back({string_at(port, "hostIP"), string_at(port, "protocol", "TCP"), number});
  });
  // They run one after the other, before the others.
  each("spec/initContainers", [&](const Json& container) {
    for (const auto& [name, amount] : amounts_at(container, "resources/requests"))
      share.requests[name] = std::max(share.requests[name], amount);
  });
  for (const auto& [name, amount] : amounts_at(pod, "spec/overhead")) share.requests[name] += amount;
  return share;
}

void NodeRoom::take(const Json& pod) { pods_.insert_or_assign(string_at(pod, "metadata/uid"), share_of(pod)); }

bool NodeRoom::release(std::string_view uid) {
  const auto found = pods_.find(uid);
  if (found == pods_.end()) return false;
  pods_.erase(found);
  return true;
}

std::vector<std::string> NodeRoom::lacking(const Json& pod, const Json& allocatable) const {
  const Share wanted = share_of(pod);
  const auto taken = [&](const Port& port) {
    return std::any_of(pods_.begin(), pods_.end(), [&](const auto& entry) {
      const auto& ports = entry.second.ports;
      return std::any_of(ports.begin(), ports.end(), [&](const Port& other) {
        const auto everywhere = [](const Port& p) { return p.ip.empty() || p.ip == "0.0.0.0"; };
        return other.port == port.port && other.protocol == port.protocol &&
               (other.ip == port.ip || everywhere(other) || everywhere(port));
      });
    });
  };
  if (std::any_of(wanted.ports.begin(), wanted.ports.end(), taken))
    return {"node(s) didn't have free ports for the requested pod ports"};

  Amounts used;
  for (const auto& [uid, share] : pods_)
    for (const auto& [name, amount] : share.requests) used[name] += amount;
  const Amounts whole = amounts_at(Json{{"allocatable", allocatable}}, "allocatable");
  const auto of = [](const Amounts& amounts, const std::string& name) {
    const auto found = amounts.find(name);
    return found == amounts.end() ? 0 : found->second;
  };
  std::vector<std::string> result;
  if (whole.contains("pods") && static_cast<std::int64_t>(pods_.size()) + 1 > of(whole, "pods"))
    result.emplace_back("Too many pods");
  for (const auto& [name, amount] : wanted.requests)
    if (amount > 0 && amount > of(whole, name) - of(used, name)) result.push_back("Insufficient " + name);
  return result;
}

}  // namespace fracta::devcluster
