// Which controlplane a verb talks to, and with which token and authorities.
#pragma once

#include <memory>
#include <string>

#include "cli/invocation.hpp"
#include "fracta/base/result.hpp"
#include "fracta/cli/cli.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::cli {

struct Connection {
  std::string url;
  std::string ca_pem;        // empty: the system's
  std::string token;         // a secret; empty: none
  std::string token_file;    // where the token is read anew for each request: somebody renews it there; may be empty
  std::string context_name;  // whose token and authorities these are; may be empty
  std::string chosen_by;     // what gave the address, for messages; may be empty
};

// The address: --server, --context, FRACTA_SERVER, control_plane_api.url of fracta.yaml, the current context,
// http://127.0.0.1:9090: the first that is given. The token: FRACTA_TOKEN, FRACTA_TOKEN_FILE, else that of the context
// with exactly this scheme, host and port. The authorities: FRACTA_CA_FILE, else those of that context. Fails for a
// --config or context file that cannot be read, for a token that would travel unencrypted, and for one of the
// environment that would go where only the ./fracta.yaml of a directory one happens to be in says so.
Result<Connection> find_connection(const ClientArgs& args, Context& context);

Result<std::unique_ptr<net::Transport>> make_transport(const Connection& connection);

// Scheme, host and port of two URLs are the same.
bool same_origin(const std::string& a, const std::string& b);
// Over https, or to this machine.
bool may_carry_token(const net::Url& url);

}  // namespace fracta::cli
