#include "fracta/kube/exec.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/websocket.hpp"
#include "kube/client_impl.hpp"

namespace fracta::kube {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// First byte of each message (k8s.io/apimachinery, remotecommand constants).
constexpr char kStdout = 1, kStderr = 2, kStatus = 3;

Result<net::Headers> identity(const ClientConfig& config, const std::stop_token& stop) {
  net::Headers headers = config.impersonation;
  if (!config.basic_authorization.empty()) headers.set("Authorization", config.basic_authorization);
  if (config.token) {
    auto token = config.token->token(stop);
    if (!token) return token.error();
    if (!token->empty()) headers.set("Authorization", "Bearer " + *token);
  }
  return headers;
}

std::string target_of(std::string_view ns, std::string_view pod, const PodExecOptions& options) {
  net::QueryParameters query;
  if (!options.container.empty()) query.emplace_back("container", options.container);
  for (const auto& word : options.command) query.emplace_back("command", word);
  query.emplace_back("stdout", "true");
  query.emplace_back("stderr", "true");
  return kPods.path(ns, pod) + "/exec?" + net::encode_query(query);
}

// The Status at the end: success, an exit code, or the container runtime's complaint.
Result<int> verdict_of(std::string_view text) {
  const auto status = parse_json(text);
  if (!status || !status->is_object())
    return make_error(ErrorCode::kUnavailable, "the server ended the command without a readable status");
  if (string_at(*status, "status") == "Success") return 0;
  const Json* causes = find_path(*status, "details/causes");
  if (string_at(*status, "reason") == "NonZeroExitCode" && causes != nullptr && causes->is_array())
    for (const auto& cause : *causes)
      if (string_at(cause, "reason") == "ExitCode")
        if (const auto code = parse_int(string_at(cause, "message")); code && *code > 0 && *code < 256)
          return static_cast<int>(*code);
  return make_error(ErrorCode::kInvalid, shorten(string_at(*status, "message"), 500));
}

// The refusal of a handshake is a Status, as every other error of the API server.
Error in_the_servers_words(Error error) {
  const auto begin = error.message.find('{');
  if (error.http_status == 0 || begin == std::string::npos) return error;
  const auto status = parse_json(std::string_view(error.message).substr(begin));
  if (!status || !status->is_object() || string_at(*status, "message").empty()) return error;
  return error_from_status(*status, error.http_status);
}

class Session {
 public:
  Session(net::WebSocket& socket, const PodExecOptions& options, Clock::time_point deadline)
      : socket_(socket), options_(options), deadline_(deadline) {}

  Result<PodExecResult> run() {
    while (true) {
      const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
      if (left <= milliseconds{0}) return make_error(ErrorCode::kDeadlineExceeded, "the command did not end in time");
      auto message = socket_.receive(left);
      if (!message && message.error().code == ErrorCode::kDeadlineExceeded) continue;
      if (!message) return message.error();
      if (message->data.empty()) continue;
      const std::string_view bytes = std::string_view(message->data).substr(1);
      switch (message->data.front()) {
        case kStdout:
          FRACTA_TRY(append(result_.standard_output, bytes));
          break;
        case kStderr:
          FRACTA_TRY(append(result_.standard_error, bytes));
          break;
        case kStatus: {
          if (bytes.empty()) break;  // the channels are announced by empty messages
          auto code = verdict_of(bytes);
          if (!code) return code.error();
          result_.exit_code = *code;
          socket_.close(net::kCloseNormal, "");
          return std::move(result_);
        }
        default:
          break;
      }
    }
  }

 private:
  Result<void> append(std::string& out, std::string_view bytes) const {
    if (out.size() + bytes.size() > options_.max_output)
      return make_error(ErrorCode::kResourceExhausted, "the command printed too much");
    out += bytes;
    return {};
  }

  net::WebSocket& socket_;
  const PodExecOptions& options_;
  const Clock::time_point deadline_;
  PodExecResult result_;
};

}  // namespace

Result<PodExecResult> exec_in_pod(const ClientConfig& config, std::string_view ns, std::string_view pod,
                                  const PodExecOptions& options) {
  FRACTA_TRY(check_place(kPods, ns, pod));
  if (options.command.empty()) return make_error(ErrorCode::kInvalid, "no command");
  const auto deadline = Clock::now() + options.call.timeout;
  auto headers = identity(config, options.call.stop);
  if (!headers) return headers.error();
  net::TransportOptions transport;
  transport.tls = config.tls;
  net::WebSocketRequest request;
  request.target = target_of(ns, pod, options);
  request.headers = *std::move(headers);
  request.protocols = {"v5.channel.k8s.io", "v4.channel.k8s.io"};
  request.head_timeout = options.call.timeout;
  request.stop = options.call.stop;
  auto socket =
      net::connect_websocket(config.server, transport, request, {.max_message_bytes = options.max_output + 1});
  const std::string where = "running a command in pod \"" + std::string(pod) + "\"";
  if (!socket) return in_the_servers_words(socket.error()).with_context(where);
  auto result = Session(**socket, options, deadline).run();
  if (!result) return result.error().with_context(where);
  return result;
}

}  // namespace fracta::kube
