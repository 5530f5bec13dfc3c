// The HTTPS front end: authentication, authorization, and the way from a request to its handler.
#pragma once

#include "devcluster/auth/authenticator.hpp"
#include "devcluster/front/context.hpp"

namespace fracta::devcluster {

class Front {
 public:
  Front(Services services, std::map<std::string, User> tokens)
      : services_(std::move(services)), authenticator_(*services_.registry, *services_.signer, std::move(tokens)) {}
  // Thread-safe.
  net::ServerResponse handle(const net::ServerRequest& request);

 private:
  net::ServerResponse resource(Call& call);
  net::ServerResponse dispatch(Call& call);

  Services services_;
  Authenticator authenticator_;
};

}  // namespace fracta::devcluster
