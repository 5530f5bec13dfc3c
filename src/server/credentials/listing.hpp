// GET /credentials: filter, order, page and fields of one list request.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fracta/credentials/stored_credential.hpp"
#include "fracta/net/http_server.hpp"
#include "server/credentials/search.hpp"

namespace fracta::server {

struct ListQuery {
  std::int64_t page = 1, size = 100;
  CredentialFilter matches;
  std::string provider;  // empty: all
  struct Order {
    std::string field;
    bool descending = false;
  };
  std::vector<Order> order;
  std::vector<std::string> fields;  // empty: all
};

// The answer that refuses the query, or the query.
struct ListQueryResult {
  std::optional<ListQuery> query;
  std::optional<net::ServerResponse> refused;
};
ListQueryResult parse_list_query(const net::ServerRequest& request);

// `all`: what the caller may see, in order of creation.
net::ServerResponse list_reply(const ListQuery& query, std::vector<credentials::StoredCredential> all);

}  // namespace fracta::server
