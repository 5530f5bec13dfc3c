#include "devcluster/node/probe_action.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "devcluster/node/grpc_health.hpp"
#include "devcluster/node/run_inside.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::devcluster {
namespace {

using std::chrono::milliseconds;

std::string connect_to(const std::string& host, int port, std::chrono::milliseconds timeout) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const std::string where = fmt::format("{}:{}", host, port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    return fmt::format("dial tcp: lookup {}: no such host", host);
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return std::strerror(errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS)
    return fmt::format("dial tcp {}: connect: {}", where, to_lower(std::strerror(errno)));
  pollfd wait{fd.get(), POLLOUT, 0};
  if (::poll(&wait, 1, static_cast<int>(timeout.count())) != 1) return fmt::format("dial tcp {}: i/o timeout", where);
  int error = 0;
  socklen_t size = sizeof error;
  (void)::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? "" : fmt::format("dial tcp {}: connect: {}", where, to_lower(std::strerror(error)));
}

int port_of(const Json& action, const ProbeTarget& target) {
  const Json* port = find(action, "port");
  if (port == nullptr) return 0;
  if (port->is_number_integer()) return port->get<int>();
  if (!port->is_string()) return 0;
  const auto known = target.ports.find(port->get<std::string>());
  if (known != target.ports.end()) return known->second;
  return static_cast<int>(parse_int(port->get<std::string>()).value_or(0));
}

ActionResult exec(const Json& action, const ProbeTarget& target, milliseconds timeout, const std::stop_token& stop) {
  LaunchPlan plan = target.exec;
  plan.argv = command_words(action);
  if (plan.argv.empty()) return {false, "no command"};
  plan.candidates = program_candidates(plan.argv.front(), plan.environment);
  auto result = run_inside(target.pidfd, std::move(plan), timeout, stop);
  if (!result && result.error().code == ErrorCode::kDeadlineExceeded)
    return {false, fmt::format("command \"{}\" timed out", join(command_words(action), " ")), -1};
  if (!result)
    return {false,
            "rpc error: code = Unknown desc = failed to exec in container: failed to start exec: OCI runtime exec "
            "failed: exec failed: unable to start container process: " +
                result.error().message + ": unknown",
            -1, 0, true};
  return {result->exit_code == 0, result->output, result->exit_code};
}

net::Request http_request(const Json& action) {
  net::Request request;
  request.target = string_at(action, "path", "/");
  if (request.target.empty() || request.target.front() != '/') request.target.insert(0, "/");
  request.headers = {{"User-Agent", "kube-probe/1.26"}, {"Accept", "*/*"}};
  if (const Json* headers = find(action, "httpHeaders"); headers != nullptr && headers->is_array())
    for (const auto& header : *headers) request.headers.set(string_at(header, "name"), string_at(header, "value"));
  return request;
}

ActionResult http(const Json& action, const ProbeTarget& target, milliseconds timeout, const std::stop_token& stop) {
  net::Url url;
  url.scheme = to_lower(string_at(action, "scheme", "http"));
  url.host = string_at(action, "host", target.pod_ip);
  url.port = port_of(action, target);
  if (url.port <= 0 || url.port > 65535) return {false, "invalid port"};
  net::TransportOptions options;
  options.tls.insecure_skip_verify = true;  // as a kubelet's probes
  options.connect_timeout = timeout;
  options.max_idle_connections = 0;
  auto transport = net::make_http_transport(url, options);
  if (!transport) return {false, transport.error().message};
  const net::Request request = http_request(action);
  net::CallOptions call;
  call.timeout = timeout;
  call.max_response_bytes = 1u << 20;
  call.stop = stop;
  auto response = (*transport)->request(request, call);
  if (!response) {
    const std::string what = fmt::format("Get \"{}{}\": ", url.to_string(), request.target);
    if (response.error().code == ErrorCode::kDeadlineExceeded)
      return {false, what + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"};
    const std::string dial = connect_to(url.host, url.port, timeout);
    return {false, what + (dial.empty() ? response.error().message : dial)};
  }
  const int status = response->status;
  if (status >= 200 && status < 400) return {true, "", 0, status};
  return {false, fmt::format("HTTP probe failed with statuscode: {}", status), 0, status};
}

ActionResult tcp(const Json& action, const ProbeTarget& target, milliseconds timeout) {
  const std::string error = connect_to(string_at(action, "host", target.pod_ip), port_of(action, target), timeout);
  return {error.empty(), error};
}

}  // namespace

std::vector<std::string> command_words(const Json& action) {
  std::vector<std::string> words;
  if (const Json* command = find_path(action, "command"); command != nullptr && command->is_array())
    for (const auto& word : *command)
      if (word.is_string()) words.push_back(word.get<std::string>());
  return words;
}

std::vector<std::string> program_candidates(const std::string& program, const std::vector<std::string>& environment) {
  if (program.find('/') != std::string::npos) return {program};
  std::string path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (const auto& entry : environment)
    if (entry.rfind("PATH=", 0) == 0) path = entry.substr(5);
  std::vector<std::string> result;
  for (const auto& directory : split(path, ':'))
    result.push_back((directory.empty() ? "." : directory) + "/" + program);
  return result;
}

ActionResult run_action(const Json& action, const ProbeTarget& target, milliseconds timeout,
                        const std::stop_token& stop) {
  if (const Json* command = find(action, "exec")) return exec(*command, target, timeout, stop);
  if (const Json* get = find(action, "httpGet")) return http(*get, target, timeout, stop);
  if (const Json* socket = find(action, "tcpSocket")) return tcp(*socket, target, timeout);
  if (const Json* grpc = find(action, "grpc")) {
    std::string problem =
        check_grpc_health(target.pod_ip, port_of(*grpc, target), string_at(*grpc, "service"), timeout, stop);
    return {problem.empty(), std::move(problem)};
  }
  if (const auto nap = int_at(action, "sleep/seconds")) {
    (void)wait_for(stop, std::min<milliseconds>(std::chrono::seconds{*nap}, timeout));
    return {true, ""};
  }
  return {false, "missing handler: the development cluster knows exec, httpGet, tcpSocket and grpc"};
}

}  // namespace fracta::devcluster
