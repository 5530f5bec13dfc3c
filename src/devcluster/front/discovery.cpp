#include "devcluster/front/discovery.hpp"

#include <algorithm>
#include <map>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

// Groups in the order of first appearance, core first.
std::vector<std::string> groups() {
  std::vector<std::string> result;
  for (const Kind& kind : kinds()) {
    if (std::find(result.begin(), result.end(), kind.group) == result.end()) result.push_back(kind.group);
  }
  return result;
}

Json group_version(const std::string& group) { return {{"groupVersion", group + "/v1"}, {"version", "v1"}}; }

Json api_group(const std::string& group) {
  return {
      {"name", group}, {"versions", Json::array({group_version(group)})}, {"preferredVersion", group_version(group)}};
}

Json resource_list(const std::string& group) {
  Json resources = Json::array();
  for (const Kind& kind : kinds()) {
    if (kind.group != group) continue;
    Json entry = {{"name", kind.plural},
                  {"singularName", ""},
                  {"namespaced", kind.namespaced},
                  {"kind", kind.kind},
                  {"verbs", kind.verbs()}};
    if (!kind.short_names.empty()) entry["shortNames"] = kind.short_names;
    if (!kind.categories.empty()) entry["categories"] = kind.categories;
    if (kind.stored) entry["storageVersionHash"] = base64_encode(sha256_hex(kind.qualified_kind()).substr(0, 8));
    resources.push_back(std::move(entry));
    for (const Subresource& sub : subresources()) {
      if (sub.group != group || sub.resource != kind.plural) continue;
      Json part = {{"name", sub.resource + "/" + sub.name},
                   {"singularName", ""},
                   {"namespaced", kind.namespaced},
                   {"kind", sub.kind},
                   {"verbs", sub.verbs}};
      if (!sub.kind_group.empty()) part["group"] = sub.kind_group;
      if (!sub.kind_version.empty()) part["version"] = sub.kind_version;
      resources.push_back(std::move(part));
    }
  }
  Json list = {{"kind", "APIResourceList"},
               {"groupVersion", group.empty() ? "v1" : group + "/v1"},
               {"resources", std::move(resources)}};
  if (!group.empty()) list["apiVersion"] = "v1";  // the core list comes without, as from a real server
  return list;
}

Json response_kind(const std::string& group, const std::string& version, const std::string& kind) {
  return {{"group", group}, {"version", version}, {"kind", kind}};
}

Json aggregated_group(const std::string& group) {
  Json resources = Json::array();
  for (const Kind& kind : kinds()) {
    if (kind.group != group) continue;
    const std::string scope = kind.namespaced ? "Namespaced" : "Cluster";
    Json entry = {{"resource", kind.plural},
                  {"responseKind", response_kind(group, kind.version, kind.kind)},
                  {"scope", scope},
                  {"singularResource", kind.singular},
                  {"verbs", kind.verbs()}};
    if (!kind.short_names.empty()) entry["shortNames"] = kind.short_names;
    if (!kind.categories.empty()) entry["categories"] = kind.categories;
    Json parts = Json::array();
    for (const Subresource& sub : subresources()) {
      if (sub.group != group || sub.resource != kind.plural) continue;
      const bool own = sub.kind_version.empty();
      parts.push_back({{"subresource", sub.name},
                       {"responseKind",
                        response_kind(own ? group : sub.kind_group, own ? kind.version : sub.kind_version, sub.kind)},
                       {"verbs", sub.verbs}});
    }
    if (!parts.empty()) entry["subresources"] = std::move(parts);
    resources.push_back(std::move(entry));
  }
  return {
      {"metadata", {{"name", group}, {"creationTimestamp", nullptr}}},
      {"versions", Json::array({{{"version", "v1"}, {"resources", std::move(resources)}, {"freshness", "Current"}}})}};
}

