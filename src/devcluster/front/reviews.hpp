#pragma once

#include "devcluster/auth/authenticator.hpp"
#include "devcluster/front/context.hpp"

namespace fracta::devcluster {

// TokenReview and the access reviews: asked, answered, not kept.
net::ServerResponse serve_review(Call& call, const Services& services, const Authenticator& authenticator);

}  // namespace fracta::devcluster
