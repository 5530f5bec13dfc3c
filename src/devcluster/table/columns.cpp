#include "devcluster/table/columns.hpp"

#include <fmt/format.h>

#include <map>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

std::string name_of(const Json& object) { return string_at(object, "metadata/name"); }
std::size_t size_at(const Json& object, std::string_view path) {
  const Json* found = find_path(object, path);
  return found == nullptr ? 0 : found->size();
}

Json job_cells(const Json& job, SystemTime now) {
  const auto completions = int_at(job, "spec/completions");
  const std::int64_t succeeded = int_at(job, "status/succeeded").value_or(0);
  const std::int64_t parallelism = int_at(job, "spec/parallelism").value_or(0);
  std::string done = fmt::format("{}/1", succeeded);
  if (completions)
    done = fmt::format("{}/{}", succeeded, *completions);
  else if (parallelism > 1)
    done = fmt::format("{}/1 of {}", succeeded, parallelism);
  std::string duration;
  if (const auto start = parse_rfc3339(string_at(job, "status/startTime"))) {
    duration = human_duration(parse_rfc3339(string_at(job, "status/completionTime")).value_or(now) - *start);
  }
  const Json* spec = find_path(job, "spec/template/spec");
  const Json none;
  return Json::array({name_of(job), done, duration, age(job, now), container_names(spec ? *spec : none),
                      container_images(spec ? *spec : none), selector_text(find_path(job, "spec/selector"))});
}

Json claim_cells(const Json& claim, SystemTime now) {
  const bool deleting = find_path(claim, "metadata/deletionTimestamp") != nullptr;
  const std::string volume = string_at(claim, "spec/volumeName");
  std::vector<std::string> modes;
  std::string capacity;
  if (!volume.empty()) {
    capacity = string_at(claim, "status/capacity/storage", "0");
    static const std::map<std::string, std::string> kShort = {
        {"ReadWriteOnce", "RWO"}, {"ReadOnlyMany", "ROX"}, {"ReadWriteMany", "RWX"}, {"ReadWriteOncePod", "RWOP"}};
    if (const Json* list = find_path(claim, "status/accessModes")) {
      for (const Json& mode : *list) {
        const auto found = kShort.find(mode.is_string() ? mode.get<std::string>() : "");
        if (found != kShort.end()) modes.push_back(found->second);
      }
    }
  }
  return Json::array({name_of(claim), deleting ? "Terminating" : string_at(claim, "status/phase"), volume, capacity,
                      join(modes, ","), string_at(claim, "spec/storageClassName"), age(claim, now),
                      string_at(claim, "spec/volumeMode", "<unset>")});
}

Json deployment_cells(const Json& deployment, SystemTime now) {
  const auto count = [&](const char* path) { return int_at(deployment, path).value_or(0); };
  const Json* spec = find_path(deployment, "spec/template/spec");
  const Json none;
  return Json::array({name_of(deployment), fmt::format("{}/{}", count("status/readyReplicas"), count("spec/replicas")),
                      count("status/updatedReplicas"), count("status/availableReplicas"), age(deployment, now),
                      container_names(spec ? *spec : none), container_images(spec ? *spec : none),
                      selector_text(find_path(deployment, "spec/selector"))});
}

Json replica_set_cells(const Json& set, SystemTime now) {
  const auto count = [&](const char* path) { return int_at(set, path).value_or(0); };
  const Json* spec = find_path(set, "spec/template/spec");
  const Json none;
  return Json::array({name_of(set), count("spec/replicas"), count("status/replicas"), count("status/readyReplicas"),
                      age(set, now), container_names(spec ? *spec : none), container_images(spec ? *spec : none),
                      selector_text(find_path(set, "spec/selector"))});
}

std::string node_address(const Json& node, std::string_view type) {
  if (const Json* addresses = find_path(node, "status/addresses")) {
    for (const Json& address : *addresses) {
      if (string_at(address, "type") == type) return string_at(address, "address");
    }
  }
  return "<none>";
}

