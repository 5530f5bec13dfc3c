#include "fracta/daemon/validate_server.hpp"

#include <nlohmann/json.hpp>

#include "fracta/agent/build.hpp"
#include "fracta/agent/spec.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "fracta/base/yaml.hpp"
#include "fracta/controlplane/credentials.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::daemon {
namespace {

constexpr const char* kBlock = "runtime.kubernetes";

// "volumes[3].configMap.name" -> index 3, rest ".configMap.name"; empty when `field` is no element of `list`.
struct Element {
  std::size_t index = 0;
  std::string rest;
};
std::optional<Element> element_of(std::string_view field, std::string_view list) {
  if (!field.starts_with(list) || field.size() <= list.size() || field[list.size()] != '[') return std::nullopt;
  field.remove_prefix(list.size() + 1);
  const auto close = field.find(']');
  if (close == std::string_view::npos) return std::nullopt;
  const auto index = parse_int(field.substr(0, close));
  if (!index || *index < 0) return std::nullopt;
  return Element{static_cast<std::size_t>(*index), std::string(field.substr(close + 1))};
}

std::size_t length(const Json* list) { return list != nullptr && list->is_array() ? list->size() : 0; }

// Extras are appended last, so they are the tail of the list in the pod.
std::optional<std::string> extra_path(const std::optional<Element>& element, const Json* in_pod, const Json& extras,
                                      const char* key) {
  if (!element || !extras.is_array()) return std::nullopt;
  const std::size_t total = length(in_pod);
  if (extras.size() > total || element->index < total - extras.size() || element->index >= total) return std::nullopt;
  return join_path(join_path(kBlock, key), element->index - (total - extras.size())) + element->rest;
}

struct Known {
  std::string_view field;  // of the pod spec
  std::string_view path;   // of fracta.yaml
};
constexpr std::array kKnown{
    Known{"serviceAccountName", "runtime.kubernetes.service_account"},
    Known{"nodeSelector", "runtime.kubernetes.node_selector"},
    Known{"tolerations", "runtime.kubernetes.tolerations"},
    Known{"affinity", "runtime.kubernetes.affinity"},
    Known{"imagePullSecrets", "runtime.kubernetes.image_pull_secrets"},
    Known{"priorityClassName", "runtime.kubernetes.priority_class_name"},
    Known{"runtimeClassName", "runtime.kubernetes.runtime_class_name"},
    Known{"terminationGracePeriodSeconds", "runtime.kubernetes.termination_grace_period_seconds"},
    Known{"activeDeadlineSeconds", "runtime.kubernetes.active_deadline_seconds"},
    Known{"securityContext", "runtime.kubernetes.pod_security_context"},
    Known{"containers[0].securityContext", "runtime.kubernetes.container_security_context"},
    Known{"containers[0].resources", "runtime.kubernetes.resources"},
    Known{"containers[0].imagePullPolicy", "runtime.kubernetes.image_pull_policy"},
    Known{"containers[0].image", "runtime.kubernetes.image"},
    Known{"volumes", "runtime.kubernetes.extra_volumes"},
    Known{"containers[0].volumeMounts", "runtime.kubernetes.extra_volume_mounts"},
};

// Paths of the Job and of the Pod differ only in their prefix.
std::string_view inside_pod_spec(std::string_view field) {
  for (const std::string_view prefix : {"spec.template.spec.", "spec."})
    if (field.starts_with(prefix)) return field.substr(prefix.size());
  return field;
}

class Asker {
 public:
  Asker(kube::Client& client, const config::Config& config, const YamlDocument& document, ServerValidation& result)
      : client_(client), config_(config), document_(document), result_(result) {}

  Result<void> ask(const std::string& runtime) {
    agent::AgentSpec spec;
    spec.name = "fracta-config-check-" + random_hex(4);
    spec.runtime = runtime;
    spec.contract = "Check of the configuration; never runs.";
    if (find_command(runtime).empty()) spec.command = {"true"};
    agent::BuildInput input{
        .spec = spec, .config = config_, .spawned_at = format_rfc3339(std::chrono::system_clock::now())};
    std::vector<std::string> warnings;
    // A plan that cannot be made is told by the check of the file; here the pods count.
    if (auto added = controlplane::add_credentials(nullptr, controlplane::CredentialMode::kDryRun, {}, input, warnings);
        !added)
      return {};
    auto objects = agent::build(input);
    if (!objects) {
      add("agents.agent_runtimes." + runtime, runtime + ": " + objects.error().message);
      return {};
    }
    const Json pod = agent::pod_from_job(*objects->owner);
    FRACTA_TRY(post(kube::kJobs, *objects->owner, pod, runtime));
    FRACTA_TRY(post(kube::kPods, pod, pod, runtime));
    result_.asked.push_back("runtime " + runtime + ": Job and Pod, dry run");
    return {};
  }

