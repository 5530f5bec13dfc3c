// Events in their stored form (apis/core/validation/events.go). Those with an eventTime are the newer kind and say
// more; those written through events.k8s.io are held to all of it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "devcluster/validation/go_text.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::size_t kLongestWord = 128;
constexpr std::size_t kLongestNote = 1024;

void validate_new_event(const Json& event, std::string_view reporter, FieldErrors& errors) {
  const std::string component = string_at(event, "reportingComponent");
  if (component.empty()) errors.required(reporter);
  validate_qualified_name(component, reporter, errors);
  for (const char* field : {"reportingInstance", "action", "reason"}) {
    const std::string value = string_at(event, field);
    if (value.empty()) errors.required(field);
    if (value.size() > kLongestWord) errors.invalid(field, "", "can have at most 128 characters");
  }
  if (string_at(event, "message").size() > kLongestNote)
    errors.invalid("message", "", "can have at most 1024 characters");
}

void validate_series(const Json& event, FieldErrors& errors) {
  const Json* series = find(event, "series");
  if (series == nullptr || !series->is_object()) return;
  if (int_at(*series, "count").value_or(0) < 2) errors.invalid("series.count", "", "should be at least 2");
  if (string_at(*series, "lastObservedTime").empty()) errors.required("series.lastObservedTime");
}

// A new event may not say what only old ones do.
void validate_strictly(const Json& event, FieldErrors& errors) {
  validate_series(event, errors);
  if (string_at(event, "eventTime").empty()) errors.required("eventTime");
  const std::string type = string_at(event, "type");
  if (type != "Normal" && type != "Warning") errors.invalid("type", "", fmt::format("has invalid value: {}", type));
  for (const char* field : {"firstTimestamp", "lastTimestamp"})
    if (!string_at(event, field).empty()) errors.invalid(field, "", "needs to be unset");
  if (int_at(event, "count").value_or(0) != 0) errors.invalid("count", "", "needs to be unset");
  if (!string_at(event, "source/component").empty() || !string_at(event, "source/host").empty())
    errors.invalid("source", "", "needs to be unset");
}

// Of an event only its series, and what any object has, may change.
void validate_changes(const Json& event, const Json& old, FieldErrors& errors) {
  if (event.value("series", Json()) != old.value("series", Json())) validate_series(event, errors);
  const auto immutable = [&](const char* stored, const std::string& text, const char* shown = nullptr) {
    if (event.value(stored, Json()) != old.value(stored, Json()))
      errors.invalid_text(shown == nullptr ? stored : shown, text, "field is immutable");
  };
  const auto text = [&](const char* field) { return go_quote(string_at(event, field)); };
  const auto time = [&](const char* field) { return go_time(string_at(event, field)); };
  immutable("involvedObject", go_object_reference(event.value("involvedObject", Json())));
  immutable("reason", text("reason"));
  immutable("message", text("message"));
  immutable("source",
            fmt::format("core.EventSource{{Component:{}, Host:{}}}", go_quote(string_at(event, "source/component")),
                        go_quote(string_at(event, "source/host"))));
  for (const char* field : {"firstTimestamp", "lastTimestamp"}) immutable(field, time(field));
  immutable("count", std::to_string(int_at(event, "count").value_or(0)));
  immutable("reason", text("reason"));
  immutable("type", text("type"));
  immutable("eventTime", time("eventTime"));
  immutable("action", text("action"));
  const Json* related = find(event, "related");
  immutable("related", related == nullptr || related->is_null() ? "null" : go_object_reference(*related));
  immutable("reportingComponent", text("reportingComponent"), "reportingController");
  immutable("reportingInstance", text("reportingInstance"));
}

}  // namespace

void validate_event(const Kind& kind, const Json& event, const Json* old, FieldErrors& errors) {
  const std::string ns = string_at(event, "metadata/namespace"), about = string_at(event, "involvedObject/namespace");
  const bool is_new = !string_at(event, "eventTime").empty();
  const bool home = ns == "default" || (is_new && ns == "kube-system");
  if (about.empty() ? !home && !ns.empty() : !is_new && about != ns)
    errors.invalid("involvedObject.namespace", about, "does not match event.namespace");
  const bool strict = !kind.group.empty();
  if (is_new) validate_new_event(event, strict ? "reportingController" : "reportingComponent", errors);
  if (!strict) return;
  if (old == nullptr)
    validate_strictly(event, errors);
  else
    validate_changes(event, *old, errors);
}

}  // namespace fracta::devcluster
