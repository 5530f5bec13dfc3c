// The filter language of `search`: a small part of TSL (Tree Search Language): name = 'x', provider <> 'github',
// id in ('a', 'b'), name like '%prod%', not, and, or, parentheses. Tokens cannot be searched.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/credentials/stored_credential.hpp"

namespace fracta::server {

using CredentialFilter = std::function<bool(const credentials::StoredCredential&)>;

// "" matches everything. kInvalid says where it stops making sense.
Result<CredentialFilter> parse_search(std::string_view text);

// Fields that can be searched, sorted by and chosen; the value, or nothing for any other name.
const std::vector<std::string>& credential_fields();
const std::string* credential_field(const credentials::StoredCredential& credential, std::string_view name);

}  // namespace fracta::server
