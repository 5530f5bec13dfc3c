#include "cli/waiting.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/agent_view.hpp"
#include "cli/event_stream.hpp"
#include "fracta/base/json.hpp"

namespace fracta::cli {
namespace {

enum class Verdict { kNotYet, kMet, kImpossible };

Verdict judge(const Json& agent, WaitFor condition) {
  const std::string status = string_at(agent, "status");
  const bool ended = is_terminal(agent);
  switch (condition) {
    case WaitFor::kCompleted:
      return status == "Completed" ? Verdict::kMet : ended ? Verdict::kImpossible : Verdict::kNotYet;
    case WaitFor::kRunning:
      if (status == "Running" || status == "Idle" || status == "Completed") return Verdict::kMet;
      return ended ? Verdict::kImpossible : Verdict::kNotYet;
    case WaitFor::kReady:
      if (bool_at(agent, "ready") && !ended) return Verdict::kMet;
      return ended ? Verdict::kImpossible : Verdict::kNotYet;
    case WaitFor::kDeleted:
      return Verdict::kNotYet;
  }
  return Verdict::kNotYet;
}

// Only the agent's own state counts: frames of one agent's stream carry it as "agent" (snapshot) or "Agent".
const Json* agent_of(const Json& data) {
  const Json* agent = find(data, "Agent");
  return agent != nullptr ? agent : find(data, "agent");
}

}  // namespace

int wait_for_agent(ApiClient& client, const std::string& name, WaitFor condition,
                   std::chrono::steady_clock::time_point deadline, Context& context) {
  Verdict verdict = Verdict::kNotYet;
  bool removed = false;
  std::string last_state = "not seen yet";
  const FollowOptions options{.target = agent_target(name, "/watch"), .since = "", .deadline = deadline};
  const auto result = follow_events(client, options, context, [&](const net::ServerSentEvent& event) {
    const auto data = parse_json(event.data);
    if (event.event == "removed") removed = true;
    if (const Json* agent = data ? agent_of(*data) : nullptr; agent && agent->is_object() && !removed) {
      verdict = judge(*agent, condition);
      last_state = state_text(*agent);
    }
    return verdict == Verdict::kNotYet && !removed;
  });
  if (!result && result.error().http_status == 404) removed = true;
  const std::string id = "agent/" + bare_name(name);
  if (verdict == Verdict::kMet || (removed && condition == WaitFor::kDeleted)) {
    context.out << id << " condition met\n";
    return kExitOk;
  }
  if (verdict == Verdict::kImpossible) {
    context.err << "error: " << id << " is " << last_state << "\n";
    return kExitFailed;
  }
  if (removed && !result) return report(result.error(), context);
  if (removed) {
    context.err << "error: " << id << " was removed from the cluster; last state: " << last_state << "\n";
    return kExitFailed;
  }
  if (result.error().code == ErrorCode::kDeadlineExceeded && result.error().http_status == 0) {
    context.err << "error: timed out waiting for the condition on " << id << "; last state: " << last_state << "\n";
    return kExitFailed;
  }
  return report(result.error(), context);
}

}  // namespace fracta::cli
