// fracta.yaml as values. Field names, meaning and defaults: shared/reference/fracta-upstream.md §1
// (docs/configuration.md). Blocks that only other upstream processes read (gateway, mcp_servers, ontology, ...) are
// accepted and kept in `other`.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"

namespace fracta::config {

using StringMap = std::map<std::string, std::string>;

struct SecretKeyRef {
  std::string name;
  std::string key;
  bool optional = false;  // a missing Secret or key does not keep the container from starting
};

// agents.agent_runtimes.<r>.kubernetes.env[]
struct EnvVar {
  std::string name;
  std::string value;
  std::optional<SecretKeyRef> secret_ref;  // then value is empty
};

struct Resources {  // Kubernetes quantities, checked; empty = not set
  std::string cpu_request, cpu_limit, memory_request, memory_limit;
  [[nodiscard]] bool empty() const {
    return cpu_request.empty() && cpu_limit.empty() && memory_request.empty() && memory_limit.empty();
  }
};

enum class PodSecurity {
  kDefault,     // key absent: seccomp RuntimeDefault and no privilege escalation; root images keep working
  kRestricted,  // everything Pod Security "restricted" asks for
  kBaseline,
  kNone,  // nothing set by Fracta
};

struct KubernetesConfig {
  std::string ns = "fracta";  // key: namespace
  std::string image;
  std::string image_pull_policy;  // "", Always, IfNotPresent, Never
  std::string service_account;
  std::string pvc;
  std::string pvc_mount_path = "/workspace";
  StringMap labels;
  StringMap annotations;
  StringMap node_selector;
  std::shared_ptr<const Json> tolerations;  // array of corev1.Toleration (upstream's strings are converted); never null
  std::shared_ptr<const Json> affinity;     // corev1.Affinity or null pointer
  Resources resources;
  int job_ttl_seconds = 300;
  std::shared_ptr<const Json> extra_volumes;        // array of corev1.Volume, YAML already normalised; never null
  std::shared_ptr<const Json> extra_volume_mounts;  // array of corev1.VolumeMount; never null

  // Beyond upstream.
  std::optional<std::int64_t> active_deadline_seconds;
  std::vector<std::string> image_pull_secrets;
  std::string priority_class_name;
  std::string runtime_class_name;
  PodSecurity pod_security = PodSecurity::kDefault;
  std::shared_ptr<const Json>
      pod_security_context;  // corev1.PodSecurityContext, overrides pod_security's fields; or null pointer
  std::shared_ptr<const Json> container_security_context;  // corev1.SecurityContext; or null pointer
  bool automount_service_account_token = false;
  std::optional<std::int64_t> termination_grace_period_seconds;
};

struct AuthOrigin {
  std::string type;   // http_header_token | command_output | secret_env
  std::string scope;  // agent_runtime | host_edge | any
  std::vector<std::string> command;
  std::string delivery;  // file_mount | env | staged_secret
  std::string path;
  bool required = true;
  std::string request_method, request_url;
  StringMap request_headers;
  std::string extract_header;
  std::string env_name;
  std::optional<SecretKeyRef> secret_ref;
  // Beyond upstream.
  std::int64_t ttl_ms = 0;      // life of what the command prints, when the output itself does not say; 0 = unknown
  std::int64_t timeout_ms = 0;  // <= 0: 30000
  std::vector<std::string> pass_env;  // variables of the daemon the command may see, besides PATH, HOME and LANG
};

struct AuthResolver {
  std::string type;                  // command
  std::vector<std::string> command;  // a bare name or an argv
  std::int64_t ttl_ms = 0;           // <= 0: 60000
  std::vector<std::string> order;    // deprecated
};

struct AuthBinding {
  std::string type;  // claude_api_key_helper | bearer_env | token_file
  std::string runtime_auth_resolver;
  std::string auth_origin;
  std::string env_name;
};

struct AuthAssertions {
  std::vector<std::string> require_env, forbid_env, require_source, warn_if_missing_env;
};

struct AuthProfile {
  std::map<std::string, AuthOrigin> auth_origins;
  std::map<std::string, AuthResolver> runtime_auth_resolvers;
  StringMap env;
  // Names in `env` whose value nobody should see: by their name, or because ${TOKEN} or the like stood in it.
  std::set<std::string> secret_env;
  std::optional<AuthBinding> default_binding;
  AuthAssertions assertions;
};

struct AgentRuntime {
  std::string adapter;  // claude | codex | opencode | command; default: the map key, else command
  std::string model;
  StringMap model_tiers;  // heavy, medium, light
  StringMap env;          // local backend only
  std::string auth_profile;
  std::optional<AuthBinding> auth_binding;
  std::vector<std::string> credentials;  // stored credentials by name
  std::vector<std::string> command;      // argv of adapter `command`
  int port = 8080;                       // where adapter `command` listens as a stream pod
  std::string image;                     // kubernetes.image
  std::vector<EnvVar> kubernetes_env;    // kubernetes.env
  std::set<std::string> secret_env;      // names in it whose plain values are secrets, by their name or their variable
};

struct PostgresConfig {
  std::string dsn;  // a secret
  int max_conns = 0, min_conns = 0;
  std::chrono::nanoseconds max_conn_lifetime{}, max_conn_idle_time{};
};

// control_plane_api.tls. Without any of it the API is plain HTTP.
struct ApiTls {
  std::string certificate_file, key_file;  // re-read when they change
  std::string ca_file;                     // what clients are to trust; given to agents. Empty: the certificate itself
  bool self_signed = false;        // the daemon makes a CA and a certificate of its own and keeps them in a Secret
  std::vector<std::string> names;  // DNS names and addresses of that certificate, besides the Service's
};

// control_plane_api.auth: who may call (docs/api.md, "Authentication").
struct ApiAuth {
  std::string mode;                    // kubernetes | static | none; "": none on loopback, kubernetes elsewhere
  std::string token_file;              // of mode static
  std::vector<std::string> audiences;  // a caller's token must be for one of them; empty: the API server's own
};

// control_plane_api.rate_limits: requests a second; five times as many at once. 0: no limit.
struct ApiRateLimits {
  int per_identity = 100;
  int per_address = 200;
};

// stored_credentials: (docs/credentials.md, "Stored credentials").
struct StoredCredentialsConfig {
  std::string keyring_directory;  // a mounted Secret with `keyring` and `version`; "": stored as the Secret's data
  bool allow_insecure_skip_tls_verify = false;               // in kubeconfigs
  bool allow_proxy_url = false;                              // in kubeconfigs
  std::string kubeconfig_path = "/tmp/.ambient_kubeconfig";  // in agents' containers
};

struct Config {
  std::string profile;  // resolved: local | kubernetes
  std::string backend;  // resolved runtime.backend: local | kubernetes
  KubernetesConfig kubernetes;

