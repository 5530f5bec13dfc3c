// `kubectl --as`: acting as somebody else, for those who may.
#pragma once

#include "devcluster/auth/authorizer.hpp"
#include "fracta/net/http.hpp"

namespace fracta::devcluster {

// The user the request's Impersonate-* headers name; `user` itself when there are none. A failure when one of them is
// beyond the rights of `user`.
Outcome<User> impersonated(const Store& store, const User& user, const net::Headers& headers);

}  // namespace fracta::devcluster
