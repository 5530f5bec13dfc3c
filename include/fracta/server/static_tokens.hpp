// Callers from a file, for controlplanes without a cluster identity: lines `token,user,"role,role"`, '#' comments.
#pragma once

#include <memory>
#include <string>

#include "fracta/server/access.hpp"

namespace fracta::server {

// Thread-safe.
class StaticTokens {
 public:
  // kInvalid names file and line; kForbidden: others could read or write the file. A file that changes is read again
  // (looked at once a second at most); while what it holds is broken, the last good content stays.
  static Result<std::shared_ptr<StaticTokens>> create(std::string path);
  ~StaticTokens();

  [[nodiscard]] Authenticator authenticator() const;
  // By the roles of the file: viewer, operator, credential-admin (docs/api.md, "Authorisation").
  [[nodiscard]] static Authorizer authorizer();

 private:
  class Impl;
  explicit StaticTokens(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace fracta::server
