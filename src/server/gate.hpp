// The way every request takes before its handler: who is it, how often, may they; and afterwards the audit line.
#pragma once

#include <optional>

#include "server/caller.hpp"
#include "server/open_streams.hpp"
#include "server/rate_limit.hpp"
#include "server/requirement.hpp"

namespace fracta::server {

class Gate {
 public:
  // Whether that pod is of the agent of that name; an error: it cannot be known now.
  using OwnAgent = std::function<Result<bool>(const PodIdentity&, const std::string& agent)>;
  // What is empty is not asked. `clock` outlives it.
  Gate(const Clock& clock, const OpenStreams::Limits& streams, Authenticator authenticate, Authorizer authorize,
       Rate per_identity, Rate per_peer, OwnAgent own_agent);

  // Thread-safe.
  net::ServerResponse pass(const net::ServerRequest& request, const Requirement& requirement,
                           const CallerHandler& handler);

  [[nodiscard]] OpenStreams& streams() { return streams_; }

 private:
  Result<Identity> identify(const net::ServerRequest& request);
  Result<void> allow(const net::ServerRequest& request, const Requirement& requirement, const Caller& caller) const;
  Result<void> watch_over(net::ServerResponse& answer, const net::ServerRequest& request,
                          const Requirement& requirement, const Identity& identity);

  const Authenticator authenticate_;
  const Authorizer authorize_;
  const OwnAgent own_agent_;
  RateLimiter identities_, peers_;
  OpenStreams streams_;  // last: its thread asks the rest
};

}  // namespace fracta::server
