// Kubernetes' rules for names, keys and label values (apimachinery pkg/util/validation). Each function returns what is
// wrong, in the API server's words; empty means valid. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fracta {

std::vector<std::string> dns1123_label_errors(std::string_view name);
std::vector<std::string> dns1123_subdomain_errors(std::string_view name);
std::vector<std::string> dns1035_label_errors(std::string_view name);
std::vector<std::string> qualified_name_errors(std::string_view name);  // label, annotation and taint keys
std::vector<std::string> label_value_errors(std::string_view value);
std::vector<std::string> config_map_key_errors(std::string_view key);  // of ConfigMaps and Secrets
std::vector<std::string> env_name_errors(std::string_view name);
std::vector<std::string> port_name_errors(std::string_view name);
std::vector<std::string> path_segment_errors(std::string_view name);  // rbac names

}  // namespace fracta
