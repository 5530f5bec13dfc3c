// AgentSpec + Config -> Kubernetes objects. Pure: spawn, --dry-run, `config validate --server`, tests and the golden
// files all call this one function (design §2.3). Shapes: shared/reference/fracta-upstream.md §2; differences are
// listed in docs/compatibility.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fracta/agent/adapter.hpp"
#include "fracta/agent/spec.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"

namespace fracta::agent {

inline constexpr const char* kConfigMountPath = "/etc/fracta";
inline constexpr const char* kDefaultAuthMountPath = "/var/run/fracta-auth";
inline constexpr const char* kMainContainer = "agent";
inline constexpr const char* kInitContainer = "workspace-init";
inline constexpr const char* kSnapshotKey = "agent-config.yaml";
inline constexpr const char* kCredentialManifestKey = "credentials.json";  // in kConfigMountPath; read by the runner
inline constexpr const char* kIdentityVolume = "credential-identity";
inline constexpr const char* kIdentityMountPath = "/var/run/fracta-identity";
inline constexpr const char* kIdentityTokenFile = "token";
inline constexpr const char* kCredentialIdsVariable = "CREDENTIAL_IDS";

// One file a credential binding puts into the agent's main container. Files of one directory share one projected
// volume, mounted as a directory and never by subPath, so that the kubelet renews them in running pods.
struct CredentialMount {
  std::string secret;  // name of a Secret; empty = the agent's own
  std::string key;     // in that Secret
  std::string path;    // absolute
  bool optional = false;
};

// How the runner in the pod proves who it is, and what it fetches (docs/credentials.md, "In the pod").
struct StoredCredentialAccess {
  std::string manifest;        // credentials.json for the agent's ConfigMap; empty = nothing bound
  std::string token_audience;  // of the projected service-account token
  std::string bound;           // annotation fracta.io/credentials
  std::string ids;             // CREDENTIAL_IDS: {"<provider>":"<id>"}, upstream's variable
};

struct BuildInput {
  const AgentSpec& spec;
  const config::Config& config;
  std::string spawned_at;    // RFC 3339; also the base of the deadline annotation
  std::string stream_token;  // random, from the caller; stream mode needs it, batch ignores it
  std::map<std::string, std::string> auth_secret_data;  // file name -> bytes; with no stream token either: no Secret
  std::string auth_mount_path;                          // empty: kDefaultAuthMountPath
  std::vector<config::EnvVar> credential_env;           // wins over kubernetes.env of the same name
  std::map<std::string, std::string>
      credential_files;  // workspace files a binding adds, e.g. .fracta/user-settings.json
  std::vector<CredentialMount> credential_mounts = {};  // below kDefaultAuthMountPath the agent's own Secret is mounted
                                                        // whole: name only files elsewhere
  std::vector<McpServerEntry> mcp_servers = {};
  StoredCredentialAccess stored_credentials = {};
  config::StringMap auth_secret_annotations = {};  // e.g. when to renew what is in it
};

// In the order they are created: owner first (design §2.2). ConfigMap and Secret carry no ownerReferences yet; the
// caller adds them with owner_reference() once the owner's uid is known.
struct AgentObjects {
  std::string id;
  std::shared_ptr<Json> owner;       // Job or Pod; never null
  std::shared_ptr<Json> config_map;  // never null
  std::shared_ptr<Json> secret;      // null pointer when there is no data
  [[nodiscard]] bool is_stream() const;
};

// kInvalid: unknown runtime, no image ("runtime/k8s: Image is required"), refused label, model or pod spec, ...
// kResourceExhausted: ConfigMap or Secret above 1 MiB.
// The owner carries annotations::kSpecHash: two builds that ask for the same agent have the same hash, whatever the
// time, the token or unrelated config; that is what the AlreadyExists rule compares.
Result<AgentObjects> build(const BuildInput& input);

// {apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: false}
void set_owner(Json& object, const Json& owner, const std::string& uid);

// A Pod made from the Job's template, for the server dry-run (Pod Security and quota look at Pods).
Json pod_from_job(const Json& job);

// The last check before POST, for every kind of pod, on the result and not on the input (anchors D.4, CVE-2026-31892):
// extras only on `agent`, built-in volumes are ours, no token mount unless asked for, policy of pod_security holds.
Result<void> check_pod_spec(const Json& pod_spec, const config::Config& config);

}  // namespace fracta::agent