Json node_cells(const Json& node, SystemTime now) {
  std::string status = "Unknown";
  if (const Json* conditions = find_path(node, "status/conditions")) {
    for (const Json& condition : *conditions) {
      if (string_at(condition, "type") == "Ready")
        status = string_at(condition, "status") == "True" ? "Ready" : "NotReady";
    }
  }
  if (bool_at(node, "spec/unschedulable")) status += ",SchedulingDisabled";
  std::vector<std::string> roles;
  if (const Json* labels = find_path(node, "metadata/labels")) {
    for (const auto& [key, value] : labels->items()) {
      constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
      if (key.starts_with(kPrefix)) roles.push_back(key.substr(kPrefix.size()));
    }
  }
  return Json::array({name_of(node), status, or_none(join(roles, ",")), age(node, now),
                      string_at(node, "status/nodeInfo/kubeletVersion"), node_address(node, "InternalIP"),
                      node_address(node, "ExternalIP"), string_at(node, "status/nodeInfo/osImage", "<unknown>"),
                      string_at(node, "status/nodeInfo/kernelVersion", "<unknown>"),
                      string_at(node, "status/nodeInfo/containerRuntimeVersion", "<unknown>")});
}

Json service_cells(const Json& service, SystemTime now) {
  std::vector<std::string> ports;
  if (const Json* list = find_path(service, "spec/ports")) {
    for (const Json& port : *list) {
      const auto node_port = int_at(port, "nodePort").value_or(0);
      ports.push_back(
          node_port > 0
              ? fmt::format("{}:{}/{}", int_at(port, "port").value_or(0), node_port, string_at(port, "protocol"))
              : fmt::format("{}/{}", int_at(port, "port").value_or(0), string_at(port, "protocol")));
    }
  }
  std::vector<std::string> selector;
  if (const Json* labels = find_path(service, "spec/selector")) {
    for (const auto& [key, value] : labels->items())
      selector.push_back(fmt::format("{}={}", key, value.is_string() ? value.get<std::string>() : ""));
  }
  return Json::array({name_of(service), string_at(service, "spec/type"), string_at(service, "spec/clusterIP", "<none>"),
                      "<none>", or_none(join(ports, ",")), age(service, now), or_none(join(selector, ","))});
}

Json binding_cells(const Json& binding, SystemTime now) {
  std::vector<std::string> users, groups, accounts;
  if (const Json* subjects = find(binding, "subjects")) {
    for (const Json& subject : *subjects) {
      const std::string kind = string_at(subject, "kind");
      if (kind == "User")
        users.push_back(string_at(subject, "name"));
      else if (kind == "Group")
        groups.push_back(string_at(subject, "name"));
      else
        accounts.push_back(string_at(subject, "namespace") + "/" + string_at(subject, "name"));
    }
  }
  return Json::array({name_of(binding), string_at(binding, "roleRef/kind") + "/" + string_at(binding, "roleRef/name"),
                      age(binding, now), join(users, ", "), join(groups, ", "), join(accounts, ", ")});
}

Json quota_part(const Json& quota, bool limits) {
  std::vector<std::string> parts;
  if (const Json* hard = find_path(quota, "status/hard")) {
    for (const auto& [key, value] : hard->items()) {
      if (key.starts_with("limits.") != limits) continue;
      const Json* used = find_path(quota, "status/used");
      parts.push_back(fmt::format("{}: {}/{}", key, used == nullptr ? "0" : used->value(key, "0"),
                                  value.is_string() ? value.get<std::string>() : ""));
    }
  }
  return join(parts, ", ");
}

const Column kName{"Name", "string", "name", 0};
const Column kAge{"Age"};

