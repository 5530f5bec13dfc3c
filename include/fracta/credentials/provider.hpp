// The providers of stored credentials: one table that OpenAPI, CLI help, validation and documents are generated from.
// Each provider is one file in src/credentials/providers/. Everything here is pure and thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/credentials/mcp_versions.hpp"
#include "fracta/credentials/stored_credential.hpp"

namespace fracta::credentials {

// Rules an operator can relax in fracta.yaml (stored_credentials).
struct ValidationOptions {
  bool allow_insecure_skip_tls_verify = false;
  bool allow_proxy_url = false;
  std::chrono::system_clock::time_point now;
};

struct Inspection {
  std::vector<std::string> warnings;  // "the client certificate of user \"x\" expires on 2026-12-01"
  std::string expires_at;             // RFC 3339; "" = unknown or never
};

// Where a runner puts things inside the agent's container.
struct DeliveryPaths {
  std::string kubeconfig = "/tmp/.ambient_kubeconfig";
  std::string directory = "/tmp";        // of the other secret files
  std::string workspace = "/workspace";  // google: <workspace>/.google_workspace_mcp/credentials
};

struct SecretFile {
  std::string path;  // absolute
  std::string content;
};

// What one credential becomes inside the container. With several, they are applied in the order of providers(): a later
// one's variable wins (vertex over google for GOOGLE_APPLICATION_CREDENTIALS).
struct Delivery {
  std::vector<SecretFile> files;           // 0600
  std::map<std::string, std::string> env;  // of the child only
  std::vector<std::string> secrets;        // every value that must not be seen: for the redactor
};

// A server of the agent's MCP configuration. `env` values name variables of the child: NAME <- value of variable.
struct McpServer {
  std::string name;
  std::string command;
  std::vector<std::string> args;
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> defaults;  // NAME -> value when the child has no such variable; never secrets
};

struct Provider {
  std::string_view name;
  std::string_view description;               // one line, for help and OpenAPI
  std::vector<std::string_view> required;     // fields besides name and provider: token, url, email
  std::vector<std::string_view> environment;  // names a delivery may set
  // kInvalid names the field and the remedy, never the secret.
  Result<Inspection> (*inspect)(const StoredCredential&, const ValidationOptions&);
  Result<Delivery> (*deliver)(const StoredCredential&, const DeliveryPaths&);
  std::optional<McpServer> (*mcp_server)(const DeliveryPaths&);  // null: none
};

std::span<const Provider> providers();  // github gitlab jira google vertex kubeconfig
const Provider* find_provider(std::string_view name);
std::string provider_names(std::string_view separator);  // for help and messages

// Name, provider and required fields, then what the provider says. kInvalid names the field and the remedy.
Result<Inspection> inspect(const StoredCredential& credential, const ValidationOptions& options);

// Values that a kubeconfig (or any credential) holds and that must never appear in output: tokens, keys, passwords,
// each also as the base64 it stood in.
std::vector<std::string> secrets_in(const StoredCredential& credential);

}  // namespace fracta::credentials