 private:
  [[nodiscard]] std::vector<std::string> find_command(const std::string& runtime) const {
    const auto found = config_.agent_runtimes.find(runtime);
    return found == config_.agent_runtimes.end() ? std::vector<std::string>{} : found->second.command;
  }

  Result<void> post(const kube::Resource& resource, const Json& object, const Json& pod, const std::string& runtime) {
    kube::WriteOptions options;
    options.dry_run = true;
    options.field_validation = kube::FieldValidation::kStrict;
    const auto answer = client_.create(resource, config_.kubernetes.ns, object, options);
    if (answer) return {};
    const Error& error = answer.error();
    // Without an answer, or when the server does not know or trust us, there is no verdict to report.
    if (error.http_status == 0 || error.http_status == 401 || error.http_status >= 500) return error;
    if (error.causes.empty()) {
      add(kBlock, std::string(resource.kind) + " of runtime " + runtime + ": " + error.message);
      return {};
    }
    const Json* pod_spec = find(pod, "spec");
    for (const auto& cause : error.causes)
      add(config_path_of(cause.field, pod_spec != nullptr ? *pod_spec : pod, config_), cause.message);
    return {};
  }

  // The Job and the Pod, and every runtime, mostly have the same to say: once is enough.
  void add(const std::string& path, const std::string& message) {
    config::Diagnostic diagnostic;
    diagnostic.severity = config::Severity::kError;
    diagnostic.path = path;
    diagnostic.message = "the API server refuses it: " + shorten(message, 2000);
    diagnostic.position = document_.position_of(path);
    for (const auto& known : result_.diagnostics)
      if (known.path == diagnostic.path && known.message == diagnostic.message) return;
    result_.diagnostics.push_back(std::move(diagnostic));
  }

  kube::Client& client_;
  const config::Config& config_;
  const YamlDocument& document_;
  ServerValidation& result_;
};

}  // namespace

std::string config_path_of(std::string_view field, const Json& pod_spec, const config::Config& config) {
  const std::string_view inside = inside_pod_spec(field);
  const Json empty = Json::array();
  const auto& volumes = config.kubernetes.extra_volumes ? *config.kubernetes.extra_volumes : empty;
  const auto& mounts = config.kubernetes.extra_volume_mounts ? *config.kubernetes.extra_volume_mounts : empty;
  if (auto path = extra_path(element_of(inside, "volumes"), find(pod_spec, "volumes"), volumes, "extra_volumes"))
    return *path;
  const Json* containers = find(pod_spec, "containers");
  const Json* main =
      containers != nullptr && containers->is_array() && !containers->empty() ? &containers->front() : nullptr;
  if (auto path = extra_path(element_of(inside, "containers[0].volumeMounts"),
                             main ? find(*main, "volumeMounts") : nullptr, mounts, "extra_volume_mounts"))
    return *path;
  for (const auto& known : kKnown)
    if (inside.starts_with(known.field)) return std::string(known.path);
  return kBlock;
}

Result<ServerValidation> validate_on_server(const config::Config& config, std::string_view config_text,
                                            const ServerValidationOptions& options) {
  const auto parsed = parse_yaml_document(config_text);
  if (const auto* broken = std::get_if<YamlError>(&parsed)) return make_error(ErrorCode::kInvalid, broken->message);
  const RealClock clock;
  auto identity = kube::load_client_config({.kubeconfig = options.kubeconfig, .context = options.context}, clock);
  if (!identity) return identity.error();
  ServerValidation result;
  result.server = identity->server.to_string();
  auto client = kube::Client::create(std::move(*identity), clock, {.user_agent = "fracta-config-validate"});
  if (!client) return client.error();
  Asker asker(**client, config, std::get<YamlDocument>(parsed), result);
  if (config.agent_runtimes.empty()) FRACTA_TRY(asker.ask(config.default_runtime));
  for (const auto& [name, runtime] : config.agent_runtimes) FRACTA_TRY(asker.ask(name));
  return result;
}

}  // namespace fracta::daemon
