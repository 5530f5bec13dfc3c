#include "devcluster/server/in_process_api.hpp"

#include <fmt/format.h>

#include "devcluster/schema/decode.hpp"
#include "devcluster/server/service_account_tokens.hpp"
#include "devcluster/server/strategy.hpp"
#include "devcluster/store/selector.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::string_view kScheduler = "default-scheduler";

Error unknown_resource(ResourceName resource) {
  return make_error(ErrorCode::kNotFound, fmt::format("the development cluster serves no resource \"{}\"", resource));
}

Result<Object> answer(const Outcome<RecordPtr>& outcome) {
  if (!outcome.ok()) return to_error(outcome.failure());
  return object_of(*outcome);
}

WriteOptions own_options(const std::string& manager) {
  WriteOptions options;
  options.field_manager = manager;
  return options;
}

constexpr std::size_t kMostEvents = 4096;  // aggregation memory of the recorder

}  // namespace

Outcome<Json> adopt(const Kind& kind, const Json& object) {
  auto decoded = decode_object(dump_json(object), *kind.type);
  if (!decoded) return bad_request(decoded.error().message);
  decoded->object["apiVersion"] = kind.api_version();
  decoded->object["kind"] = kind.kind;
  apply_defaults(kind, decoded->object);
  return std::move(decoded->object);
}

Result<Object> InProcessApi::get(ResourceName resource, std::string_view ns, std::string_view name) const {
  const Kind* kind = find_resource(resource);
  if (kind == nullptr) return unknown_resource(resource);
  return answer(registry_.get(*kind, ns, name));
}

std::vector<Object> InProcessApi::list(ResourceName resource, std::string_view ns,
                                       std::string_view label_selector) const {
  std::vector<Object> result;
  const auto selector = LabelSelector::parse(label_selector);
  if (!selector) return result;
  const auto snapshot = registry_.store().list(resource, ns.empty() ? "" : std::string(ns) + "/");
  for (const auto& [key, record] : snapshot->records) {
    const Json* labels = find_path(record->object, "metadata/labels");
    if (selector->empty() || selector->matches(labels == nullptr ? Json() : *labels))
      result.push_back(object_of(record));
  }
  return result;
}

Result<Object> InProcessApi::create(ResourceName resource, std::string_view ns, Json object) {
  const Kind* kind = find_resource(resource);
  if (kind == nullptr) return unknown_resource(resource);
  auto adopted = adopt(*kind, object);
  if (!adopted.ok()) return to_error(adopted.failure());
  return answer(registry_.create(*kind, kind->namespaced ? ns : "", std::move(*adopted), own_options(manager_)));
}

Result<Object> InProcessApi::update(ResourceName resource, std::string_view ns, std::string_view name, Json object,
                                    std::string_view subresource) {
  const Kind* kind = find_resource(resource);
  if (kind == nullptr) return unknown_resource(resource);
  const auto replace = [&](const Json&) { return adopt(*kind, object); };
  return answer(registry_.update(*kind, ns, name, subresource, replace, own_options(manager_), false));
}

Result<Object> InProcessApi::mutate(ResourceName resource, std::string_view ns, std::string_view name,
                                    const std::function<bool(Json&)>& change, std::string_view subresource) {
  const Kind* kind = find_resource(resource);
  if (kind == nullptr) return unknown_resource(resource);
  const auto transform = [&](const Json& current) -> Outcome<Json> {
    Json object = current;
    if (!change(object)) return current;
    return adopt(*kind, object);
  };
  return answer(registry_.update(*kind, ns, name, subresource, transform, own_options(manager_), true));
}

Result<void> InProcessApi::remove(ResourceName resource, std::string_view ns, std::string_view name,
                                  const RemoveOptions& options) {
  const Kind* kind = find_resource(resource);
  if (kind == nullptr) return unknown_resource(resource);
  DeleteOptions translated;
  translated.grace_period_seconds = options.grace_period_seconds;
  translated.propagation = options.propagation;
  translated.precondition_uid = options.precondition_uid;
  if (auto removed = registry_.remove(*kind, ns, name, translated); !removed.ok()) return to_error(removed.failure());
  return {};
}

Result<void> InProcessApi::bind_pod(std::string_view ns, std::string_view pod, std::string_view node) {
  if (auto bound = registry_.bind(ns, pod, {{"target", {{"name", node}}}}, false); !bound.ok())
    return to_error(bound.failure());
  return {};
}

Result<Object> InProcessApi::create_token(std::string_view ns, std::string_view service_account, Json request) {
  auto issued = issue_token(registry_, signer_, ns, service_account, std::move(request));
  if (!issued.ok()) return to_error(issued.failure());
  return Object(std::make_shared<const Json>(std::move(*issued)));
}

