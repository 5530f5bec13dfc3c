#include "devcluster/controllers/job_index.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

constexpr const char* kAnnotation = "batch.kubernetes.io/job-completion-index";
constexpr const char* kVariable = "JOB_COMPLETION_INDEX";
constexpr std::size_t kLongestBase = 58;  // what generateName leaves of a name

void add_variable(Json& container) {
  Json& variables = container["env"];
  if (!variables.is_array()) variables = Json::array();
  for (const Json& variable : variables)
    if (string_at(variable, "name") == kVariable) return;
  variables.push_back(
      {{"name", kVariable},
       {"valueFrom", {{"fieldRef", {{"fieldPath", fmt::format("metadata.annotations['{}']", kAnnotation)}}}}}});
}

}  // namespace

bool is_indexed(const Json& job) { return string_at(job, "spec/completionMode") == "Indexed"; }

Indexes parse_indexes(const std::string& text, std::int64_t completions) {
  Indexes result;
  for (const auto& part : split(text, ',')) {
    const auto dash = part.find('-');
    const auto first = parse_int(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : parse_int(part.substr(dash + 1));
    if (!first || !last || *first < 0) continue;
    for (std::int64_t index = *first; index <= std::min(*last, completions - 1); ++index) result.insert(index);
  }
  return result;
}

std::string format_indexes(const Indexes& indexes) {
  std::string text;
  for (auto first = indexes.begin(); first != indexes.end();) {
    auto last = first;
    for (auto next = std::next(last); next != indexes.end() && *next == *last + 1; ++next) last = next;
    if (!text.empty()) text += ',';
    text += std::to_string(*first);
    if (*last > *first) text += (*last == *first + 1 ? "," : "-") + std::to_string(*last);
    first = std::next(last);
  }
  return text;
}

std::optional<std::int64_t> completion_index(const Json& pod) {
  const Json* annotations = find_path(pod, "metadata/annotations");
  const Json* value = annotations == nullptr ? nullptr : find(*annotations, kAnnotation);
  const auto index = value == nullptr || !value->is_string() ? std::nullopt : parse_int(value->get<std::string>());
  return index && *index >= 0 ? index : std::nullopt;
}

std::vector<std::int64_t> pending_indexes(const Indexes& succeeded, const std::vector<Object>& active,
                                          std::int64_t completions, std::int64_t count) {
  Indexes taken = succeeded;
  for (const auto& pod : active)
    if (const auto index = completion_index(*pod)) taken.insert(*index);
  std::vector<std::int64_t> result;
  for (std::int64_t index = 0; index < completions && static_cast<std::int64_t>(result.size()) < count; ++index)
    if (!taken.contains(index)) result.push_back(index);
  return result;
}

std::vector<Object> surplus_pods(const std::vector<Object>& active, std::int64_t completions) {
  std::vector<Object> result;
  Indexes seen;
  for (const auto& pod : active) {
    const auto index = completion_index(*pod);
    if (!index || *index >= completions || !seen.insert(*index).second) result.push_back(pod);
  }
  return result;
}

void give_index(Json& pod, const std::string& job, std::int64_t index) {
  const std::string suffix = fmt::format("-{}-", index);
  pod["metadata"]["generateName"] = job.substr(0, kLongestBase - suffix.size()) + suffix;
  pod["metadata"]["annotations"][kAnnotation] = std::to_string(index);
  pod["spec"]["hostname"] = fmt::format("{}-{}", job, index);
  for (const char* list : {"initContainers", "containers"})
    if (pod["spec"].contains(list) && pod["spec"][list].is_array())
      for (Json& container : pod["spec"][list]) add_variable(container);
}

}  // namespace fracta::devcluster
