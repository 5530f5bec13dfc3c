// core/v1 Event (apis/core/validation/events.go). Events with an eventTime are the newer kind and say more.
#include <nlohmann/json.hpp>

#include "devcluster/validation/names.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::size_t kLongestWord = 128;
constexpr std::size_t kLongestNote = 1024;

void validate_new_event(const Json& event, FieldErrors& errors) {
  const std::string component = string_at(event, "reportingComponent");
  if (component.empty()) errors.required("reportingComponent");
  validate_qualified_name(component, "reportingComponent", errors);
  for (const char* field : {"reportingInstance", "action", "reason"}) {
    const std::string value = string_at(event, field);
    if (value.empty()) errors.required(field);
    if (value.size() > kLongestWord) errors.invalid(field, "", "can have at most 128 characters");
  }
  if (string_at(event, "message").size() > kLongestNote)
    errors.invalid("message", "", "can have at most 1024 characters");
}

}  // namespace

void validate_event(const Json& event, FieldErrors& errors) {
  const std::string ns = string_at(event, "metadata/namespace"), about = string_at(event, "involvedObject/namespace");
  const bool is_new = !string_at(event, "eventTime").empty();
  const bool home = ns == "default" || (is_new && ns == "kube-system");
  if (about.empty() ? !home && !ns.empty() : !is_new && about != ns)
    errors.invalid("involvedObject.namespace", about, "does not match event.namespace");
  if (is_new) validate_new_event(event, errors);
}

}  // namespace fracta::devcluster
