// The cluster's own answers to who calls and what they may: TokenReview and SubjectAccessReview.
#pragma once

#include <string>
#include <vector>

#include "fracta/kube/client.hpp"
#include "fracta/server/reviews.hpp"

namespace fracta::daemon {

struct ClusterAccess {
  kube::Client& client;                // outlives the functions made here
  std::string ns;                      // of the controlplane: Roles of this namespace count
  std::vector<std::string> audiences;  // empty: the API server's own
  std::string agent_audience;          // of agents' projected tokens; accepted besides
};

server::TokenReviewer make_token_reviewer(ClusterAccess access);
server::AccessReviewer make_access_reviewer(ClusterAccess access);

}  // namespace fracta::daemon
