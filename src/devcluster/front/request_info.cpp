// Path and method -> what is asked (apiserver's RequestInfo).
#include "devcluster/front/context.hpp"

namespace fracta::devcluster {

namespace {

std::string verb_of(const Call& call) {
  const std::string& method = call.http->method;
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return call.name.empty() ? "deletecollection" : "delete";
  if (method != "GET" && method != "HEAD") return "";
  if (!call.name.empty()) return "get";
  return call.flag("watch") ? "watch" : "list";
}

}  // namespace

bool parse_resource_path(Call& call) {
  std::vector<std::string> parts;
  for (const std::string& segment : call.http->segments) {
    if (!segment.empty()) parts.push_back(segment);
  }
  std::size_t at = 0;
  if (parts.size() > 2 && parts[0] == "api") {
    call.version = parts[1];
    at = 2;
  } else if (parts.size() > 3 && parts[0] == "apis") {
    call.group = parts[1];
    call.version = parts[2];
    at = 3;
  } else {
    return false;
  }
  // The deprecated way to ask for a watch: /api/v1/watch/namespaces/NS/pods[/NAME].
  if (parts[at] == "watch" && at + 1 < parts.size()) {
    call.watch_path = true;
    ++at;
  }
  const std::size_t left = parts.size() - at;
  // /namespaces/{ns}/{resource}...; but /namespaces/{name} and its own subresources speak of the namespace itself.
  if (parts[at] == "namespaces" && left > 2 &&
      !(left == 3 && call.group.empty() && (parts[at + 2] == "status" || parts[at + 2] == "finalize"))) {
    call.ns = parts[at + 1];
    at += 2;
  }
  call.resource = parts[at];
  if (at + 1 < parts.size()) call.name = parts[at + 1];
  if (at + 2 < parts.size()) call.subresource = parts[at + 2];
  // What follows is for whoever is behind the proxy.
  for (std::size_t i = at + 3; i < parts.size() && call.subresource != "proxy"; ++i) call.subresource += "/" + parts[i];
  if (call.resource == "namespaces" && call.ns.empty()) call.ns = call.name;  // as authorizers see it
  call.kind = find_kind(call.group, call.version, call.resource);
  call.verb = verb_of(call);
  if (call.watch_path && (call.verb == "get" || call.verb == "list")) call.verb = "watch";
  return true;
}

}  // namespace fracta::devcluster
