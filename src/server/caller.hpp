// The authenticated sender of one request, as handlers see it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "fracta/server/access.hpp"

namespace fracta::server {

class Caller {
 public:
  Caller(Identity identity, Authorizer authorize) : identity_(std::move(identity)), authorize_(std::move(authorize)) {}
  [[nodiscard]] const Identity& identity() const { return identity_; }
  // Without an authorizer (auth mode none) everything is allowed. The failure is a complete answer with
  // access_refused() (answers.hpp).
  [[nodiscard]] Result<void> may(const Attributes& attributes) const {
    return authorize_ ? authorize_(identity_, attributes) : Result<void>();
  }
  // The object this call turned out to be about, for its audit line; a path parameter needs no such help.
  void about(std::string object) const { *object_ = std::move(object); }
  [[nodiscard]] const std::string& object() const { return *object_; }

 private:
  Identity identity_;
  Authorizer authorize_;
  std::shared_ptr<std::string> object_ = std::make_shared<std::string>();
};

// A handler that knows who asks.
using CallerHandler = std::function<net::ServerResponse(const net::ServerRequest&, const Caller&)>;

}  // namespace fracta::server
