// NetworkPolicy (apis/networking/validation).
#include <arpa/inet.h>
#include <fmt/format.h>

#include "devcluster/validation/pod_parts.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr const char* kPortRange = "must be between 1 and 65535, inclusive";

bool in_range(std::int64_t port) { return port >= 1 && port <= 65535; }

void validate_port(const Json& port, const std::string& path, FieldErrors& errors) {
  if (const std::string protocol = string_at(port, "protocol");
      !protocol.empty() && protocol != "TCP" && protocol != "UDP" && protocol != "SCTP")
    errors.not_supported(path + ".protocol", protocol, {"TCP", "UDP", "SCTP"});
  const Json* number = find(port, "port");
  const auto end = int_at(port, "endPort");
  if (number != nullptr && number->is_number()) {
    const auto first = number->get<std::int64_t>();
    if (!in_range(first)) errors.invalid(path + ".port", first, kPortRange);
    if (end && *end < first) errors.invalid(path + ".endPort", first, "must be greater than or equal to `port`");
    if (end && !in_range(*end)) errors.invalid(path + ".endPort", *end, kPortRange);
  } else if (number != nullptr && number->is_string()) {
    if (end) errors.invalid(path + ".endPort", *end, "may not be specified when `port` is non-numeric");
    for (const auto& problem : port_name_errors(number->get<std::string>()))
      errors.invalid(path + ".port", *number, problem);
  } else if (end) {
    errors.invalid(path + ".endPort", *end, "may not be specified when `port` is not specified");
  }
}

struct Block {
  int family = 0;  // 0: not a CIDR
  std::string address;
  std::int64_t bits = 0;
};

Block parse_cidr(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return {};
  Block block{0, std::string(16, '\0'), parse_int(text.substr(slash + 1)).value_or(-1)};
  for (const int family : {AF_INET, AF_INET6})
    if (inet_pton(family, text.substr(0, slash).c_str(), block.address.data()) == 1) block.family = family;
  if (block.bits < 0 || block.bits > (block.family == AF_INET ? 32 : 128)) block.family = 0;
  return block;
}

bool holds(const Block& outer, const Block& inner) {
  if (outer.family != inner.family || inner.bits <= outer.bits) return false;
  for (std::int64_t bit = 0; bit < outer.bits; ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if ((outer.address[byte] & mask) != (inner.address[byte] & mask)) return false;
  }
  return true;
}

void validate_block(const Json& block, const std::string& path, FieldErrors& errors) {
  const std::string cidr = string_at(block, "cidr");
  if (cidr.empty()) return errors.required(path + ".cidr");
  const Block outer = parse_cidr(cidr);
  if (outer.family == 0) return errors.invalid(path + ".cidr", cidr, "not a valid CIDR");
  const Json& except = list_at(block, "except");
  for (std::size_t i = 0; i < except.size(); ++i) {
    const std::string at = fmt::format("{}.except[{}]", path, i);
    const Block inner = parse_cidr(except[i].get<std::string>());
    if (inner.family == 0) return errors.invalid(at, except[i], "not a valid CIDR");
    if (!holds(outer, inner)) errors.invalid(at, except[i], "must be a strict subset of `cidr`");
  }
}

void validate_peer(const Json& peer, const std::string& path, FieldErrors& errors) {
  int peers = 0;
  for (const char* selector : {"podSelector", "namespaceSelector"})
    if (const Json* found = find(peer, selector); found != nullptr && found->is_object()) {
      ++peers;
      validate_label_selector(*found, path + "." + selector, errors);
    }
  const Json* block = find(peer, "ipBlock");
  if (block != nullptr && block->is_object()) {
    ++peers;
    validate_block(*block, path + ".ipBlock", errors);
    if (peers > 1) errors.forbidden(path, "may not specify both ipBlock and another peer");
  }
  if (peers == 0) errors.required(path, "must specify a peer");
}

}  // namespace

void validate_network_policy(const Json& policy, FieldErrors& errors) {
  const Json spec = policy.value("spec", Json::object());
  validate_label_selector(spec.value("podSelector", Json::object()), "spec.podSelector", errors);
  for (const auto& [direction, side] : {std::pair{"ingress", "from"}, {"egress", "to"}}) {
    const Json& rules = list_at(spec, direction);
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const std::string path = fmt::format("spec.{}[{}]", direction, i);
      const Json& ports = list_at(rules[i], "ports");
      for (std::size_t j = 0; j < ports.size(); ++j)
        validate_port(ports[j], fmt::format("{}.ports[{}]", path, j), errors);
      const Json& peers = list_at(rules[i], side);
      for (std::size_t j = 0; j < peers.size(); ++j)
        validate_peer(peers[j], fmt::format("{}.{}[{}]", path, side, j), errors);
    }
  }
  const Json& types = list_at(spec, "policyTypes");
  if (types.size() > 2) {
    std::vector<std::string> quoted;
    for (const Json& type : types) quoted.push_back(go_value(type));
    return errors.invalid_text("spec.policyTypes", "[]networking.PolicyType{" + join(quoted, ", ") + "}",
                               "may not specify more than two policyTypes");
  }
  for (std::size_t i = 0; i < types.size(); ++i)
    if (types[i] != "Ingress" && types[i] != "Egress")
      errors.not_supported(fmt::format("spec.policyTypes[{}]", i), types[i].get<std::string>(), {"Ingress", "Egress"});
}

}  // namespace fracta::devcluster
