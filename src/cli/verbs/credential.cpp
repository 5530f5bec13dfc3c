// fracta credential
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/api_client.hpp"
#include "cli/credential_input.hpp"
#include "cli/credential_view.hpp"
#include "cli/output.hpp"
#include "cli/secret_input.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/credentials/provider.hpp"
#include "fracta/credentials/store.hpp"
#include "fracta/daemon/verify_kubeconfig.hpp"

namespace fracta::cli {
namespace {

using Action = CredentialArgs::Action;

constexpr const char* kBase = "/api/v1/credentials";

Error invalid(const std::string& text) { return make_error(ErrorCode::kInvalid, text); }
std::string in_quotes(const std::string& text) { return "\"" + shorten(text, 128) + "\""; }

// 'it''s'
std::string tsl_text(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string target_of(const std::string& id, const std::string& rest = "") {
  return std::string(kBase) + "/" + percent_encode(id) + rest;
}

struct Subject {
  std::string id, name;
};

// Ids are taken as they are; everything else is looked up as a name.
Result<Subject> find_subject(ApiClient& api, const CredentialArgs& args) {
  std::string text = args.subject;
  if (text.starts_with("credential/")) text.erase(0, 11);
  if (credentials::is_credential_id(text)) return Subject{text, text};
  const auto answer = api.call(
      "GET", std::string(kBase) + "?" + net::encode_query({{"size", "2"}, {"search", "name = " + tsl_text(text)}}));
  if (!answer) return answer.error().with_context("look up credential " + in_quotes(text));
  const Json* items = find(*answer, "items");
  if (items == nullptr || !items->is_array() || items->empty())
    return make_error(ErrorCode::kNotFound, "credential " + in_quotes(text) + " not found");
  return Subject{string_at(items->front(), "id"), text};
}

int list(const CredentialArgs& args, ApiClient& api, Context& context) {
  std::vector<std::string> filters;
  if (args.provider) filters.push_back("provider=" + tsl_text(*args.provider));
  if (!args.search.empty()) filters.push_back(filters.empty() ? args.search : "(" + args.search + ")");
  net::QueryParameters query{{"size", std::to_string(args.limit)}};
  if (!filters.empty()) query.emplace_back("search", join(filters, " and "));
  const auto answer = api.call("GET", std::string(kBase) + "?" + net::encode_query(query));
  if (!answer) return report(answer.error().with_context("list credentials"), context);
  print_credentials(*answer, true, args.output, context);
  const auto total = int_at(*answer, "total").value_or(0);
  if (total > args.limit && args.limit >= 0) context.err << "note: " << total << " in all; --limit shows more\n";
  return kExitOk;
}

int get(const CredentialArgs& args, ApiClient& api, Context& context) {
  const auto subject = find_subject(api, args);
  if (!subject) return report(subject.error(), context);
  const auto answer = api.call("GET", target_of(subject->id));
  if (!answer) return report(answer.error().with_context("get credential " + in_quotes(args.subject)), context);
  print_credentials(*answer, false, args.output, context);
  return kExitOk;
}

bool takes_a_line(const std::string& provider) {
  return provider == "github" || provider == "gitlab" || provider == "jira";
}

// What no controlplane takes is not tried either: a kubeconfig may name a program to run. What one may allow passes.
Result<void> check_before_use(const std::string& kubeconfig) {
  credentials::StoredCredential credential;
  credential.provider = "kubeconfig";
  credential.token = kubeconfig;
  const auto checked = credentials::inspect(
      credential,
      {.allow_insecure_skip_tls_verify = true, .allow_proxy_url = true, .now = std::chrono::system_clock::now()});
  return checked ? Result<void>() : checked.error();
}

// The secret to send, if any: read, reduced to one context, tried.
Result<std::optional<std::string>> token_to_send(const CredentialArgs& args, Context& context) {
  if (!args.token) {
    if (!args.kube_context.empty() || args.verify) return invalid("--context and --verify need --token");
    return std::optional<std::string>();
  }
  auto token = credential_token(*args.token, context);
  if (!token) return token.error();
  if (!args.kube_context.empty()) {
    token = minify_kubeconfig(*token, args.kube_context);
    if (!token) return token.error();
  }
  if (args.verify) {
    if (args.provider && *args.provider != "kubeconfig") return invalid("--verify is for provider kubeconfig");
    if (auto fine = check_before_use(*token); !fine) return fine.error().with_context("verify");
    const auto seen = daemon::verify_kubeconfig(*token, std::chrono::seconds{15});
    if (!seen) return seen.error().with_context("verify");
    context.err << "verified: " << *seen << "\n";
  }
  return std::optional<std::string>(*std::move(token));
}

Json fields_of(const CredentialArgs& args) {
  Json body = Json::object();
  const std::pair<const char*, const std::optional<std::string>*> fields[] = {
      {"name", &args.name},   {"provider", &args.provider}, {"description", &args.description}, {"url", &args.url},
      {"email", &args.email}, {"labels", &args.labels},     {"annotations", &args.annotations}};
  for (const auto& [key, value] : fields)
    if (*value) body[key] = **value;
  return body;
}

void print_changed(const Json& answer, const CredentialArgs& args, const char* what, Context& context) {
  print_warnings(answer, context);
  if (args.output == Output::kDefault)
    context.out << "credential/" << shorten(string_at(answer, "name"), 200) << " " << what << "\n";
  else
    print_credentials(answer, false, args.output, context);
}

int create(CredentialArgs args, ApiClient& api, Context& context) {
  auto token = token_to_send(args, context);
  if (!token) return report(token.error(), context);
  if (!args.token && takes_a_line(*args.provider) && ::isatty(STDIN_FILENO) == 1) {
    auto entered = prompt_secret("Token for " + *args.provider + ": ");
    if (!entered) return report(entered.error(), context);
    *token = *std::move(entered);
  }
  if (!*token) return report(invalid("--token is required: @FILE, - for standard input, or the value"), context);
  Json body = fields_of(args);
  body["token"] = **token;
  const auto answer = api.call("POST", kBase, &body);
  if (!answer) return report(answer.error().with_context("create credential"), context);
  print_changed(*answer, args, "created", context);
  return kExitOk;
}

int update(const CredentialArgs& args, ApiClient& api, Context& context) {
  const auto subject = find_subject(api, args);
  if (!subject) return report(subject.error(), context);
  const auto token = token_to_send(args, context);
  if (!token) return report(token.error(), context);
  Json body = fields_of(args);
  if (*token) body["token"] = **token;
  const auto answer = api.call("PATCH", target_of(subject->id), &body);
  if (!answer) return report(answer.error().with_context("update credential"), context);
  print_changed(*answer, args, "updated", context);
  return kExitOk;
}

int remove(const CredentialArgs& args, ApiClient& api, Context& context) {
  const auto subject = find_subject(api, args);
  if (!subject) return report(subject.error(), context);
  const auto answer = api.call("DELETE", target_of(subject->id, args.force ? "?force=true" : ""));
  if (!answer) return report(answer.error().with_context("delete credential"), context);
  context.out << "credential/" << shorten(subject->name, 200) << " deleted\n";
  return kExitOk;
}

int token(const CredentialArgs& args, ApiClient& api, Context& context) {
  const auto subject = find_subject(api, args);
  if (!subject) return report(subject.error(), context);
  const auto answer = api.call("GET", target_of(subject->id, "/token"));
  if (!answer)
    return report(answer.error().with_context("get token for credential " + in_quotes(args.subject)), context);
  if (args.output == Output::kDefault)
    context.out << string_at(*answer, "token") << "\n";
  else
    print_credential_data(*answer, args.output, context);
  return kExitOk;
}

// project/NAME, runtime/NAME or agent/NAME.
Result<std::string> binding_target(const CredentialArgs& args) {
  std::vector<std::string> targets;
  for (const auto& [kind, name] :
       {std::pair{"project/", &args.project}, std::pair{"runtime/", &args.runtime}, std::pair{"agent/", &args.agent}})
    if (!name->empty()) targets.push_back(kind + *name);
  if (targets.empty()) return invalid("--project is required (or --runtime or --agent)");
  if (targets.size() > 1) return invalid("--project, --runtime and --agent exclude each other");
  return targets.front();
}

int bind(const CredentialArgs& args, ApiClient& api, Context& context) {
  const auto target = binding_target(args);
  if (!target) return report(target.error(), context);
  const auto subject = find_subject(api, args);
  if (!subject) return report(subject.error(), context);
  const bool binding = args.action == Action::kBind;
  const Json body = {{"target", *target}};
  const auto answer = api.call(binding ? "POST" : "DELETE", target_of(subject->id, "/bindings"), &body);
  if (!answer)
    return report(answer.error().with_context((binding ? "bind credential " : "unbind credential ") +
                                              in_quotes(args.subject) + (binding ? " to " : " from ") + *target),
                  context);
  context.out << "credential/" << shorten(subject->name, 200) << (binding ? " bound to " : " unbound from ") << *target
              << "\n";
  return kExitOk;
}

int usage(const CredentialArgs& args, ApiClient& api, Context& context) {
  const auto subject = find_subject(api, args);
  if (!subject) return report(subject.error(), context);
  const auto answer = api.call("GET", target_of(subject->id, "/usage"));
  if (!answer) return report(answer.error().with_context("usage of credential " + in_quotes(args.subject)), context);
  if (args.output == Output::kDefault)
    print_usage(*answer, context);
  else
    print_credential_data(*answer, args.output, context);
  return kExitOk;
}

int rotate_keys(const CredentialArgs& args, ApiClient& api, Context& context) {
  const bool dry_run = !args.dry_run.empty() && args.dry_run != "none";
  const Json body = {{"dry_run", dry_run}};
  const auto answer = api.call("POST", std::string(kBase) + ":rotate-keys", &body);
  if (!answer) return report(answer.error().with_context("rotate keys"), context);
  const auto count = [&](const char* key) { return std::to_string(int_at(*answer, key).value_or(0)); };
  if (args.output != Output::kDefault)
    print_credential_data(*answer, args.output, context);
  else
    context.out << (dry_run ? "would seal: " : "sealed: ") << count("sealed") << " plain, " << count("resealed")
                << " under an older key; already current: " << count("current") << "\n";
  const Json* failed = find(*answer, "failed");
  if (failed == nullptr || !failed->is_array() || failed->empty()) return kExitOk;
  for (const auto& one : *failed)
    if (one.is_string()) context.err << "error: " << shorten(one.get_ref<const std::string&>(), 500) << "\n";
  return kExitFailed;
}

// What is wrong before any connection is made.
Result<void> check(const CredentialArgs& args) {
  if (args.action == Action::kCreate) {
    if (args.name.value_or("").empty()) return invalid("--name is required");
    if (args.provider.value_or("").empty()) return invalid("--provider is required");
    if (credentials::find_provider(*args.provider) == nullptr)
      return invalid("--provider " + in_quotes(*args.provider) + " is unknown; one of " +
                     credentials::provider_names(", "));
  }
  if (args.action == Action::kDelete && !args.confirm && !args.force)
    return invalid("add --confirm to delete credential/" + shorten(args.subject, 128));
  if (args.action == Action::kBind || args.action == Action::kUnbind)
    if (auto target = binding_target(args); !target) return target.error();
  return {};
}

int run_action(const CredentialArgs& args, ApiClient& api, Context& context) {
  switch (args.action) {
    case Action::kList:
      return list(args, api, context);
    case Action::kGet:
      return get(args, api, context);
    case Action::kCreate:
      return create(args, api, context);
    case Action::kUpdate:
      return update(args, api, context);
    case Action::kDelete:
      return remove(args, api, context);
    case Action::kToken:
      return token(args, api, context);
    case Action::kBind:
    case Action::kUnbind:
      return bind(args, api, context);
    case Action::kUsage:
      return usage(args, api, context);
    case Action::kRotateKeys:
      return rotate_keys(args, api, context);
  }
  return kExitUsage;
}

}  // namespace

int run_verb(const CredentialArgs& args, const ClientArgs& client, Context& context) {
  if (auto fine = check(args); !fine) return report(fine.error(), context);
  auto api = ApiClient::connect(client, context);
  if (!api) return report(api.error(), context);
  return run_action(args, *api, context);
}

}  // namespace fracta::cli
