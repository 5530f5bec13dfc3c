// What probes and lifecycle hooks do to a container: a command inside it, an HTTP request or a TCP connection.
#pragma once

#include <chrono>
#include <map>
#include <stop_token>
#include <string>

#include "devcluster/node/launch.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

struct ProbeTarget {
  int pidfd = -1;   // of the container; outlives whoever has this
  LaunchPlan exec;  // environment, user and working directory of the container
  std::string pod_ip;
  std::map<std::string, int> ports;  // named container ports
};

struct ActionResult {
  bool success = false;
  std::string output;  // of the command; otherwise what went wrong, in a kubelet's words
  int exit_code = 0;   // of a command
  int http_status = 0;
  bool errored = false;  // nothing was found out: it could not even be tried
};

// `action` holds one of exec, httpGet, tcpSocket, grpc, sleep.
ActionResult run_action(const Json& action, const ProbeTarget& target, std::chrono::milliseconds timeout,
                        const std::stop_token& stop);

// The words of its command.
std::vector<std::string> command_words(const Json& action);

// Where a program is looked for: itself when it has a slash, else on PATH of `environment` ("K=V").
std::vector<std::string> program_candidates(const std::string& program, const std::vector<std::string>& environment);

}  // namespace fracta::devcluster
