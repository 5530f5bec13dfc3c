#include "cli/agent_view.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::cli {
namespace {

std::string age(const Json& agent) {
  const auto seconds = int_at(agent, "age_seconds");
  return seconds && *seconds >= 0 ? human_duration(std::chrono::seconds{*seconds}) : "<unknown>";
}

}  // namespace

std::vector<std::string> agent_columns(bool wide) {
  std::vector<std::string> columns{"NAME", "STATUS", "REASON", "READY", "MODE", "RUNTIME", "AGE"};
  if (wide) columns.insert(columns.end(), {"RESTARTS", "MODEL", "POD", "IP", "NODE"});
  return columns;
}

std::vector<std::string> agent_row(const Json& agent, bool wide) {
  std::vector<std::string> row{string_at(agent, "name"),
                               string_at(agent, "status"),
                               string_at(agent, "reason"),
                               bool_at(agent, "ready") ? "true" : "false",
                               string_at(agent, "mode"),
                               string_at(agent, "runtime"),
                               age(agent)};
  if (wide) {
    row.insert(row.end(), {std::to_string(int_at(agent, "restarts").value_or(0)), string_at(agent, "model"),
                           string_at(agent, "pod_name"), string_at(agent, "pod_ip"), string_at(agent, "node")});
  }
  return row;
}

bool is_terminal(const Json& agent) {
  const std::string status = string_at(agent, "status");
  return status == "Completed" || status == "Failed" || status == "Stopped";
}

std::string state_text(const Json& agent) {
  std::string text = string_at(agent, "status", "Unknown");
  const std::string reason = string_at(agent, "reason");
  const std::string message = string_at(agent, "message");
  if (reason.empty() && message.empty()) return text;
  return text + " (" + reason + (reason.empty() || message.empty() ? "" : ": ") + message + ")";
}

std::string bare_name(std::string name) {
  for (const char* prefix : {"agents/", "agent/"})
    if (name.starts_with(prefix)) return name.substr(std::string(prefix).size());
  return name;
}

}  // namespace fracta::cli
