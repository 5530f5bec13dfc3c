// From a request for exec or attach to a session between client and node.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "devcluster/front/context.hpp"
#include "devcluster/front/session_streams.hpp"

namespace fracta::devcluster {

// What the node does; the exit code, or why it could not.
using SessionWork = std::function<Result<int>(ExecStreams&)>;

struct Session {
  SessionOptions options;
  std::string refusal;  // a kubelet's words why there can be no session; empty = there can
  SessionWork work;
  std::string failure_prefix;             // in front of the node's error
  std::vector<std::string> command = {};  // for the words about its exit code
};

// The options both have in common; tty and stderr exclude each other (stderr is dropped).
SessionOptions session_options(const Call& call);

// The answer: the upgrade, or what is wrong.
net::ServerResponse serve_session(const Call& call, Session session);

// metav1.Status for the error channel.
Json session_status(const Session& session, const Result<int>& result, bool through_translator);

// session_websocket.cpp
net::ServerResponse serve_websocket_session(const Call& call, Session session);

}  // namespace fracta::devcluster
