#include "kube/kubeconfig_user.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/text.hpp"
#include "kube/exec_credential.hpp"
#include "kube/token_source.hpp"

namespace fracta::kube {
namespace {

constexpr std::string_view kExecGroup = "client.authentication.k8s.io/";
// client-go: the extension of a cluster whose content a plug-in gets as spec.cluster.config.
constexpr std::string_view kExecExtension = "client.authentication.k8s.io/exec";

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// The cluster as a plug-in with provideClusterInfo sees it (client.authentication.k8s.io Cluster).
Json cluster_info(const Fields& cluster, const ClientConfig& config) {
  Json info = {{"server", config.server.to_string()}};
  if (!config.tls.server_name.empty()) info["tls-server-name"] = config.tls.server_name;
  if (config.tls.insecure_skip_verify) info["insecure-skip-tls-verify"] = true;
  if (!config.tls.ca_pem.empty()) info["certificate-authority-data"] = base64_encode(config.tls.ca_pem);
  const Json* extensions = cluster.find("extensions");
  if (extensions == nullptr || !extensions->is_array()) return info;
  for (const auto& item : *extensions) {
    if (!item.is_object() || string_at(item, "name") != kExecExtension) continue;
    if (const Json* config_value = find(item, "extension")) info["config"] = *config_value;
  }
  return info;
}

Result<void> check_interactive(const Fields& exec, const std::string& api_version) {
  auto mode = exec.text("interactiveMode");
  if (!mode) return mode.error();
  if (mode->empty() && api_version.ends_with("/v1"))
    return exec.error("interactiveMode", "is missing (v1 asks for Never, IfAvailable or Always)");
  if (*mode == "Always") {
    return exec.error("interactiveMode",
                      "Always needs a terminal, which is not available here; use a user with a token or a certificate");
  }
  if (!mode->empty() && *mode != "Never" && *mode != "IfAvailable") {
    return exec.error("interactiveMode", "must be Never, IfAvailable or Always, is \"" + shorten(*mode, 64) + "\"");
  }
  return {};
}

Result<std::shared_ptr<TokenSource>> exec_source(const Fields& exec, const Fields& cluster, const ClientConfig& config,
                                                 const Clock& clock) {
  ExecOptions options;
  options.place = exec.place();
  auto version = exec.text("apiVersion");
  if (!version) return version.error();
  if (*version != std::string(kExecGroup) + "v1" && *version != std::string(kExecGroup) + "v1beta1") {
    return exec.error("apiVersion", "must be \"client.authentication.k8s.io/v1\" or \".../v1beta1\", is \"" +
                                        shorten(*version, 64) + "\"; update the plug-in");
  }
  options.api_version = std::move(*version);
  auto command = exec.text("command");
  if (!command) return command.error();
  if (command->empty()) return exec.error("command", "is missing");
  // A bare name is looked up on PATH; anything with a slash belongs to the file's own directory.
  options.argv.push_back(command->find('/') == std::string::npos ? *command : exec.resolve(*command));
  auto args = exec.texts("args");
  if (!args) return args.error();
  options.argv.insert(options.argv.end(), args->begin(), args->end());
  auto env = exec.name_values("env");
  if (!env) return env.error();
  options.env = std::move(*env);
  auto hint = exec.text("installHint");
  if (!hint) return hint.error();
  options.install_hint = std::move(*hint);
  FRACTA_TRY(check_interactive(exec, options.api_version));
  auto provide = exec.flag("provideClusterInfo");
  if (!provide) return provide.error();
  if (*provide) options.cluster_json = dump_json(cluster_info(cluster, config));
  return exec_token(std::move(options), clock);
}

Result<void> apply_impersonation(const Fields& user, ClientConfig& out) {
  auto as = user.text("as");
  if (!as) return as.error();
  auto uid = user.text("as-uid");
  if (!uid) return uid.error();
  auto groups = user.texts("as-groups");
  if (!groups) return groups.error();
  const Json* extra = user.find("as-user-extra");
  if (as->empty()) {
    if (uid->empty() && groups->empty() && extra == nullptr) return {};
    return user.error("as", "is missing: uid, groups and extra values need a user to act as");
  }
  auto add = [&](std::string_view field, const std::string& header, const std::string& value) -> Result<void> {
    if (has_control(value)) return user.error(field, "holds a control character");
    out.impersonation.add(header, value);
    return {};
  };
  FRACTA_TRY(add("as", "Impersonate-User", *as));
  if (!uid->empty()) FRACTA_TRY(add("as-uid", "Impersonate-Uid", *uid));
  for (const auto& group : *groups) FRACTA_TRY(add("as-groups", "Impersonate-Group", group));
  if (extra == nullptr) return {};
  auto values = user.object("as-user-extra");
  if (!values) return values.error();
  for (const auto& [key, list] : values->value().items()) {
    auto texts = values->texts(key);
    if (!texts) return texts.error();
    // Keys are case-insensitive header names; what a header name cannot hold is percent-encoded (client-go).
    for (const auto& text : *texts) FRACTA_TRY(add("as-user-extra", "Impersonate-Extra-" + percent_encode(key), text));
  }
  return {};
}

Result<void> apply_certificate(const Fields& user, const FileReader& read, ClientConfig& out) {
  auto certificate = data_or_file(user, "client-certificate", read);
  if (!certificate) return certificate.error();
  auto key = data_or_file(user, "client-key", read);
  if (!key) return key.error();
  if (certificate->empty() != key->empty()) {
    return user.error(certificate->empty() ? "client-certificate" : "client-key",
                      "is missing: a client certificate needs both");
  }
  out.tls.certificate_pem = std::move(*certificate);
  out.tls.key_pem = std::move(*key);
  return {};
}

struct Password {
  std::string name;
  std::string secret;
};

Result<Password> password_of(const Fields& user) {
  auto name = user.text("username");
  if (!name) return name.error();
  auto secret = user.text("password");
  if (!secret) return secret.error();
  if (name->find(':') != std::string::npos)
    return user.error("username", "holds a ':', which basic authentication cannot carry");
  return Password{std::move(*name), std::move(*secret)};
}

}  // namespace

Result<std::string> data_or_file(const Fields& fields, const std::string& key, const FileReader& read) {
  auto data = fields.text(key + "-data");
  if (!data) return data.error();
  auto path = fields.text(key);
  if (!path) return path.error();
  if (!data->empty() && !path->empty()) return fields.error(key, "and " + key + "-data are both there; keep one");
  if (!data->empty()) {
    // Go's decoder skips line ends, which editors and block scalars leave inside.
    std::erase_if(*data, [](char c) { return c == '\n' || c == '\r'; });
    auto bytes = base64_decode(*data);
    if (!bytes) return fields.error(key + "-data", "is no base64");
    return std::move(*bytes);
  }
  if (path->empty()) return std::string();
  auto text = read(fields.resolve(*path));
  if (!text) {
    auto error = text.error();
    error.message = fields.place(key) + ": " + error.message;
    return error;
  }
  if (trim(*text).empty()) return fields.error(key, "file " + fields.resolve(*path) + " is empty");
  return text;
}

Result<void> apply_user(const Fields& user, const Fields& cluster, const FileReader& read, const Clock& clock,
                        ClientConfig& out) {
  if (user.find("auth-provider") != nullptr) {
    return user.error("auth-provider",
                      "is not supported (client-go removed it in 1.26); use `exec` with the provider's plug-in");
  }
  FRACTA_TRY(apply_impersonation(user, out));
  FRACTA_TRY(apply_certificate(user, read, out));
  auto text = user.text("token");
  if (!text) return text.error();
  auto token = clean_token(*text, user.place("token"));
  if (!token) return token.error();
  auto file = user.text("tokenFile");
  if (!file) return file.error();
  auto password = password_of(user);
  if (!password) return password.error();
  const bool has_password = !password->name.empty() || !password->secret.empty();
  const bool has_token = !token->empty() || !file->empty();
  if (has_password && has_token) return user.error("", "has both a token and a username/password; keep one");

  auto exec = user.object("exec");
  if (!exec) return exec.error();
  if (user.find("exec") != nullptr) {
    // Checked also when it is not used, so that a broken entry is seen.
    auto source = exec_source(*exec, cluster, out, clock);
    if (!source) return source.error();
    out.token = std::move(*source);
  }
  // A credential that stands in the file wins over the plug-in (client-go's exec round tripper).
  if (!file->empty())
    out.token = file_token(user.resolve(*file), std::move(*token), clock);
  else if (!token->empty())
    out.token = static_token(std::move(*token));
  if (has_password) {
    out.token.reset();
    out.basic_authorization = "Basic " + base64_encode(password->name + ":" + password->secret);
  }
  return {};
}

}  // namespace fracta::kube
