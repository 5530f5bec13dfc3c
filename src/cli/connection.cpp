#include "cli/connection.hpp"

#include <filesystem>
#include <ostream>

#include "cli/context_file.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"
#include "fracta/config/load.hpp"

namespace fracta::cli {

namespace {

constexpr const char* kDefaultServer = "http://127.0.0.1:9090";
constexpr const char* kDefaultConfig = "./fracta.yaml";
constexpr std::size_t kMaxSecretFile = 256u << 10;

std::string variable(Context& context, const char* name) { return context.environment(name).value_or(""); }

// Of --config or ./fracta.yaml; empty when there is none. Fails only for a --config that cannot be read; a broken
// ./fracta.yaml nobody asked for is a warning.
Result<std::string> configured_url(const ClientArgs& args, Context& context) {
  std::error_code ignored;
  const std::string path = args.config.empty() ? kDefaultConfig : args.config;
  if (args.config.empty() && !std::filesystem::exists(path, ignored)) return std::string();
  const auto loaded = config::load_file(path, {.environment = context.environment});
  if (loaded.config) return loaded.config->control_plane_url;
  if (args.config.empty()) {
    context.err << "warning: " << path << " has errors (see `fracta config validate`); it is not used\n";
    return std::string();
  }
  std::string text = "no usable configuration";
  for (const auto& diagnostic : loaded.diagnostics) {
    if (diagnostic.severity != config::Severity::kError) continue;
    text = config::format_diagnostic(path, diagnostic);
    break;
  }
  return make_error(ErrorCode::kInvalid, text);
}

Result<std::string> address(const ClientArgs& args, Context& context, const ContextFile& file) {
  if (!args.server.empty()) return args.server;
  if (!args.context.empty()) {
    if (const auto* chosen = file.find(args.context)) return chosen->server;
    return make_error(ErrorCode::kNotFound,
                      "no context \"" + shorten(args.context, 60) + "\"; `fracta context list` shows what there is");
  }
  if (auto url = variable(context, "FRACTA_SERVER"); !url.empty()) return url;
  auto configured = configured_url(args, context);
  if (!configured || !configured->empty()) return configured;
  if (const auto* current = file.find(file.current)) return current->server;
  return std::string(kDefaultServer);
}

const ServerContext* context_for(const ClientArgs& args, const ContextFile& file, const std::string& url) {
  if (!args.context.empty()) {
    const auto* chosen = file.find(args.context);
    return chosen != nullptr && same_origin(chosen->server, url) ? chosen : nullptr;
  }
  if (const auto* current = file.find(file.current); current != nullptr && same_origin(current->server, url))
    return current;
  for (const auto& one : file.contexts)
    if (same_origin(one.server, url)) return &one;
  return nullptr;
}

Result<std::string> token_in_file(const std::string& path) {
  auto text = read_file(path, kMaxSecretFile);
  if (!text) return text.error().with_context("reading the token");
  return std::string(trim(*text));
}

Result<std::string> find_token(Context& context, const ServerContext* server) {
  if (auto token = variable(context, "FRACTA_TOKEN"); !token.empty()) return token;
  if (auto path = variable(context, "FRACTA_TOKEN_FILE"); !path.empty()) return token_in_file(path);
  if (server == nullptr) return std::string();
  return server->token_file.empty() ? Result<std::string>(server->token) : token_in_file(server->token_file);
}

}  // namespace

bool may_carry_token(const net::Url& url) {
  return url.scheme == "https" || url.host == "localhost" || url.host == "::1" || url.host.ends_with(".localhost") ||
         (url.host.starts_with("127.") && url.host.find_first_not_of("0123456789.") == std::string::npos);
}

bool same_origin(const std::string& a, const std::string& b) {
  const auto first = net::parse_url(a), second = net::parse_url(b);
  return first && second && first->scheme == second->scheme && iequals(first->host, second->host) &&
         first->port == second->port;
}

Result<Connection> find_connection(const ClientArgs& args, Context& context) {
  auto file = read_context_file(context);
  // Without a home there are no contexts, and that is fine.
  if (!file && context_file_path(context)) return file.error();
  const ContextFile contexts = file ? *std::move(file) : ContextFile{};
  auto url = address(args, context, contexts);
  if (!url) return url.error();
  auto parsed = net::parse_url(*url);
  if (!parsed) return parsed.error().with_context("address of the controlplane");
  Connection connection;
  connection.url = *url;
  const auto* server = context_for(args, contexts, *url);
  if (server != nullptr) {
    connection.context_name = server->name;
    connection.ca_pem = server->ca_pem;
  }
  if (auto path = variable(context, "FRACTA_CA_FILE"); !path.empty()) {
    auto pem = read_file(path, kMaxSecretFile);
    if (!pem) return pem.error().with_context("FRACTA_CA_FILE");
    connection.ca_pem = *std::move(pem);
  }
  auto token = find_token(context, server);
  if (!token) return token.error();
  if (!token->empty() && !may_carry_token(*parsed))
    return make_error(ErrorCode::kInvalid, "the token is not sent to " + shorten(*url, 200) +
                                               ": plain http can be read on the way; use https");
  connection.token = *std::move(token);
  return connection;
}

Result<std::unique_ptr<net::Transport>> make_transport(const Connection& connection) {
  auto url = net::parse_url(connection.url);
  if (!url) return url.error().with_context("address of the controlplane");
  net::TransportOptions options;
  options.tls.ca_pem = connection.ca_pem;
  return net::make_http_transport(*url, options);
}

}  // namespace fracta::cli