std::map<std::string, TableLayout> build_layouts() {
  std::map<std::string, TableLayout> all;
  all["pods"] = {{kName,
                  {"Ready"},
                  {"Status"},
                  {"Restarts"},
                  kAge,
                  {"IP", "string", "", 1},
                  {"Node", "string", "", 1},
                  {"Nominated Node", "string", "", 1},
                  {"Readiness Gates", "string", "", 1}},
                 pod_cells};
  const std::vector<Column> workload = {
      {"Containers", "string", "", 1}, {"Images", "string", "", 1}, {"Selector", "string", "", 1}};
  const auto with = [](std::vector<Column> columns, const std::vector<Column>& more) {
    columns.insert(columns.end(), more.begin(), more.end());
    return columns;
  };
  all["jobs"] = {with({kName, {"Completions"}, {"Duration"}, kAge}, workload), job_cells};
  all["deployments"] = {with({kName, {"Ready"}, {"Up-to-date"}, {"Available"}, kAge}, workload), deployment_cells};
  all["replicasets"] = {
      with({kName, {"Desired", "integer"}, {"Current", "integer"}, {"Ready", "integer"}, kAge}, workload),
      replica_set_cells};
  all["configmaps"] = {{kName, {"Data"}, kAge}, [](const Json& o, SystemTime now) {
                         return Json::array({name_of(o), size_at(o, "data") + size_at(o, "binaryData"), age(o, now)});
                       }};
  all["secrets"] = {{kName, {"Type"}, {"Data"}, kAge}, [](const Json& o, SystemTime now) {
                      return Json::array({name_of(o), string_at(o, "type"), size_at(o, "data"), age(o, now)});
                    }};
  all["serviceaccounts"] = {{kName, {"Secrets"}, kAge}, [](const Json& o, SystemTime now) {
                              return Json::array({name_of(o), size_at(o, "secrets"), age(o, now)});
                            }};
  all["namespaces"] = {{kName, {"Status"}, kAge}, [](const Json& o, SystemTime now) {
                         return Json::array({name_of(o), string_at(o, "status/phase"), age(o, now)});
                       }};
  all["events"] = {{{"Last Seen"},
                    {"Type"},
                    {"Reason"},
                    {"Object"},
                    {"Subobject", "string", "", 1},
                    {"Source", "string", "", 1},
                    {"Message"},
                    {"First Seen", "string", "", 1},
                    {"Count", "string", "", 1},
                    {"Name", "string", "name", 1}},
                   event_cells};
  all["persistentvolumeclaims"] = {{kName,
                                    {"Status"},
                                    {"Volume"},
                                    {"Capacity"},
                                    {"Access Modes"},
                                    {"StorageClass"},
                                    kAge,
                                    {"VolumeMode", "string", "", 1}},
                                   claim_cells};
  all["leases"] = {{kName, {"Holder"}, kAge}, [](const Json& o, SystemTime now) {
                     return Json::array({name_of(o), string_at(o, "spec/holderIdentity"), age(o, now)});
                   }};
  all["nodes"] = {{kName,
                   {"Status"},
                   {"Roles"},
                   kAge,
                   {"Version"},
                   {"Internal-IP", "string", "", 1},
                   {"External-IP", "string", "", 1},
                   {"OS-Image", "string", "", 1},
                   {"Kernel-Version", "string", "", 1},
                   {"Container-Runtime", "string", "", 1}},
                  node_cells};
  all["services"] = {
      {kName, {"Type"}, {"Cluster-IP"}, {"External-IP"}, {"Port(s)"}, kAge, {"Selector", "string", "", 1}},
      service_cells};
  const auto role = [](const Json& o, SystemTime) {
    return Json::array({name_of(o), string_at(o, "metadata/creationTimestamp")});
  };
  all["roles"] = {{kName, {"Created At", "date"}}, role};
  all["clusterroles"] = all["roles"];
  all["rolebindings"] = {{kName,
                          {"Role"},
                          kAge,
                          {"Users", "string", "", 1},
                          {"Groups", "string", "", 1},
                          {"ServiceAccounts", "string", "", 1}},
                         binding_cells};
  all["clusterrolebindings"] = all["rolebindings"];
  all["networkpolicies"] = {
      {kName, {"Pod-Selector"}, kAge}, [](const Json& o, SystemTime now) {
        return Json::array({name_of(o), selector_text(find_path(o, "spec/podSelector")), age(o, now)});
      }};
  all["resourcequotas"] = {{kName, kAge, {"Request"}, {"Limit"}}, [](const Json& o, SystemTime now) {
                             return Json::array({name_of(o), age(o, now), quota_part(o, false), quota_part(o, true)});
                           }};
  all["priorityclasses"] = {
      {kName, {"Value", "integer"}, {"Global-Default", "boolean"}, kAge}, [](const Json& o, SystemTime now) {
        return Json::array({name_of(o), int_at(o, "value").value_or(0), bool_at(o, "globalDefault"), age(o, now)});
      }};
  all[""] = {{kName, {"Created At", "date"}}, role};
  return all;
}

}  // namespace

