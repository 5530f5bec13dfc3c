// Kubernetes' rules for names, keys and label values (apimachinery pkg/util/validation). Each function returns what is
// wrong, in the API server's words; empty means valid.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fracta::config {

using Reasons = std::vector<std::string>;

Reasons check_dns1123_label(std::string_view name);
Reasons check_dns1123_subdomain(std::string_view name);
Reasons check_qualified_name(std::string_view name);  // label and annotation keys, taint keys
Reasons check_label_value(std::string_view value);
Reasons check_config_map_key(std::string_view key);  // keys of ConfigMaps and Secrets
Reasons check_env_var_name(std::string_view name);

}  // namespace fracta::config
