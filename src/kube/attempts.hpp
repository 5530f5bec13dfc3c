// Whether and when a failed request is sent again. Rules and numbers: client-go rest/with_retry.go, rest/request.go.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "fracta/base/result.hpp"
#include "fracta/net/transport.hpp"
#include "kube/client_impl.hpp"

namespace fracta::kube {

// One call: its deadline, its tries, the token it was sent with. Not thread-safe.
class Attempts {
 public:
  Attempts(Client::Impl& client, std::string method, std::chrono::milliseconds timeout, std::stop_token stop);

  // Sets the Authorization header for the next try; fails when there is no credential or no time left.
  Result<void> prepare(net::Request& request);
  // The outcome of a try that is no success: waits and returns nothing when it shall be tried again, else the error to
  // hand on. `answered` is false when no HTTP answer came.
  std::optional<Error> again(Error error, bool answered);
  [[nodiscard]] std::chrono::milliseconds remaining() const;

 private:
  [[nodiscard]] std::optional<std::chrono::milliseconds> delay(const Error& error, bool answered) const;

  Client::Impl& client_;
  std::string method_;
  std::stop_token stop_;
  SteadyTime deadline_;
  std::string token_;
  int retries_ = 0;
  bool renewed_ = false;
};

}  // namespace fracta::kube
