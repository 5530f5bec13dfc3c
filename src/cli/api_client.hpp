// The daemon's HTTP API (docs/api.md) as the verbs use it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/connection.hpp"
#include "cli/invocation.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/cli/cli.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::cli {

class ApiClient {
 public:
  // To the controlplane of connection.hpp's find_connection().
  static Result<ApiClient> connect(const ClientArgs& args, Context& context);
  // To one given otherwise (login).
  static Result<ApiClient> connect(const Connection& connection, const ClientArgs& args, const Context& context);

  // 2xx -> the JSON body; else the server's own words as Error (http_status set). `body` null = none.
  Result<Json> call(std::string_view method, const std::string& target, const Json* body = nullptr);

  // A chunked answer. Success: it ended in order. An answer that is no 2xx is an Error with http_status.
  Result<void> stream(const std::string& target, const net::Headers& headers, std::chrono::milliseconds idle_timeout,
                      const std::stop_token& stop, const std::function<bool(std::string_view)>& on_data);

  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  ApiClient(const Connection& connection, std::string base_path, std::unique_ptr<net::Transport> transport,
            const ClientArgs& args, const Context& context);
  net::Request make_request(std::string_view method, const std::string& target, const Json* body) const;
  [[nodiscard]] Error explain(Error error) const;

  std::string url_;
  std::string chosen_by_;
  std::string token_;  // sent to url_ only; redirects are not followed
  std::string token_file_;
  std::string base_path_;
  std::unique_ptr<net::Transport> transport_;
  std::chrono::milliseconds timeout_;
  std::stop_token stop_;
};

// "/api/v1/agents/<name>" with the name percent-encoded.
std::string agent_target(std::string_view name, std::string_view rest = "");

// Prints an error as kubectl does: `Error from server (NotFound): ...` or `error: ...`. Returns kExitFailed.
int report(const Error& error, Context& context);

}  // namespace fracta::cli