  std::string state_driver = "sqlite";
  std::string sqlite_path = ".fracta/state.db";
  PostgresConfig postgres;
  std::string queue_backend;  // "", memory, postgres
  int queue_workers = 2;
  std::chrono::nanoseconds queue_lease_timeout = std::chrono::minutes{30};
  std::string queue_workspace_base;
  std::string staging_dir;
  std::string transport = "stdio";
  std::string listen_addr = ":8080";

  std::string default_runtime = "claude";
  std::string default_mode = "batch";  // batch | stream
  std::map<std::string, AgentRuntime> agent_runtimes;
  std::map<std::string, AuthProfile> auth_profiles;

  std::string control_plane_listen;  // control_plane_api.listen; ":9090" when empty
  std::string control_plane_url;     // control_plane_api.url (for the CLI)
  std::string control_plane_client_mode = "auto";
  ApiTls api_tls;
  ApiAuth api_auth;
  ApiRateLimits api_rate_limits;
  StoredCredentialsConfig stored_credentials;
  std::string gateway_url;
  std::string gateway_listen;

  std::chrono::nanoseconds reaper_interval = std::chrono::seconds{30};
  std::chrono::nanoseconds reaper_max_age{};  // 0 = disabled
  int reaper_max_concurrent = 0;              // 0 = unlimited
  std::chrono::nanoseconds heartbeat_interval = std::chrono::seconds{15};
  int ring_size = 100;

  std::string log_level;  // "" = FRACTA_LOG_LEVEL, else info
  std::string log_file;
  std::string default_base_branch;
  std::vector<std::string> allowed_tools;

  // {connections, strategy, logging}: what upstream puts into the agent's snapshot. Values of keys that look like
  // secrets (api_key, password, token, ...) are left out of it: a ConfigMap is no place for them.
  std::shared_ptr<const Json> snapshot;  // never null; may be an empty object

  // The effective configuration with defaults, in fracta.yaml's own shape, secrets replaced by "<redacted>".
  std::shared_ptr<const Json> effective;  // never null
  std::string hash;                       // sha256 of the effective configuration *before* redaction, hex
};

}  // namespace fracta::config
