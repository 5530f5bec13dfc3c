// Kinds of scaffolded projects: ours and those of upstream that a directory may have been made as.
#pragma once

#include <string>
#include <string_view>

#include "fracta/base/result.hpp"
#include "scaffold/project_directory.hpp"

namespace fracta::scaffold {

inline constexpr std::string_view kKubernetes = "k8s";

Error unknown_kind(std::string_view kind);

// "k8s", "docker-compose", "local", or empty for a directory that has not been scaffolded.
Result<std::string> existing_kind(const ProjectDirectory& directory);

Error other_kind(const std::string& existing, std::string_view wanted);

}  // namespace fracta::scaffold