// The aggregated version the client accepts, "" for the classic documents.
std::string aggregated_version(const Call& call) {
  const std::string accept = call.http->headers.get("Accept").value_or("");
  for (const std::string& entry : split(accept, ',')) {
    if (entry.find("as=APIGroupDiscoveryList") == std::string::npos ||
        entry.find("g=apidiscovery.k8s.io") == std::string::npos)
      continue;
    if (entry.find("v=v2beta1") != std::string::npos) return "v2beta1";
    if (entry.find("v=v2") != std::string::npos) return "v2";
  }
  return "";
}

net::ServerResponse aggregated(const Call& call, const std::string& version, bool core) {
  Json items = Json::array();
  for (const std::string& group : groups()) {
    if (group.empty() == core) items.push_back(aggregated_group(group));
  }
  const Json body = {{"kind", "APIGroupDiscoveryList"},
                     {"apiVersion", "apidiscovery.k8s.io/" + version},
                     {"metadata", Json::object()},
                     {"items", std::move(items)}};
  net::ServerResponse response = answer_json(call, 200, body);
  response.headers.set("Content-Type",
                       "application/json;g=apidiscovery.k8s.io;v=" + version + ";as=APIGroupDiscoveryList");
  response.headers.set("Vary", "Accept");
  return response;
}

Json root_paths() {
  Json paths = Json::array({"/api", "/api/v1", "/apis"});
  for (const std::string& group : groups()) {
    if (group.empty()) continue;
    paths.push_back("/apis/" + group);
    paths.push_back("/apis/" + group + "/v1");
  }
  for (const char* path : {"/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"})
    paths.push_back(path);
  return {{"paths", std::move(paths)}};
}

Json version() {
  return {{"major", "1"},
          {"minor", "26"},
          {"gitVersion", kVersion},
          {"gitCommit", "0000000000000000000000000000000000000000"},
          {"gitTreeState", "clean"},
          {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", "none (fracta devcluster)"},
          {"compiler", "c++"},
          {"platform", "linux/amd64"}};
}

}  // namespace

net::ServerResponse serve_discovery(const Call& call) {
  std::vector<std::string> parts;
  for (const std::string& segment : call.http->segments) {
    if (!segment.empty()) parts.push_back(segment);
  }
  const std::string aggregate = aggregated_version(call);
  if (parts.empty()) return answer_json(call, 200, root_paths());
  if (parts.size() == 1 && parts[0] == "version") return answer_json(call, 200, version());
  if (parts.size() == 1 && parts[0] == "api") {
    if (!aggregate.empty()) return aggregated(call, aggregate, true);
    const std::string host = call.http->headers.get("Host").value_or("");
    return answer_json(
        call, 200,
        {{"kind", "APIVersions"},
         {"versions", {"v1"}},
         {"serverAddressByClientCIDRs", Json::array({{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", host}}})}});
  }
  if (parts.size() == 1 && parts[0] == "apis") {
    if (!aggregate.empty()) return aggregated(call, aggregate, false);
    Json list = Json::array();
    for (const std::string& group : groups()) {
      if (!group.empty()) list.push_back(api_group(group));
    }
    return answer_json(call, 200, {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(list)}});
  }
  if (parts.size() == 2 && parts[0] == "api" && parts[1] == "v1") return answer_json(call, 200, resource_list(""));
  const bool known =
      parts.size() >= 2 && parts[0] == "apis" &&
      std::any_of(kinds().begin(), kinds().end(), [&](const Kind& kind) { return kind.group == parts[1]; });
  if (known && parts.size() == 2) {
    Json group = api_group(parts[1]);
    group["kind"] = "APIGroup";
    group["apiVersion"] = "v1";
    return answer_json(call, 200, group);
  }
  if (known && parts.size() == 3 && parts[2] == "v1") return answer_json(call, 200, resource_list(parts[1]));
  net::ServerResponse none;
  none.status = 0;
  return none;
}

}  // namespace fracta::devcluster
