// The authenticated sender of one request, as handlers see it.
#pragma once

#include <utility>

#include "fracta/server/access.hpp"

namespace fracta::server {

class Caller {
 public:
  Caller(Identity identity, Authorizer authorize) : identity_(std::move(identity)), authorize_(std::move(authorize)) {}
  [[nodiscard]] const Identity& identity() const { return identity_; }
  // Without an authorizer (auth mode none) everything is allowed.
  [[nodiscard]] Result<void> may(const Attributes& attributes) const {
    return authorize_ ? authorize_(identity_, attributes) : Result<void>();
  }

 private:
  Identity identity_;
  Authorizer authorize_;
};

// A handler that knows who asks.
using CallerHandler = std::function<net::ServerResponse(const net::ServerRequest&, const Caller&)>;

}  // namespace fracta::server
