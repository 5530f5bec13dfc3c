#include "devcluster/node/prober.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "devcluster/node/run_inside.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::devcluster {
namespace {

std::string_view name_of(ProbeType type) {
  return type == ProbeType::kReadiness ? "Readiness" : type == ProbeType::kLiveness ? "Liveness" : "Startup";
}

std::chrono::seconds seconds_at(const Json& probe, std::string_view key, std::int64_t fallback) {
  return std::chrono::seconds{std::clamp<std::int64_t>(int_at(probe, key).value_or(fallback), 0, 86'400)};
}

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

}  // namespace

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

Prober::Prober(ProbeType type, const Json& probe, ProbeTarget target, std::function<void(ProbeReport)> report)
    : type_(type),
      probe_(std::make_shared<Json>(probe)),
      target_(std::move(target)),
      report_(std::move(report)),
      timeout_(std::max(seconds_at(probe, "timeoutSeconds", 1), std::chrono::seconds{1})),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Prober::run(const std::stop_token& stop) {
  const auto period = std::max(seconds_at(*probe_, "periodSeconds", 10), std::chrono::seconds{1});
  const auto threshold = [&](bool success) {
    return std::max<std::int64_t>(
        1, int_at(*probe_, success ? "successThreshold" : "failureThreshold").value_or(success ? 1 : 3));
  };
  bool last = false;
  std::int64_t run = 0;
  // A kubelet repeats an unready readiness probe out of turn when the pod's status changes, which it just has.
  bool early = type_ == ProbeType::kReadiness;
  if (!wait_for(stop, seconds_at(*probe_, "initialDelaySeconds", 0))) return;
  do {
    const Answer answer = once(stop);
    if (stop.stop_requested()) return;
    run = answer.success == last ? run + 1 : 1;
    last = answer.success;
    const bool settled = run >= threshold(last);
    report_({type_, last, settled, last ? "" : fmt::format("{} probe failed: {}", name_of(type_), answer.output)});
    // A failed liveness or startup probe ends the container; a passed startup probe has done its work.
    if (settled && type_ == ProbeType::kStartup) return;
    if (settled && type_ == ProbeType::kLiveness && !last) return;
  } while (wait_for(stop, std::exchange(early, false) && !last ? std::chrono::seconds{1} : period));
}

Prober::Answer Prober::once(const std::stop_token& stop) {
  if (const Json* action = find(*probe_, "exec")) return exec(*action, stop);
  if (const Json* action = find(*probe_, "httpGet")) return http(*action, stop);
  if (const Json* action = find(*probe_, "tcpSocket")) return tcp(*action);
  return {false, "missing probe handler: the development cluster knows exec, httpGet and tcpSocket"};
}

Prober::Answer Prober::exec(const Json& action, const std::stop_token& stop) {
  LaunchPlan plan = target_.exec;
  plan.argv.clear();
  if (const Json* command = find(action, "command"); command != nullptr && command->is_array())
    for (const auto& word : *command)
      if (word.is_string()) plan.argv.push_back(word.get<std::string>());
  if (plan.argv.empty()) return {false, "no command"};
  plan.candidates = program_candidates(plan.argv.front(), plan.environment);
  auto result = run_inside(target_.pidfd, std::move(plan), timeout_, stop);
  if (!result) return {false, result.error().message};
  return {result->exit_code == 0, result->output};
}

int Prober::port_of(const Json& action) const {
  const Json* port = find(action, "port");
  if (port == nullptr) return 0;
  if (port->is_number_integer()) return port->get<int>();
  if (!port->is_string()) return 0;
  const auto known = target_.ports.find(port->get<std::string>());
  if (known != target_.ports.end()) return known->second;
  return static_cast<int>(parse_int(port->get<std::string>()).value_or(0));
}

Prober::Answer Prober::http(const Json& action, const std::stop_token& stop) {
  net::Url url;
  url.scheme = to_lower(string_at(action, "scheme", "http"));
  url.host = string_at(action, "host", target_.pod_ip);
  url.port = port_of(action);
  if (url.port <= 0 || url.port > 65535) return {false, "invalid port"};
  net::TransportOptions options;
  options.tls.insecure_skip_verify = true;  // as a kubelet's probes
  options.connect_timeout = timeout_;
  options.max_idle_connections = 0;
  auto transport = net::make_http_transport(url, options);
  if (!transport) return {false, transport.error().message};
  net::Request request;
  request.target = string_at(action, "path", "/");
  if (request.target.empty() || request.target.front() != '/') request.target.insert(0, "/");
  request.headers = {{"User-Agent", "kube-probe/1.26"}, {"Accept", "*/*"}, {"Connection", "close"}};
  if (const Json* headers = find(action, "httpHeaders"); headers != nullptr && headers->is_array())
    for (const auto& header : *headers) request.headers.set(string_at(header, "name"), string_at(header, "value"));
  net::CallOptions call;
  call.timeout = timeout_;
  call.max_response_bytes = 1u << 20;
  call.stop = stop;
  auto response = (*transport)->request(request, call);
  if (!response) {
    const std::string what = fmt::format("Get \"{}{}\": ", url.to_string(), request.target);
    if (response.error().code == ErrorCode::kDeadlineExceeded)
      return {false, what + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"};
    return {false, what + response.error().message};
  }
  if (response->status >= 200 && response->status < 400) return {true, ""};
  return {false, fmt::format("HTTP probe failed with statuscode: {}", response->status)};
}

Prober::Answer Prober::tcp(const Json& action) {
  const std::string error = connect_to(string_at(action, "host", target_.pod_ip), port_of(action), timeout_);
  return {error.empty(), error};
}

}  // namespace fracta::devcluster
