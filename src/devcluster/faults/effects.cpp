#include "devcluster/faults/effects.hpp"

#include <algorithm>

#include "devcluster/server/outcome.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::devcluster {

namespace {

std::string reason_of(int status) {
  switch (status) {
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 409:
      return "Conflict";
    case 410:
      return "Expired";
    case 429:
      return "TooManyRequests";
    case 500:
      return "InternalError";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return "";
  }
}

net::ServerResponse failure_of(const Fault& fault) {
  Failure failure{fault.status, fault.reason.empty() ? reason_of(fault.status) : fault.reason,
                  fault.message.empty() ? "a fault made on purpose (/_faults)" : fault.message, Json()};
  if (fault.retry_after) failure.details = {{"retryAfterSeconds", *fault.retry_after}};
  auto response = net::ServerResponse::json(fault.status, dump_json(status_object(failure)));
  if (fault.retry_after) response.headers.set("Retry-After", std::to_string(*fault.retry_after));
  return response;
}

net::ServerResponse broken(const Fault& fault) {
  auto response = net::ServerResponse::text(500, "");
  response.ending = fault.connection == "silence" ? net::Ending::kSilence : net::Ending::kReset;
  return response;
}

// The body in small pieces with pauses.
void make_slow(net::ServerResponse& response, const Fault& fault) {
  if (response.stream || response.upgrade) return;
  response.stream = [body = std::move(response.body), bytes = fault.slow_bytes,
                     every = fault.slow_every](net::ResponseStream& stream) {
    for (std::size_t at = 0; at < body.size(); at += bytes) {
      if (at != 0 && !wait_for(stream.stop(), every)) return;
      if (!stream.write(std::string_view(body).substr(at, bytes))) return;
    }
  };
  response.body.clear();
}

}  // namespace

std::optional<net::ServerResponse> Effects::before() const {
  for (const Fault& fault : faults_) {
    if (fault.latency.count() > 0) wait_for(stop_, fault.latency);
  }
  for (const Fault& fault : faults_) {
    if (fault.after) continue;
    if (fault.connection == "reset" || fault.connection == "silence") return broken(fault);
    if (fault.status != 0) return failure_of(fault);
  }
  return std::nullopt;
}

void Effects::after(net::ServerResponse& response) const {
  for (const Fault& fault : faults_) {
    if (fault.connection == "cut") {
      response.ending = net::Ending::kCut;
      response.cut_at = std::min(fault.cut_at, response.body.empty() ? 0 : response.body.size() - 1);
    } else if (fault.after && !fault.connection.empty()) {
      response = broken(fault);
    } else if (fault.after && fault.status != 0) {
      response = failure_of(fault);
    } else if (fault.slow_bytes != 0) {
      make_slow(response, fault);
    }
  }
}

std::uint64_t Effects::stale() const {
  std::uint64_t most = 0;
  for (const Fault& fault : faults_) most = std::max(most, fault.stale);
  return most;
}

bool Effects::has_watch(std::string_view what) const {
  return std::any_of(faults_.begin(), faults_.end(), [&](const Fault& fault) { return fault.watch == what; });
}

net::ServerResponse serve_faults(const net::ServerRequest& request, FaultBook& book) {
  const auto refuse = [](int status, const std::string& why) {
    return net::ServerResponse::json(status, dump_json(status_object({status, "", why, Json()})));
  };
  const std::string id = request.segments.size() > 1 ? request.segments[1] : "";
  if (request.method == "GET" && id.empty()) return net::ServerResponse::json(200, dump_json(book.list(), 2));
  if (request.method == "POST" && id.empty()) {
    auto source = parse_yaml(request.body);  // JSON is YAML
    if (!source) return refuse(400, source.error().message);
    auto ids = book.add(*source);
    if (!ids) return refuse(ids.error().code == ErrorCode::kInvalid ? 422 : 500, ids.error().message);
    return net::ServerResponse::json(201, dump_json(Json{{"ids", *ids}}));
  }
  if (request.method == "DELETE" && id.empty()) {
    book.clear();
    return net::ServerResponse::json(200, dump_json(book.list()));
  }
  if (request.method == "DELETE") {
    return book.remove(id) ? net::ServerResponse::json(200, dump_json(book.list())) : refuse(404, "no fault " + id);
  }
  return refuse(405, "GET and DELETE /_faults, POST /_faults, DELETE /_faults/ID");
}

}  // namespace fracta::devcluster
