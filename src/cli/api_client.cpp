#include "cli/api_client.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/version.hpp"

namespace fracta::cli {
namespace {

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kForbidden;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kAlreadyExists;
    case 429:
      return ErrorCode::kResourceExhausted;
    case 503:
      return ErrorCode::kUnavailable;
    case 504:
      return ErrorCode::kDeadlineExceeded;
    default:
      return status >= 500 ? ErrorCode::kInternal : ErrorCode::kInvalid;
  }
}

// The word in kubectl's brackets when the daemon gave none.
std::string reason_of(int status) {
  switch (status) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 409:
    case 412:
      return "Conflict";
    case 413:
      return "RequestEntityTooLarge";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 501:
      return "NotImplemented";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return "InternalError";
  }
}

Error error_from_answer(int status, const std::string& body) {
  Error error;
  error.code = code_of(status);
  error.http_status = status;
  if (auto json = parse_json(body)) {
    // The credentials API has errors of ambient's shape, with the text in `reason`.
    const bool ambient = string_at(*json, "kind") == "Error";
    error.message = string_at(*json, ambient ? "reason" : "error");
    if (!ambient) error.reason = string_at(*json, "reason");
    if (const Json* causes = find(*json, "causes"); causes && causes->is_array()) {
      for (const auto& cause : *causes)
        error.causes.push_back({string_at(cause, "field"), string_at(cause, "reason"), string_at(cause, "message")});
    }
  }
  if (error.message.empty()) error.message = body.empty() ? std::string(net::status_text(status)) : shorten(body, 500);
  if (error.reason.empty()) error.reason = reason_of(status);
  return error;
}

}  // namespace

Result<ApiClient> ApiClient::connect(const ClientArgs& args, Context& context) {
  auto connection = find_connection(args, context);
  if (!connection) return connection.error();
  return connect(*connection, args, context);
}

Result<ApiClient> ApiClient::connect(const Connection& connection, const ClientArgs& args, const Context& context) {
  auto url = net::parse_url(connection.url);
  if (!url) return url.error().with_context("address of the controlplane");
  auto transport = make_transport(connection);
  if (!transport) return transport.error();
  return ApiClient(connection, url->path, std::move(*transport), args, context);
}

ApiClient::ApiClient(const Connection& connection, std::string base_path, std::unique_ptr<net::Transport> transport,
                     const ClientArgs& args, const Context& context)
    : url_(connection.url),
      chosen_by_(connection.chosen_by),
      token_(connection.token),
      token_file_(connection.token_file),
      base_path_(std::move(base_path)),
      transport_(std::move(transport)),
      timeout_(std::chrono::duration_cast<std::chrono::milliseconds>(args.request_timeout)),
      stop_(context.stop) {}

net::Request ApiClient::make_request(std::string_view method, const std::string& target, const Json* body) const {
  net::Request request{.method = std::string(method), .target = base_path_ + target};
  request.headers.set("User-Agent", std::string("fracta-cli/") + kVersion);
  request.headers.set("Accept", "application/json");
  // A verb may run for hours, and what it began with has expired by then.
  const auto renewed = token_file_.empty() ? Result<std::string>("") : read_file(token_file_, 256u << 10);
  const std::string token = renewed && !trim(*renewed).empty() ? std::string(trim(*renewed)) : token_;
  if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
  if (body != nullptr) {
    request.headers.set("Content-Type", "application/json");
    request.body = dump_json(*body);
  }
  return request;
}

Error ApiClient::explain(Error error) const {
  if (error.code == ErrorCode::kUnavailable)
    error.message = "the controlplane at " + url_ + " cannot be reached: " + error.message +
                    "\nIs it running (`fracta controlplane --config fracta.yaml`)? " +
                    (chosen_by_.empty() ? "" : "The address is that of " + chosen_by_ + ". ") +
                    "Another address is given with --server, FRACTA_SERVER or control_plane_api.url.";
  if (error.code == ErrorCode::kUnauthenticated && error.http_status == 0)
    error.message = "the controlplane at " + url_ + " is not trusted: " + error.message +
                    "\nIts authority is given with FRACTA_CA_FILE or `fracta login " + url_ + " --ca-file FILE`.";
  if (error.code == ErrorCode::kDeadlineExceeded)
    error.message = "the controlplane at " + url_ + " did not answer in time: " + error.message;
  return error;
}

Result<Json> ApiClient::call(std::string_view method, const std::string& target, const Json* body) {
  auto answer = transport_->request(make_request(method, target, body), {.timeout = timeout_, .stop = stop_});
  if (!answer) return explain(answer.error());
  if (answer->status < 200 || answer->status > 299) return error_from_answer(answer->status, answer->body);
  if (answer->status == 204) return Json();
  auto json = parse_json(answer->body);
  if (!json) return json.error().with_context("answer of " + url_);
  return json;
}

Result<void> ApiClient::stream(const std::string& target, const net::Headers& headers,
                               std::chrono::milliseconds idle_timeout, const std::stop_token& stop,
                               const std::function<bool(std::string_view)>& on_data) {
  auto request = make_request("GET", target, nullptr);
  request.headers.set("Accept", "*/*");
  for (const auto& [name, value] : headers.entries()) request.headers.set(name, value);
  int refused = 0;
  std::string refusal;
  net::StreamHandler handler;
  handler.on_head = [&](const net::Response& head) {
    if (head.status != 200) refused = head.status;
    return true;
  };
  handler.on_data = [&](std::string_view bytes) {
    if (refused == 0) return on_data(bytes);
    refusal.append(bytes.substr(0, 64u << 10));
    return refusal.size() < (64u << 10);
  };
  auto result =
      transport_->stream(request, {.head_timeout = timeout_, .idle_timeout = idle_timeout, .stop = stop}, handler);
  if (refused != 0) return error_from_answer(refused, refusal);
  if (!result) return explain(result.error());
  return {};
}

std::string agent_target(std::string_view name, std::string_view rest) {
  if (name.starts_with("agent/")) name.remove_prefix(6);
  if (name.starts_with("agents/")) name.remove_prefix(7);
  return "/api/v1/agents/" + percent_encode(name) + std::string(rest);
}

int report(const Error& error, Context& context) {
  if (error.http_status == 0) {
    context.err << "error: " << error.message << "\n";
  } else {
    context.err << "Error from server (" << error.reason << "): " << error.message << "\n";
    for (const auto& cause : error.causes) {
      if (error.message.find(cause.message) != std::string::npos) continue;
      context.err << "  * " << (cause.field.empty() ? "" : cause.field + ": ") << cause.message << "\n";
    }
  }
  return kExitFailed;
}

}  // namespace fracta::cli
