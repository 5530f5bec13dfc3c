// pods/exec and pods/attach.
#include <fmt/format.h>

#include "devcluster/front/pod_container.hpp"
#include "devcluster/front/session.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

struct Target {
  RecordPtr pod;
  NodeExecOptions options;
  NodeServices* node = nullptr;  // null: nothing runs
};

// The API server's own checks, before it turns to the node.
Outcome<Target> find_target(const Call& call, const Services& services) {
  auto record = services.registry->get(*call.kind, call.ns, call.name);
  if (!record.ok()) return record.failure();
  auto container = choose_container((*record)->object, call.parameter("container"));
  if (!container.ok()) return container.failure();
  if (string_at((*record)->object, "spec/nodeName").empty())
    return bad_request(fmt::format("pod {} does not have a host assigned", call.name));
  Target target{*record, {}, services.node ? services.node() : nullptr};
  target.options.container = *container;
  if (target.node != nullptr && !target.node->is_running(target.pod->object, *container)) target.node = nullptr;
  return target;
}

}  // namespace

net::ServerResponse serve_exec(Call& call, const Services& services) {
  auto target = find_target(call, services);
  if (!target.ok()) return answer_failure(call, target.failure());
  Session session;
  session.options = session_options(call);
  session.failure_prefix = "error executing command in container: ";
  NodeExecOptions& options = target->options;
  for (const auto& [name, value] : call.http->query)
    if (name == "command") options.command.push_back(value);
  options.stdin_open = session.options.in;
  options.tty = session.options.tty;
  session.command = options.command;
  if (target->node == nullptr) session.refusal = fmt::format("container not found (\"{}\")", options.container);
  session.work = [target = *target](ExecStreams& streams) {
    return target.node->exec(target.pod->object, target.options, streams);
  };
  return serve_session(call, std::move(session));
}

net::ServerResponse serve_attach(Call& call, const Services& services) {
  auto target = find_target(call, services);
  if (!target.ok()) return answer_failure(call, target.failure());
  Session session;
  session.options = session_options(call);
  session.failure_prefix = "error attaching to container: ";
  target->options.stdin_open = session.options.in;
  if (target->node == nullptr)
    session.refusal = fmt::format("container {} not found in pod {}_{}", target->options.container, call.name, call.ns);
  session.work = [target = *target](ExecStreams& streams) -> Result<int> {
    FRACTA_TRY(target.node->attach(target.pod->object, target.options, streams));
    return 0;
  };
  return serve_session(call, std::move(session));
}

}  // namespace fracta::devcluster