void InProcessApi::watch(ResourceName resource, const std::function<void(const StoreEvent&)>& on_event,
                         const std::stop_token& stop) {
  const Store& store = registry_.store();
  const auto snapshot = store.list(resource, "");
  for (const auto& [key, record] : snapshot->records) {
    on_event({EventType::kAdded, object_of(record), nullptr, record->version});
  }
  std::uint64_t seen = snapshot->version;
  std::map<std::string, Object> known;  // only to recover when this subscriber was too slow for the log
  for (const auto& [key, record] : snapshot->records) known[key] = object_of(record);
  while (!stop.stop_requested()) {
    std::vector<Change> changes;
    const auto upto = store.changes(resource, seen, 256, std::chrono::seconds(10), stop, changes);
    if (upto) {
      for (const Change& change : changes) {
        const Object object = object_of(change.record);
        if (change.type == EventType::kDeleted)
          known.erase(change.key);
        else
          known[change.key] = object;
        on_event({change.type, object, object_of(change.previous), change.version});
      }
      seen = *upto;
      continue;
    }
    const auto fresh = store.list(resource, "");
    std::map<std::string, Object> now;
    for (const auto& [key, record] : fresh->records) now[key] = object_of(record);
    for (const auto& [key, object] : known) {
      if (!now.contains(key)) on_event({EventType::kDeleted, object, object, fresh->version});
    }
    for (const auto& [key, object] : now) {
      const auto before = known.find(key);
      if (before == known.end())
        on_event({EventType::kAdded, object, nullptr, fresh->version});
      else if (before->second != object)
        on_event({EventType::kModified, object, before->second, fresh->version});
    }
    known = std::move(now);
    seen = fresh->version;
  }
}

void InProcessApi::record_event(const Json& involved_object, std::string_view type, std::string_view reason,
                                std::string_view message, std::string_view component) {
  // Callers pass a whole object or a reference.
  const auto field = [&](const char* own, const char* metadata) {
    const std::string value = string_at(involved_object, own);
    return value.empty() ? string_at(involved_object, metadata) : value;
  };
  Json reference = {{"kind", string_at(involved_object, "kind")},
                    {"apiVersion", string_at(involved_object, "apiVersion")},
                    {"name", field("name", "metadata/name")},
                    {"namespace", field("namespace", "metadata/namespace")},
                    {"uid", field("uid", "metadata/uid")},
                    {"resourceVersion", field("resourceVersion", "metadata/resourceVersion")},
                    {"fieldPath", string_at(involved_object, "fieldPath")}};
  std::string ns = reference["namespace"].get<std::string>();
  if (ns.empty()) ns = "default";
  const std::string name = reference["name"].get<std::string>();
  const std::string key = fmt::format("{}|{}|{}|{}|{}|{}|{}|{}", ns, reference["kind"].get<std::string>(), name,
                                      reference["uid"].get<std::string>(), reference["fieldPath"].get<std::string>(),
                                      type, reason, message);
  const SystemTime moment = registry_.clock().system_now();
  const std::string now = format_rfc3339(moment);
  std::string known;
  {
    const std::lock_guard lock(events_mutex_);
    if (const auto found = events_.find(key); found != events_.end()) known = found->second;
  }
  if (!known.empty()) {
    const auto bumped = mutate(
        "events", ns, known,
        [&](Json& event) {
          if (component == kScheduler) {
            event["series"] = {{"count", int_at(event, "series/count").value_or(1) + 1},
                               {"lastObservedTime", format_rfc3339_micro(moment)}};
          } else {
            event["count"] = int_at(event, "count").value_or(1) + 1;
            event["lastTimestamp"] = now;
          }
          return true;
        },
        "");
    if (bumped) return;
  }
  const auto stamp = std::chrono::duration_cast<std::chrono::nanoseconds>(moment.time_since_epoch()).count();
  const std::string event_name = fmt::format("{}.{:x}{}", name.substr(0, 220), stamp, random_hex(1));
  Json event = {{"metadata", {{"name", event_name}, {"namespace", ns}}},
                {"involvedObject", reference},
                {"type", type},
                {"reason", reason},
                {"message", std::string(message.substr(0, 1024))}};
  if (component == kScheduler) {  // the one of these that reports through events.k8s.io
    event.update({{"eventTime", format_rfc3339_micro(moment)},
                  {"action", reason == "Scheduled" ? "Binding" : "Scheduling"},
                  {"reportingComponent", component},
                  {"reportingInstance", fmt::format("{}-fracta-dev", component)}});
  } else {
    Json source = {{"component", component}};
    if (component == "kubelet") source["host"] = string_at(involved_object, "spec/nodeName", name);
    event.update({{"source", source}, {"firstTimestamp", now}, {"lastTimestamp", now}, {"count", 1}});
  }
  if (!create("events", ns, event).ok()) return;  // the namespace is going away; nobody will read it
  const std::lock_guard lock(events_mutex_);
  if (events_.size() >= kMostEvents) events_.clear();
  events_[key] = event_name;
}

}  // namespace fracta::devcluster
