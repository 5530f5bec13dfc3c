#include "fracta/kube/resource.hpp"

#include "fracta/base/text.hpp"

namespace fracta::kube {

std::string Resource::prefix() const {
  if (group.empty()) return "/api/" + std::string(version);
  return "/apis/" + std::string(group) + "/" + std::string(version);
}

std::string Resource::path(std::string_view ns, std::string_view name) const {
  std::string out = prefix();
  if (namespaced && !ns.empty()) out += "/namespaces/" + percent_encode(ns);
  out += "/";
  out += plural;
  if (!name.empty()) out += "/" + percent_encode(name);
  return out;
}

}  // namespace fracta::kube
