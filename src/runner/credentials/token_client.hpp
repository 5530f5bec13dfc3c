// Asks the controlplane for stored credentials, as the pod this process runs in. Thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "fracta/base/result.hpp"
#include "fracta/credentials/stored_credential.hpp"
#include "fracta/net/transport.hpp"
#include "runner/credentials/manifest.hpp"

namespace fracta::runner {

struct Fetched {
  enum class Kind {
    kNew,        // `credential` is set
    kUnchanged,  // 304
    kRefused,    // asking again cannot help: 4xx, a redirect, an answer that is none
    kRevoked,    // 403 or 404: not, or no longer, this agent's
    kFailed,     // 5xx, 429, no connection, no answer in time: ask again
    kCanceled,
  };
  Kind kind = Kind::kFailed;
  credentials::StoredCredential credential;
  std::string etag;  // of kNew; empty: the server has none
  std::string why;   // never holds a value
  std::optional<std::chrono::milliseconds> retry_after;
};

class TokenClient {
 public:
  // kInvalid: the manifest's certificates do not parse.
  static Result<std::unique_ptr<TokenClient>> create(const Manifest& manifest);

  // One answer in at most twice `timeout` (a 401 is asked again with the token as it is then).
  Fetched fetch(const ManifestCredential& credential, const std::string& etag, std::chrono::milliseconds timeout,
                const std::stop_token& stop);

 private:
  TokenClient(const Manifest& manifest, std::unique_ptr<net::Transport> transport)
      : token_file_(manifest.token_file), host_(manifest.controlplane.authority()), transport_(std::move(transport)) {}
  Result<net::Response> ask(const ManifestCredential& credential, const std::string& etag,
                            std::chrono::milliseconds timeout, const std::stop_token& stop);
  [[nodiscard]] Fetched judge(const net::Response& response, const ManifestCredential& credential,
                              const std::string& etag) const;
  [[nodiscard]] Fetched read_body(const net::Response& response, const ManifestCredential& credential) const;

  const std::string token_file_, host_;
  const std::unique_ptr<net::Transport> transport_;
};

}  // namespace fracta::runner
