#include "devcluster/front/session.hpp"

#include <fmt/format.h>

#include "devcluster/front/pod_container.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/websocket.hpp"

namespace fracta::devcluster {

SessionOptions session_options(const Call& call) {
  SessionOptions options{option_flag(call, "stdin"), option_flag(call, "stdout"), option_flag(call, "stderr"),
                         option_flag(call, "tty")};
  if (options.tty) options.err = false;
  return options;
}

Json session_status(const Session& session, const Result<int>& result, bool through_translator) {
  if (result && *result == 0) return {{"metadata", Json::object()}, {"status", "Success"}};
  if (result) {
    const std::string why = through_translator ? fmt::format("command terminated with exit code {}", *result)
                                               : fmt::format("error executing command [{}], exit code {}",
                                                             join(session.command, " "), *result);
    return {{"metadata", Json::object()},
            {"status", "Failure"},
            {"message", "command terminated with non-zero exit code: " + why},
            {"reason", "NonZeroExitCode"},
            {"details", {{"causes", Json::array({{{"reason", "ExitCode"}, {"message", std::to_string(*result)}}})}}}};
  }
  std::string message = session.failure_prefix + result.error().message;
  // The API server's translator wraps what the kubelet has already wrapped; kubectl users see it twice.
  if (through_translator && session.refusal.empty()) message = "Internal error occurred: " + message;
  return {{"metadata", Json::object()},
          {"status", "Failure"},
          {"message", "Internal error occurred: " + message},
          {"reason", "InternalError"},
          {"details", {{"causes", Json::array({{{"message", message}}})}}},
          {"code", 500}};
}

net::ServerResponse serve_session(const Call& call, Session session) {
  if (session.refusal.empty() && !session.options.in && !session.options.out && !session.options.err)
    session.refusal = "you must specify at least 1 of stdin, stdout, stderr";
  if (net::is_websocket_request(*call.http)) return serve_websocket_session(call, std::move(session));
  if (const auto upgrade = call.http->headers.get("Upgrade"); upgrade && iequals(*upgrade, "SPDY/3.1"))
    return answer_failure(call, bad_request("this cluster streams over WebSocket (v5.channel.k8s.io, "
                                            "v4.channel.k8s.io) and not over SPDY/3.1: use kubectl 1.31 or later"));
  return answer_failure(call, bad_request("Upgrade request required"));
}

}  // namespace fracta::devcluster
