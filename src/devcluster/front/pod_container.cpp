#include "devcluster/front/pod_container.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

Outcome<std::string> choose_container(const Json& pod, const std::string& wanted) {
  std::vector<std::string> names;
  std::size_t main = 0;
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    const Json* containers = find_path(pod, std::string("spec/") + list);
    if (containers == nullptr || !containers->is_array()) continue;
    if (std::string_view(list) == "containers") main = containers->size();
    for (const Json& container : *containers) names.push_back(string_at(container, "name"));
  }
  const std::string pod_name = string_at(pod, "metadata/name");
  if (wanted.empty() && main == 1) return string_at((*find_path(pod, "spec/containers"))[0], "name");
  if (wanted.empty())
    return bad_request(
        fmt::format("a container name must be specified for pod {}, choose one of: [{}]", pod_name, join(names, " ")));
  if (std::find(names.begin(), names.end(), wanted) == names.end())
    return bad_request(fmt::format("container {} is not valid for pod {}", wanted, pod_name));
  return wanted;
}

bool option_flag(const Call& call, std::string_view name) {
  const auto value = call.http->query_parameter(name);
  return value && !iequals(*value, "false") && *value != "0";
}

}  // namespace fracta::devcluster
