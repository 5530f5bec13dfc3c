// fracta login, fracta logout
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/api_client.hpp"
#include "cli/context_file.hpp"
#include "cli/secret_input.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/daemon/service_account_token.hpp"

namespace fracta::cli {
namespace {

Error invalid(const std::string& text) { return make_error(ErrorCode::kInvalid, text); }

Result<std::string> authorities(const LoginArgs& args, Context& context) {
  auto path = args.ca_file;
  if (path.empty()) path = context.environment("FRACTA_CA_FILE").value_or("");
  return path.empty() ? Result<std::string>(std::string()) : read_file(path, 256u << 10);
}

Result<std::string> token_of_account(const LoginArgs& args) {
  const auto parts = split(args.service_account, '/');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty())
    return invalid("--service-account must be NAMESPACE/NAME");
  daemon::ServiceAccountTokenOptions options{args.kubeconfig, args.kube_context, parts[0], parts[1], args.audience, {}};
  options.lifetime = std::chrono::duration_cast<std::chrono::seconds>(args.duration);
  return daemon::request_service_account_token(options);
}

// The first that is given; empty: nobody has said anything yet.
Result<std::string> given_token(const LoginArgs& args, Context& context) {
  if (!args.service_account.empty() && !args.token_file.empty())
    return invalid("--service-account and --token-file exclude each other");
  if (!args.service_account.empty()) return token_of_account(args);
  if (!args.token_file.empty()) return read_secret(args.token_file, context);
  if (auto token = context.environment("FRACTA_TOKEN"); token && !token->empty()) return *token;
  if (auto file = context.environment("FRACTA_TOKEN_FILE"); file && !file->empty()) return read_secret(*file, context);
  return std::string();
}

std::string default_name(const net::Url& url) {
  std::string name;
  for (const char c : url.authority()) {
    const bool fits =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    name.push_back(fits ? c : '-');
  }
  return name;
}

Result<Json> who_am_i(const Connection& connection, const ClientArgs& client, const Context& context) {
  auto api = ApiClient::connect(connection, client, context);
  if (!api) return api.error();
  return api->call("GET", "/api/v1/auth/whoami");
}

// Fills in the token; the answer is whoami's.
Result<Json> authenticate(const LoginArgs& args, Connection& connection, const ClientArgs& client, Context& context) {
  auto token = given_token(args, context);
  if (!token) return token.error();
  connection.token = *std::move(token);
  auto answer = who_am_i(connection, client, context);
  const bool wanted =
      !answer && answer.error().code == ErrorCode::kUnauthenticated && answer.error().http_status == 401;
  if (!wanted || !connection.token.empty()) return answer;
  auto entered = prompt_secret("Token for " + connection.url + ": ");
  if (!entered) return entered.error();
  connection.token = *std::move(entered);
  return who_am_i(connection, client, context);
}

Result<void> remember(const LoginArgs& args, const Connection& connection, Context& context) {
  auto file = read_context_file(context);
  if (!file) return file.error();
  ServerContext made;
  made.name = connection.context_name;
  made.server = connection.url;
  made.ca_pem = connection.ca_pem;
  // A token in a file may be renewed there by somebody else.
  const bool in_file = !args.token_file.empty() && args.token_file != "-" && args.token_file.starts_with('/');
  if (in_file)
    made.token_file = args.token_file;
  else
    made.token = connection.token;
  file->put(std::move(made));
  file->current = connection.context_name;
  return write_context_file(*file);
}

Result<std::string> login(const LoginArgs& args, const ClientArgs& client, Context& context) {
  auto url = net::parse_url(args.url);
  if (!url) return url.error().with_context("address of the controlplane");
  if (!may_carry_token(*url))
    return invalid(args.url + ": a token would travel unencrypted; use https (plain http is for this machine only)");
  Connection connection;
  connection.url = url->to_string();
  connection.context_name = args.name.empty() ? default_name(*url) : args.name;
  auto ca = authorities(args, context);
  if (!ca) return ca.error();
  connection.ca_pem = *std::move(ca);
  auto who = authenticate(args, connection, client, context);
  if (!who) return who.error();
  FRACTA_TRY(remember(args, connection, context));
  const auto user = string_at(*who, "user");
  return (user.empty() ? connection.url + " asks nobody for a token"
                       : "Logged in to " + connection.url + " as \"" + user + "\"") +
         "; context \"" + connection.context_name + "\" is the current one.\n";
}

}  // namespace

int run_verb(const LoginArgs& args, const ClientArgs& client, Context& context) {
  auto done = login(args, client, context);
  if (!done) return report(done.error(), context);
  context.out << *done;
  return kExitOk;
}

int run_verb(const LogoutArgs& args, const ClientArgs& client, Context& context) {
  auto file = read_context_file(context);
  if (!file) return report(file.error(), context);
  auto name = args.name.empty() ? client.context : args.name;
  if (name.empty()) name = file->current;
  const auto* found = file->find(name);
  if (found == nullptr)
    return report(make_error(ErrorCode::kNotFound, name.empty() ? "no context is current: nothing to log out of"
                                                                : "no context \"" + shorten(name, 60) + "\""),
                  context);
  auto without = *found;
  const bool had_file = !without.token_file.empty();
  without.token.clear();
  without.token_file.clear();
  file->put(without);
  if (auto written = write_context_file(*file); !written) return report(written.error(), context);
  context.out << "The token of context \"" << name << "\" is forgotten here; the cluster still accepts it until it ends"
              << (had_file ? ", and its file stays" : "") << ".\n";
  return kExitOk;
}

}  // namespace fracta::cli
