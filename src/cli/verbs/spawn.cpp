// fracta spawn
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/agent_view.hpp"
#include "cli/api_client.hpp"
#include "cli/output.hpp"
#include "cli/spawn_request.hpp"
#include "cli/verbs.hpp"
#include "cli/waiting.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"

namespace fracta::cli {
namespace {

constexpr int kAttempts = 3;

// An answer may be lost on its way; the request id makes a repetition mean the same agent, never a second one.
Result<Json> send(ApiClient& client, Json body, Context& context) {
  body["request_id"] = random_uuid();
  Backoff backoff(
      {.initial = std::chrono::milliseconds{300}, .maximum = std::chrono::seconds{3}, .factor = 2.0, .jitter = 1.0});
  for (int attempt = 1;; ++attempt) {
    auto answer = client.call("POST", "/api/v1/agents", &body);
    if (answer || attempt == kAttempts) return answer;
    const auto code = answer.error().code;
    if (code != ErrorCode::kUnavailable && code != ErrorCode::kDeadlineExceeded) return answer;
    if (!wait_for(context.stop, backoff.next())) return answer;
  }
}

int dry_run(ApiClient& client, const SpawnArgs& args, const Json& body, Context& context) {
  auto answer = client.call("POST", "/api/v1/agents?dryRun=" + args.dry_run, &body);
  if (!answer) return report(answer.error(), context);
  print_warnings(*answer, context);
  const std::string name = "agent/" + bare_name(args.name);
  if (args.output == Output::kDefault) {
    context.out << name << " spawned (" << (args.dry_run == "server" ? "server dry run" : "dry run") << ")\n";
  } else if (args.output == Output::kName) {
    context.out << name << "\n";
  } else if (const Json* objects = find(*answer, "objects"); objects && objects->is_array()) {
    print_objects(*objects, args.output, context);
  }
  return kExitOk;
}

// The daemon serves one namespace; -n names the one the user means, so a mismatch must stop the spawn before it
// happens.
Result<void> check_namespace(ApiClient& client, const Json& body, const std::string& ns) {
  auto answer = client.call("POST", "/api/v1/agents?dryRun=client", &body);
  if (!answer) return answer.error();
  const Json* objects = find(*answer, "objects");
  const std::string actual =
      objects && objects->is_array() && !objects->empty() ? string_at(objects->front(), "metadata/namespace") : "";
  if (actual == ns) return {};
  return make_error(ErrorCode::kInvalid,
                    "the controlplane at " + client.url() + " spawns into namespace " + actual + ", not " + ns);
}

}  // namespace

int run_verb(const SpawnArgs& args, const ClientArgs& client_args, Context& context) {
  if (args.host_type_used) context.err << "Warning: --host-type is deprecated, use --runtime\n";
  auto body = spawn_request(args, context);
  if (!body) {
    report(body.error(), context);
    return body.error().code == ErrorCode::kInvalid ? kExitUsage : kExitFailed;
  }
  auto client = ApiClient::connect(client_args, context);
  if (!client) return report(client.error(), context);
  if (!client_args.ns.empty())
    if (auto same = check_namespace(*client, *body, client_args.ns); !same) return report(same.error(), context);
  if (!args.dry_run.empty()) return dry_run(*client, args, *body, context);

  auto answer = send(*client, *body, context);
  if (!answer) return report(answer.error(), context);
  print_warnings(*answer, context);
  const std::string name = string_at(*answer, "agent", bare_name(args.name));
  if (args.output == Output::kJson || args.output == Output::kYaml) {
    print_data(*answer, args.output, context);
  } else {
    context.out << "agent/" << name << (args.output == Output::kName ? "" : " spawned") << "\n";
  }
  context.out.flush();
  if (!args.wait) return kExitOk;
  const auto limit = args.timeout.count() > 0 ? args.timeout : std::chrono::hours{1};
  const WaitFor condition = string_at(*answer, "mode") == "stream" ? WaitFor::kReady : WaitFor::kCompleted;
  return wait_for_agent(*client, name, condition, std::chrono::steady_clock::now() + limit, context);
}

}  // namespace fracta::cli
