// pods/proxy and services/proxy: "[scheme:]name[:port]" in the path, the rest of it handed on.
#include <fmt/format.h>

#include "devcluster/front/context.hpp"
#include "devcluster/front/proxied_call.hpp"
#include "devcluster/store/store.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

struct Target {
  std::string scheme, name, port;
};

// SplitSchemeNamePort of apimachinery.
std::optional<Target> split_target(const std::string& id) {
  const auto parts = split(id, ':');
  Target target{"", parts[0], ""};
  if (parts.size() == 2) target.port = parts[1];
  if (parts.size() == 3) target = {parts[0], parts[1], parts[2]};
  const bool scheme = target.scheme.empty() || target.scheme == "http" || target.scheme == "https";
  if (parts.size() > 3 || !scheme || target.name.empty()) return std::nullopt;
  return target;
}

Failure unavailable(std::string message) { return {503, "ServiceUnavailable", std::move(message), Json()}; }

Outcome<net::Url> url_of(const Target& target, const std::string& ip, std::int64_t port) {
  net::Url url;
  url.scheme = target.scheme.empty() ? "http" : target.scheme;
  url.host = ip;
  url.port = static_cast<int>(port != 0 ? port : url.scheme == "https" ? 443 : 80);
  if (ip.empty() || port < 0 || port > 65535) return bad_request("address not allowed");
  return url;
}

Outcome<net::Url> locate_pod(const Call& call, const Services& services, const Target& target) {
  auto record = services.registry->get(*call.kind, call.ns, target.name);
  if (!record.ok()) return record.failure();
  const Json& pod = (*record)->object;
  std::int64_t port = parse_int(target.port).value_or(target.port.empty() ? 0 : -1);
  const Json* containers = find_path(pod, "spec/containers");
  for (const auto& container : target.port.empty() && containers != nullptr ? *containers : Json::array()) {
    const Json* ports = find(container, "ports");
    if (ports == nullptr || !ports->is_array() || ports->empty()) continue;
    port = int_at((*ports)[0], "containerPort").value_or(0);
    break;
  }
  return url_of(target, string_at(pod, "status/podIP"), port);
}

bool is_ready(const Json& pod) {
  const Json* conditions = find_path(pod, "status/conditions");
  for (const auto& condition : conditions != nullptr ? *conditions : Json::array())
    if (string_at(condition, "type") == "Ready") return string_at(condition, "status") == "True";
  return false;
}

// The number behind a service port's targetPort in a pod; 0 when it has none of that name.
std::int64_t target_port(const Json& port, const Json& pod) {
  const Json* wanted = find(port, "targetPort");
  if (wanted == nullptr) return int_at(port, "port").value_or(0);
  if (wanted->is_number_integer()) return wanted->get<std::int64_t>();
  const Json* containers = find_path(pod, "spec/containers");
  for (const auto& container : containers != nullptr ? *containers : Json::array()) {
    const Json* ports = find(container, "ports");
    for (const auto& one : ports != nullptr && ports->is_array() ? *ports : Json::array())
      if (find(one, "name") != nullptr && one["name"] == *wanted) return int_at(one, "containerPort").value_or(0);
  }
  return 0;
}

bool selects(const Json& selector, const Json& pod) {
  const Json* labels = find_path(pod, "metadata/labels");
  for (const auto& [key, value] : selector.items()) {
    const Json* label = labels == nullptr ? nullptr : find(*labels, key);
    if (label == nullptr || *label != value) return false;
  }
  return !selector.empty();
}

// There are no Endpoints objects here: what would be in them is looked up at once.
Outcome<net::Url> locate_service(const Call& call, const Services& services, const Target& target) {
  auto record = services.registry->get(*call.kind, call.ns, target.name);
  if (!record.ok()) return record.failure();
  const Json& service = (*record)->object;
  const Json* ports = find_path(service, "spec/ports");
  const auto number = parse_int(target.port);
  const Json* port = nullptr;
  for (std::size_t i = 0; ports != nullptr && ports->is_array() && port == nullptr && i < ports->size(); ++i) {
    const Json& one = (*ports)[i];
    if (number ? int_at(one, "port") == number : string_at(one, "name") == target.port) port = &one;
  }
  if (number && port == nullptr)
    return unavailable(fmt::format("no service port {} found for service \"{}\"", *number, target.name));
  const Json* selector = find_path(service, "spec/selector");
  if (port != nullptr && selector != nullptr && selector->is_object()) {
    const auto pods = services.registry->store().list("pods", call.ns + "/");
    for (const auto& [key, pod] : pods ? pods->records : decltype(pods->records)()) {
      const std::int64_t there = selects(*selector, pod->object) ? target_port(*port, pod->object) : 0;
      if (there != 0 && is_ready(pod->object)) return url_of(target, string_at(pod->object, "status/podIP"), there);
    }
  }
  return unavailable(fmt::format("no endpoints available for service \"{}\"", call.name));
}

// What stands behind ".../<name>/proxy", as it was sent.
std::string rest_of_target(const std::string& target) {
  std::size_t at = 0;
  // /api/v1/namespaces/NS/pods/NAME/proxy
  for (int slashes = 0; at < target.size() && target[at] != '?'; ++at)
    if (target[at] == '/' && ++slashes == 8) break;
  std::string rest = target.substr(at);
  if (rest.empty() || rest.front() != '/') rest.insert(0, "/");
  return rest;
}

net::Request request_of(const net::ServerRequest& http) {
  net::Request request;
  request.method = http.method;
  request.target = rest_of_target(http.target);
  request.body = http.body;
  for (const auto& [name, value] : http.headers.entries()) {
    // Who called is the API server's business, not the pod's.
    if (iequals(name, "Authorization") || iequals(name, "Host") || to_lower(name).starts_with("impersonate-")) continue;
    request.headers.add(name, value);
  }
  request.headers.set("X-Forwarded-For", http.peer_address);
  request.headers.set("X-Forwarded-Host", http.headers.get("Host").value_or(""));
  request.headers.set("X-Forwarded-Proto", http.tls ? "https" : "http");
  request.headers.set("X-Forwarded-Uri", http.path);
  return request;
}

}  // namespace

net::ServerResponse serve_proxy(Call& call, const Services& services) {
  const auto target = split_target(call.name);
  if (!target)
    return answer_failure(call, bad_request(fmt::format("invalid {} request \"{}\"", call.kind->singular, call.name)));
  auto url = call.resource == "pods" ? locate_pod(call, services, *target) : locate_service(call, services, *target);
  if (!url.ok()) return answer_failure(call, url.failure());
  auto response = call_through(*url, request_of(*call.http));
  if (!response) return answer_failure(call, unavailable("error trying to reach service: " + response.error().message));
  return std::move(*response);
}

}  // namespace fracta::devcluster