std::string or_none(std::string text) { return text.empty() ? "<none>" : std::move(text); }

std::string since(const Json& object, std::string_view path, SystemTime now) {
  const auto time = parse_rfc3339(string_at(object, path));
  return time ? human_duration(now - *time) : "<unknown>";
}

std::string age(const Json& object, SystemTime now) { return since(object, "metadata/creationTimestamp", now); }

std::string container_names(const Json& pod_spec) {
  std::vector<std::string> names;
  if (const Json* containers = find(pod_spec, "containers")) {
    for (const Json& container : *containers) names.push_back(string_at(container, "name"));
  }
  return join(names, ",");
}

std::string container_images(const Json& pod_spec) {
  std::vector<std::string> images;
  if (const Json* containers = find(pod_spec, "containers")) {
    for (const Json& container : *containers) images.push_back(string_at(container, "image"));
  }
  return join(images, ",");
}

std::string selector_text(const Json* selector) {
  if (selector == nullptr) return "<none>";
  std::vector<std::string> parts;
  if (const Json* labels = find(*selector, "matchLabels")) {
    for (const auto& [key, value] : labels->items())
      parts.push_back(fmt::format("{}={}", key, value.is_string() ? value.get<std::string>() : ""));
  }
  if (const Json* expressions = find(*selector, "matchExpressions")) {
    for (const Json& expression : *expressions) {
      const std::string op = string_at(expression, "operator");
      std::vector<std::string> values;
      if (const Json* list = find(expression, "values")) {
        for (const Json& value : *list) values.push_back(value.is_string() ? value.get<std::string>() : "");
      }
      const std::string key = string_at(expression, "key");
      if (op == "Exists")
        parts.push_back(key);
      else if (op == "DoesNotExist")
        parts.push_back("!" + key);
      else
        parts.push_back(fmt::format("{} {} ({})", key, op == "In" ? "in" : "notin", join(values, ",")));
    }
  }
  return or_none(join(parts, ","));
}

Json event_cells(const Json& event, SystemTime now) {
  std::string first = since(event, "firstTimestamp", now);
  if (string_at(event, "firstTimestamp").empty()) first = since(event, "eventTime", now);
  std::string last = string_at(event, "lastTimestamp").empty() ? first : since(event, "lastTimestamp", now);
  std::int64_t count = int_at(event, "count").value_or(0);
  if (find_path(event, "series/count") != nullptr) {
    last = since(event, "series/lastObservedTime", now);
    count = int_at(event, "series/count").value_or(0);
  } else if (count == 0) {
    count = 1;
  }
  const std::string kind = to_lower(string_at(event, "involvedObject/kind"));
  const std::string name = string_at(event, "involvedObject/name");
  std::string source = string_at(event, "source/component");
  if (source.empty()) source = string_at(event, "reportingComponent");
  std::string host = string_at(event, "source/host");
  if (host.empty()) host = string_at(event, "reportingInstance");
  if (!host.empty()) source += ", " + host;
  return Json::array({last, string_at(event, "type"), string_at(event, "reason"),
                      name.empty() ? kind : kind + "/" + name, string_at(event, "involvedObject/fieldPath"), source,
                      std::string(trim(string_at(event, "message"))), first, count, name_of(event)});
}

const TableLayout& table_layout(const Kind& kind) {
  static const std::map<std::string, TableLayout> layouts = build_layouts();
  const auto found = layouts.find(kind.plural);
  return found == layouts.end() ? layouts.find("")->second : found->second;
}

}  // namespace fracta::devcluster
