#include "server/requests.hpp"

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "fracta/server/api_server.hpp"
#include "server/answers.hpp"

namespace fracta::server {

namespace {

constexpr std::size_t kMaxJsonDepth = 32;

Error bad_body(const std::string& why) { return make_error(ErrorCode::kInvalid, "invalid request body: " + why); }
Error bad_field(std::string_view field, std::string_view kind) {
  return bad_body("field \"" + std::string(field) + "\" must be " + std::string(kind));
}

// host of "host:port", "[v6]:port", "host"
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('['))
    return authority.substr(1, authority.find(']') == std::string_view::npos ? 0 : authority.find(']') - 1);
  return authority.substr(0, authority.rfind(':') == std::string_view::npos ? authority.size() : authority.rfind(':'));
}

// Reads typed fields of one object and keeps the first error. null means absent, as in Go.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  void text(const char* key, std::string& out) {
    const auto* value = present(key);
    if (!value) return;
    if (!value->is_string()) return fail(key, "a string");
    out = value->get<std::string>();
  }
  void texts(const char* key, std::vector<std::string>& out) {
    const auto* value = present(key);
    if (!value) return;
    if (!value->is_array()) return fail(key, "a list of strings");
    for (const auto& item : *value) {
      if (!item.is_string()) return fail(key, "a list of strings");
      out.push_back(item.get<std::string>());
    }
  }
  template <class Put>
  void text_map(const char* key, const Put& put) {
    const auto* value = present(key);
    if (!value) return;
    if (!value->is_object()) return fail(key, "an object of strings");
    for (const auto& [name, item] : value->items()) {
      if (!item.is_string()) return fail(key, "an object of strings");
      put(name, item.template get<std::string>());
    }
  }
  void integer(const char* key, std::optional<std::int64_t>& out) {
    const auto* value = present(key);
    if (!value) return;
    if (!value->is_number_integer() || (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX))
      return fail(key, "an integer");
    out = value->get<std::int64_t>();
  }
  [[nodiscard]] const Json* object(const char* key) {
    const auto* value = present(key);
    if (value && !value->is_object()) {
      fail(key, "an object");
      return nullptr;
    }
    return value;
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  const Json* present(const char* key) const {
    const auto* value = find(object_, key);
    return value && !value->is_null() ? value : nullptr;
  }
  void fail(const char* key, std::string_view kind) {
    if (!error_) error_ = bad_field(key, kind);
  }
  const Json& object_;
  std::optional<Error> error_;
};

}  // namespace

std::optional<net::ServerResponse> refuse_foreign(const net::ServerRequest& request, bool loopback_only) {
  auto host = request.headers.get("Host").value_or("");
  if (loopback_only && !host.empty() && !is_loopback(to_lower(host_of(host))))
    return error_answer(
        403, "Host \"" + shorten(host, 100) + "\" does not name this daemon, which listens on a loopback address only");
  if (request.method == "GET" || request.method == "HEAD") return {};
  auto origin = request.headers.get("Origin");
  if (!origin) return {};
  auto scheme = origin->find("://");
  auto authority = scheme == std::string::npos ? "" : origin->substr(scheme + 3);
  if (authority.empty() || !iequals(authority, host))
    return error_answer(403, "requests from other web pages (Origin \"" + shorten(*origin, 100) + "\") are refused");
  return {};
}

BodyResult read_json_body(const net::ServerRequest& request, bool optional) {
  if (request.body.empty() && optional) return {std::make_shared<const Json>(Json::object()), {}};
  auto type = request.headers.get("Content-Type").value_or("");
  auto media = trim(std::string_view(type).substr(0, type.find(';')));
  // A page elsewhere may send forms and plain text without asking; JSON it may not (CORS preflight).
  if (!iequals(media, "application/json")) return {nullptr, error_answer(415, "Content-Type must be application/json")};
  JsonLimits limits;
  limits.max_depth = kMaxJsonDepth;
  auto parsed = parse_json(request.body, limits);
  if (!parsed) return {nullptr, error_answer(bad_body(parsed.error().message))};
  if (!parsed->is_object()) return {nullptr, error_answer(bad_body("a JSON object is expected"))};
  return {std::make_shared<const Json>(*std::move(parsed)), {}};
}

