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
  net::ServerResponse answer(const net::ServerRequest& request);
  net::ServerResponse serve(Call& call, bool is_resource);
  net::ServerResponse other_path(Call& call);
  net::ServerResponse resource(Call& call);
  net::ServerResponse dispatch(Call& call);
  // faulted.cpp
  [[nodiscard]] bool is_revoked(const net::ServerRequest& request, const User& user) const;
  net::ServerResponse past_faults(Call& call);
  net::ServerResponse control_faults(const Call& call);

  Services services_;
  Authenticator authenticator_;
};

}  // namespace fracta::devcluster
