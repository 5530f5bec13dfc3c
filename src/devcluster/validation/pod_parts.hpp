// Pieces of Pod validation shared by its files.
#pragma once

#include <set>
#include <string>

#include "devcluster/validation/field_errors.hpp"

namespace fracta::devcluster {

inline constexpr const char* kNonNegative = "must be greater than or equal to 0";
inline constexpr const char* kFileMode = "must be a number between 0 and 0777 (octal), both inclusive";

// The list at `key`, empty when missing.
const Json& list_at(const Json& object, std::string_view key);

// Returns the names of the volumes without mistakes: only those can be mounted.
std::set<std::string> validate_volumes(const Json& volumes, const std::string& path, const std::string& pod_name,
                                       FieldErrors& errors);
void validate_downward_item(const Json& item, const std::string& path, FieldErrors& errors);
void validate_field_ref(const Json& reference, const std::string& path, const std::vector<std::string>& supported,
                        FieldErrors& errors);
void validate_resource_ref(const Json& reference, const std::string& path, bool volume, FieldErrors& errors);
void validate_relative_path(const std::string& value, const std::string& path, FieldErrors& errors);

void validate_containers(const Json& spec, const std::string& path, const std::set<std::string>& volumes,
                         FieldErrors& errors);
void validate_probe(const Json& probe, const std::string& path, FieldErrors& errors);
void validate_handler(const Json& handler, const std::string& path, bool grpc, FieldErrors& errors);
void validate_resources(const Json& resources, const std::string& path, FieldErrors& errors);
void validate_env(const Json& container, const std::string& path, FieldErrors& errors);
void validate_label_selector(const Json& selector, const std::string& path, FieldErrors& errors);
void validate_affinity(const Json& affinity, const std::string& path, FieldErrors& errors);
void validate_topology_spread(const Json& constraints, const std::string& path, FieldErrors& errors);
void validate_seccomp(const Json& context, const std::string& path, FieldErrors& errors);

}  // namespace fracta::devcluster
