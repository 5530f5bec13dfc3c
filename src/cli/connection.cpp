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

bool is_this_machine(const net::Url& url) {
  return url.host == "localhost" || url.host == "::1" || url.host.ends_with(".localhost") ||
         (url.host.starts_with("127.") && url.host.find_first_not_of("0123456789.") == std::string::npos);
}

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

struct Address {
  std::string url;
  std::string chosen_by = {};
  bool by_directory = false;  // ./fracta.yaml, which nobody named
};

Result<Address> address(const ClientArgs& args, Context& context, const ContextFile& file) {
  if (!args.server.empty()) return Address{args.server};
  if (!args.context.empty()) {
    if (const auto* chosen = file.find(args.context)) return Address{chosen->server};
    return make_error(ErrorCode::kNotFound,
                      "no context \"" + shorten(args.context, 60) + "\"; `fracta context list` shows what there is");
  }
  if (auto url = variable(context, "FRACTA_SERVER"); !url.empty()) return Address{url, "FRACTA_SERVER"};
  auto configured = configured_url(args, context);
  if (!configured) return configured.error();
  const auto* current = file.find(file.current);
  if (!configured->empty()) {
    Address out{*configured, "control_plane_api.url of " + (args.config.empty() ? kDefaultConfig : args.config),
                args.config.empty()};
    if (current != nullptr && !same_origin(current->server, out.url))
      out.chosen_by += ", which comes before the current context \"" + current->name + "\"";
    return out;
  }
  if (current != nullptr) return Address{current->server, "context \"" + current->name + "\""};
  return Address{kDefaultServer};
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

Result<void> find_token(Context& context, const ServerContext* server, Connection& connection) {
  if (auto token = variable(context, "FRACTA_TOKEN"); !token.empty()) {
    connection.token = std::move(token);
    return {};
  }
  connection.token_file = variable(context, "FRACTA_TOKEN_FILE");
  if (connection.token_file.empty() && server != nullptr) {
    connection.token = server->token;
    connection.token_file = server->token_file;
  }
  if (connection.token_file.empty()) return {};
  auto token = token_in_file(connection.token_file);
  if (!token) return token.error();
  connection.token = *std::move(token);
  return {};
}

// A context says where its token belongs. One of the environment goes where somebody pointed to on purpose: not where a
// checkout of other people's work says.
Result<void> check_destination(const Connection& connection, const net::Url& url, const Address& address,
                               bool of_context) {
  if (connection.token.empty()) return {};
  const std::string refused = "the token is not sent to " + shorten(connection.url, 200) + ": ";
  if (!may_carry_token(url))
    return make_error(ErrorCode::kInvalid, refused + "plain http can be read on the way; use https");
  if (address.by_directory && !of_context && !is_this_machine(url))
    return make_error(ErrorCode::kInvalid, refused +
                                               "nothing but ./fracta.yaml of this directory names it; if you mean it, "
                                               "say --server, FRACTA_SERVER or --config ./fracta.yaml");
  return {};
}

}  // namespace

bool may_carry_token(const net::Url& url) { return url.scheme == "https" || is_this_machine(url); }

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
  const auto found = address(args, context, contexts);
  if (!found) return found.error();
  auto parsed = net::parse_url(found->url);
  if (!parsed) return parsed.error().with_context("address of the controlplane");
  Connection connection;
  connection.url = found->url;
  connection.chosen_by = found->chosen_by;
  const auto* server = context_for(args, contexts, connection.url);
  if (server != nullptr) {
    connection.context_name = server->name;
    connection.ca_pem = server->ca_pem;
  }
  if (auto path = variable(context, "FRACTA_CA_FILE"); !path.empty()) {
    auto pem = read_file(path, kMaxSecretFile);
    if (!pem) return pem.error().with_context("FRACTA_CA_FILE");
    connection.ca_pem = *std::move(pem);
  }
  FRACTA_TRY(find_token(context, server, connection));
  const bool of_context =
      server != nullptr && variable(context, "FRACTA_TOKEN").empty() && variable(context, "FRACTA_TOKEN_FILE").empty();
  FRACTA_TRY(check_destination(connection, *parsed, *found, of_context));
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
