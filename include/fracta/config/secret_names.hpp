// Which names say by themselves that their values are secrets. Pure.
#pragma once

#include <string_view>

namespace fracta::config {

// Names of variables and keys whose values nobody should see (TOKEN, api_key, dsn, ...). Letter case and '-' do not
// matter.
bool looks_secret(std::string_view name);

}  // namespace fracta::config