Result<controlplane::SpawnRequest> decode_spawn(const Json& body, const std::string& default_task) {
  controlplane::SpawnRequest request;
  std::string host_type;
  Fields fields(body);
  fields.text("task", request.task);
  fields.text("contract", request.contract);
  fields.text("runtime", request.runtime);
  fields.text("host_type", host_type);
  fields.text("model", request.model);
  fields.text("tier", request.tier);
  fields.text("mode", request.mode);
  fields.text("dispatch", request.dispatch);
  fields.text("base_branch", request.base_branch);
  fields.text("objective_id", request.objective_id);
  fields.text("image", request.image);
  fields.text("request_id", request.request_id);
  fields.texts("command", request.command);
  fields.texts("credentials", request.credentials);
  fields.integer("active_deadline_seconds", request.active_deadline_seconds);
  fields.text_map("labels", [&](const std::string& key, std::string value) { request.labels[key] = std::move(value); });
  fields.text_map("staged_credential_refs",
                  [&](const std::string&, const std::string&) { request.staged_credentials = true; });
  if (const auto* resources = fields.object("resources")) {
    Fields inner(*resources);
    inner.text("cpu_request", request.resources.cpu_request);
    inner.text("cpu_limit", request.resources.cpu_limit);
    inner.text("memory_request", request.resources.memory_request);
    inner.text("memory_limit", request.resources.memory_limit);
    if (inner.error()) return *inner.error();
  }
  if (fields.error()) return *fields.error();
  constexpr std::size_t kMaxCredentials = 50;  // each is asked for by name before anything else happens
  if (request.credentials.size() > kMaxCredentials) return bad_field("credentials", "a list of at most 50 names");
  if (request.runtime.empty()) request.runtime = host_type;
  if (request.task.empty()) request.task = default_task;
  if (request.task.empty()) return make_error(ErrorCode::kInvalid, "missing required field: task");
  return request;
}

Result<std::vector<controlplane::Event>> decode_events(const Json& body, std::size_t max_events, std::size_t& dropped) {
  std::vector<controlplane::Event> events;
  const auto* list = find(body, "events");
  if (!list || list->is_null()) return events;
  if (!list->is_array()) return bad_field("events", "a list of objects");
  for (const auto& item : *list) {
    if (!item.is_object()) return bad_field("events", "a list of objects");
    if (events.size() == max_events) {
      dropped = list->size() - max_events;
      break;
    }
    controlplane::Event event;
    std::string time;
    Fields fields(item);
    fields.text("time", time);
    fields.text("component", event.component);
    fields.text("category", event.category);
    fields.text("action", event.action);
    fields.text("outcome", event.outcome);
    fields.text("severity", event.severity);
    fields.text("detail", event.detail);
    fields.text_map("attrs", [&](const std::string& key, std::string value) {
      event.attributes.emplace_back(key, std::move(value));
    });
    if (fields.error()) return *fields.error();
    event.time = parse_rfc3339(time).value_or(SystemTime{});
    events.push_back(std::move(event));
  }
  return events;
}

Result<std::int64_t> int_parameter(const net::ServerRequest& request, std::string_view name, std::int64_t fallback) {
  auto text = request.query_parameter(name);
  if (!text || text->empty()) return fallback;
  auto value = parse_int(*text);
  if (!value) return make_error(ErrorCode::kInvalid, "query parameter " + std::string(name) + " must be a number");
  return *value;
}

Result<bool> bool_parameter(const net::ServerRequest& request, std::string_view name) {
  auto text = request.query_parameter(name);
  if (!text) return false;
  if (text->empty() || *text == "true" || *text == "1") return true;
  if (*text == "false" || *text == "0") return false;
  return make_error(ErrorCode::kInvalid, "query parameter " + std::string(name) + " must be true or false");
}

}  // namespace fracta::server
