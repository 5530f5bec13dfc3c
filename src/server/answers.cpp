#include "server/answers.hpp"

#include <algorithm>

#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::server {

namespace {

constexpr const char* kZeroTime = "0001-01-01T00:00:00Z";  // Go's zero time, which upstream prints when unset

void put(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}
void put(Json& object, const char* key, const std::optional<SystemTime>& value) {
  if (value) object[key] = format_rfc3339(*value);
}

int resource_exhausted_status(const Error& error) {
  if (error.http_status == 413) return 413;
  // A quota or a limit passes with time; an object that is too large does not.
  return error.retry_after || error.http_status != 0 || !error.reason.empty() ? 429 : 422;
}

int status_of(const Error& error, int invalid_status) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return invalid_status;
    case ErrorCode::kUnauthenticated:
      return 503;  // the API server does not know the daemon; the client cannot help it
    case ErrorCode::kForbidden:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kResourceExhausted:
      return resource_exhausted_status(error);
    case ErrorCode::kGone:
    case ErrorCode::kUnavailable:
    case ErrorCode::kCanceled:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 504;
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

Json attributes_of(const controlplane::Event& event) {
  Json attributes = Json::object();
  for (const auto& [key, value] : event.attributes) attributes[key] = value;
  return attributes;
}

}  // namespace

net::ServerResponse json_answer(int status, const Json& value) {
  return net::ServerResponse::json(status, dump_json(value) + "\n");
}

net::ServerResponse error_answer(int status, std::string_view text) { return json_answer(status, {{"error", text}}); }

net::ServerResponse error_answer(const Error& error, int invalid_status) {
  Json body = {{"error", error.message}};
  put(body, "reason", error.reason);
  for (const auto& cause : error.causes)
    body["causes"].push_back({{"field", cause.field}, {"reason", cause.reason}, {"message", cause.message}});
  auto status = status_of(error, invalid_status);
  auto answer = json_answer(status, body);
  if (status == 429 || status == 503) {
    auto wait = error.retry_after.value_or(std::chrono::milliseconds{1'000});
    answer.headers.set("Retry-After", std::to_string(std::max<std::int64_t>(1, (wait.count() + 999) / 1000)));
  }
  return answer;
}

net::ServerResponse access_refused(const Error& error) {
  if (error.code != ErrorCode::kUnauthenticated) return error_answer(error);
  auto answer = json_answer(401, {{"error", error.message}, {"reason", "Unauthorized"}});
  answer.headers.set("WWW-Authenticate", "Bearer realm=\"fracta\"");
  return answer;
}

Json to_json(const controlplane::AgentInfo& info, SystemTime now) {
  Json out = {{"name", info.name},       {"status", info.phase}, {"mode", info.mode}, {"unread_messages", 0},
              {"backend", "kubernetes"}, {"id", info.id},        {"kind", info.kind}, {"namespace", info.ns}};
  out["start_time"] = info.started_at ? format_rfc3339(*info.started_at) : kZeroTime;
  auto created = info.created_at.value_or(now);
  out["created_at"] = format_rfc3339(created);
  out["age_seconds"] =
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(now - created).count());
  put(out, "runtime", info.runtime);
  put(out, "model", info.model);
  if (info.kind == "Job") put(out, "job_name", info.object);
  if (!info.pod_name.empty()) {
    out["pod_name"] = info.pod_name;
    out["ready"] = info.ready;
    out["restarts"] = info.restarts;
    put(out, "node", info.node);
    put(out, "pod_ip", info.pod_ip);
  }
  put(out, "reason", info.reason);
  put(out, "message", info.message);
  put(out, "next_step", info.next_step);
  if (info.exit_code) out["exit_code"] = *info.exit_code;
  for (const auto& bound : info.credentials)
    out["credentials"].push_back({{"id", bound.id}, {"name", bound.name}, {"provider", bound.provider}});
  for (const auto& condition : info.conditions)
    out["conditions"].push_back({{"type", condition.type},
                                 {"status", condition.status ? "True" : "False"},
                                 {"reason", condition.reason},
                                 {"message", condition.message}});
  put(out, "finished_at", info.finished_at);
  put(out, "deadline", info.deadline);
  put(out, "last_event_at", info.last_event_at);
  return out;
}

Json to_json(const controlplane::SpawnResult& result) {
  Json out = {{"agent", result.name},      {"status", "running"},      {"mode", result.mode}, {"phase", result.phase},
              {"existed", result.existed}, {"id", result.id},          {"kind", result.kind}, {"object", result.object},
              {"namespace", result.ns},    {"runtime", result.runtime}};
  put(out, "model", result.model);
  if (!result.warnings.empty()) out["warnings"] = result.warnings;
  return out;
}

Json event_to_json(const controlplane::Event& event, const std::string& id) {
  return {{"id", id},
          {"time", format_rfc3339_micro(event.time)},
          {"component", event.component},
          {"category", event.category},
          {"resource", "task:" + event.task},
          {"action", event.action},
          {"outcome", event.outcome},
          {"severity", event.severity},
          {"detail", event.detail},
          {"task", event.task},
          {"attrs", attributes_of(event)}};
}

Json event_to_frame(const controlplane::Event& event, const std::string& id) {
  return {{"ID", id},
          {"Time", format_rfc3339_micro(event.time)},
          {"Component", event.component},
          {"Category", event.category},
          {"Resource", "task:" + event.task},
          {"Action", event.action},
          {"Outcome", event.outcome},
          {"Severity", event.severity},
          {"Task", event.task},
          {"MissionID", ""},
          {"ObjectiveID", ""},
          {"Detail", event.detail},
          {"Attrs", attributes_of(event)}};
}

}  // namespace fracta::server
