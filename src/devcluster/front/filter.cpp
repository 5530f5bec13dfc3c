// Label and field selectors of list, watch and deletecollection.
#include <fmt/format.h>

#include <map>

#include "devcluster/front/context.hpp"
#include "devcluster/server/stored_form.hpp"
#include "devcluster/store/selector.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

struct Filter {
  LabelSelector labels;
  std::vector<FieldRequirement> fields;
};

namespace {

// The fields each kind can be selected by, besides metadata.name and metadata.namespace.
const std::map<std::string, std::vector<std::string>>& selectable() {
  static const std::map<std::string, std::vector<std::string>> table = {
      {"pods",
       {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
        "status.podIP", "status.podIPs", "status.nominatedNodeName"}},
      {"events",
       {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
        "reportingComponent", "source", "type"}},
      {"secrets", {"type"}},
      {"namespaces", {"status.phase"}},
      {"nodes", {"spec.unschedulable"}},
      {"jobs", {"status.successful"}},
  };
  return table;
}

// The names by which events.k8s.io selects, and those of the stored form.
std::optional<std::string> stored_event_field(const std::string& field) {
  if (field == "reason" || field == "type") return field;
  if (field == "reportingController") return "reportingComponent";
  constexpr std::string_view kRegarding = "regarding.";
  if (!field.starts_with(kRegarding)) return std::nullopt;
  const std::string part = field.substr(kRegarding.size());
  for (const char* known : {"kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"})
    if (part == known) return "involvedObject." + part;
  return std::nullopt;
}

std::string field_value(const Json& object, const std::string& field) {
  if (field == "source") return string_at(object, "source/component");
  if (field == "status.successful") return std::to_string(int_at(object, "status/succeeded").value_or(0));
  if (field == "spec.unschedulable") return bool_at(object, "spec/unschedulable") ? "true" : "false";
  std::string path = field;
  for (char& c : path) {
    if (c == '.') c = '/';
  }
  return string_at(object, path);
}

}  // namespace

Outcome<std::shared_ptr<const Filter>> make_filter(const Call& call) {
  auto filter = std::make_shared<Filter>();
  auto labels = LabelSelector::parse(call.parameter("labelSelector"));
  if (!labels) return bad_request(labels.error().message);
  filter->labels = std::move(*labels);
  auto fields = parse_field_selector(call.parameter("fieldSelector"));
  if (!fields) return bad_request(fields.error().message);
  filter->fields = std::move(*fields);
  const auto own = selectable().find(call.kind->plural);
  for (FieldRequirement& requirement : filter->fields) {
    if (requirement.field == "metadata.name" || requirement.field == "metadata.namespace") continue;
    if (is_view(*call.kind)) {
      auto stored = stored_event_field(requirement.field);
      if (!stored) return bad_request(fmt::format("field label not supported: {}", requirement.field));
      requirement.field = *std::move(stored);
      continue;
    }
    if (own == selectable().end()) {
      return bad_request(fmt::format(
          "\"{}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", requirement.field));
    }
    if (std::find(own->second.begin(), own->second.end(), requirement.field) == own->second.end()) {
      if (call.resource == "jobs")
        return bad_request(fmt::format("field label \"{}\" not supported for Job", requirement.field));
      return bad_request(fmt::format("field label not supported: {}", requirement.field));
    }
  }
  return std::shared_ptr<const Filter>(std::move(filter));
}

bool is_trivial(const Filter& filter) { return filter.labels.empty() && filter.fields.empty(); }

bool matches(const Filter& filter, const Kind&, const Json& object) {
  if (!filter.labels.empty()) {
    const Json* labels = find_path(object, "metadata/labels");
    if (!filter.labels.matches(labels == nullptr ? Json() : *labels)) return false;
  }
  for (const FieldRequirement& requirement : filter.fields) {
    if ((field_value(object, requirement.field) == requirement.value) != requirement.equal) return false;
  }
  return true;
}

}  // namespace fracta::devcluster
