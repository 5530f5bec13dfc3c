#include "controlplane/prepare.hpp"

#include <algorithm>

#include "controlplane/stored_credentials.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::controlplane {

namespace {

Error invalid(std::string message) { return make_error(ErrorCode::kInvalid, std::move(message)); }

Result<agent::Mode> parse_mode(const std::string& text) {
  if (text == "batch") return agent::Mode::kBatch;
  if (text == "stream") return agent::Mode::kStream;
  return invalid("invalid mode \"" + shorten(text, 64) + "\": must be one of [batch stream]");
}

Result<void> check_dispatch(const std::string& dispatch) {
  if (dispatch.empty() || dispatch == "direct") return {};
  if (dispatch == "queued")
    return invalid("dispatch \"queued\" is not available in this version: leave dispatch empty or use \"direct\"");
  return invalid("invalid dispatch \"" + shorten(dispatch, 64) + "\": must be \"\" or \"direct\"");
}

Result<void> check_request_id(const std::string& id) {
  auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == ':' || c == '-';
  };
  if (id.size() > 128 || !std::all_of(id.begin(), id.end(), fits))
    return invalid("invalid request_id: at most 128 characters of [A-Za-z0-9._:-]");
  return {};
}

}  // namespace

Result<agent::AgentSpec> make_spec(const SpawnRequest& request, const config::Config& config) {
  FRACTA_TRY(agent::validate_name(request.task));
  FRACTA_TRY(check_dispatch(request.dispatch));
  FRACTA_TRY(check_request_id(request.request_id));
  if (request.staged_credentials)
    return invalid("staged_credential_refs: credential staging is not available in this version");
  agent::AgentSpec spec;
  spec.name = request.task;
  auto mode = parse_mode(request.mode.empty() ? config.default_mode : request.mode);
  if (!mode) return mode.error();
  spec.mode = *mode;
  spec.runtime = request.runtime.empty() ? config.default_runtime : request.runtime;
  auto runtime = config.agent_runtimes.find(spec.runtime);
  if (runtime == config.agent_runtimes.end())
    return invalid("runtime \"" + shorten(spec.runtime, 64) + "\" not configured in fracta.yaml agents.agent_runtimes");
  auto model = agent::resolve_model(runtime->second, request.model, request.tier);
  if (!model) return model.error();
  spec.model = *model;
  spec.tier = request.tier;
  spec.contract = request.contract;
  spec.command = request.command;
  spec.image = request.image;
  spec.resources = request.resources;
  spec.labels = request.labels;
  spec.requested_by = request.requested_by;
  if (request.active_deadline_seconds && *request.active_deadline_seconds <= 0)
    return invalid("active_deadline_seconds must be greater than 0");
  spec.active_deadline_seconds = request.active_deadline_seconds;
  return spec;
}

Result<Prepared> prepare(const SpawnRequest& request, const config::Config& config, const Clock& clock,
                         const CredentialSources& sources, CredentialMode mode, const std::stop_token& stop) {
  auto spec = make_spec(request, config);
  if (!spec) return spec.error();
  Prepared prepared;
  prepared.spec = *std::move(spec);
  agent::BuildInput input{.spec = prepared.spec,
                          .config = config,
                          .spawned_at = format_rfc3339(clock.system_now()),
                          .stream_token = prepared.spec.mode == agent::Mode::kStream ? random_hex(32) : "",
                          .auth_secret_data = {},
                          .auth_mount_path = {},
                          .credential_env = {},
                          .credential_files = {}};
  // First: a missing one must not have run any command.
  FRACTA_TRY(add_stored_credentials(sources.stored, sources.endpoint, request, input, prepared.warnings));
  FRACTA_TRY(add_credentials(sources.origins, mode, stop, input, prepared.warnings));
  prepared.secret_annotations = input.auth_secret_annotations;
  auto objects = agent::build(input);
  if (!objects) return objects.error();
  prepared.objects = *std::move(objects);
  prepared.client_request_id = !request.request_id.empty();
  prepared.request_id = prepared.client_request_id ? request.request_id : random_uuid();
  auto& notes = (*prepared.objects.owner)["metadata"]["annotations"];
  notes[annotations::kRequestId] = prepared.request_id;
  if (const auto* hash = find(notes, agent::annotations::kSpecHash); hash && hash->is_string())
    prepared.spec_hash = *hash;
  if (!request.base_branch.empty())
    prepared.warnings.push_back("base_branch is ignored: agents in Kubernetes have no git worktree");
  if (!request.objective_id.empty())
    prepared.warnings.push_back("objective_id is ignored: objectives are not available in this version");
  return prepared;
}

SpawnResult make_result(const Prepared& prepared, const config::Config& config) {
  SpawnResult result;
  result.name = prepared.spec.name;
  result.id = prepared.objects.id;
  result.kind = prepared.objects.is_stream() ? "Pod" : "Job";
  result.object = owner_name(prepared.objects);
  result.ns = config.kubernetes.ns;
  result.mode = agent::to_string(prepared.spec.mode);
  result.runtime = prepared.spec.runtime;
  result.model = prepared.spec.model;
  result.phase = "Pending";
  result.warnings = prepared.warnings;
  return result;
}

std::string owner_name(const agent::AgentObjects& objects) { return string_at(*objects.owner, "metadata/name"); }

}  // namespace fracta::controlplane
