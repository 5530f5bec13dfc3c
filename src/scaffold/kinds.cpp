#include "scaffold/kinds.hpp"

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::scaffold {

Error unknown_kind(std::string_view kind) {
  std::string text = "unknown scaffold \"" + shorten(kind, 60) + "\"; valid: " + std::string(kKubernetes);
  if (kind == "local" || kind == "docker-compose")
    text +=
        " (local and docker-compose are upstream's; to try agents on one machine, run `fracta devcluster` and "
        "`fracta controlplane` instead)";
  return make_error(ErrorCode::kInvalid, std::move(text));
}

Result<std::string> existing_kind(const ProjectDirectory& directory) {
  auto manifests = directory.list("deployment/k8s/manifests");
  if (!manifests) return manifests.error();
  if (!manifests->empty()) return std::string(kKubernetes);
  auto compose = directory.read("deployment/docker-compose.yml");
  if (!compose) return compose.error();
  if (*compose) return std::string("docker-compose");
  auto config = directory.read("fracta.yaml");
  if (!config) return config.error();
  if (!*config) return std::string();
  // A file that does not parse says nothing about the kind; it is kept as it is, and `config validate` explains it.
  auto document = parse_yaml((*config)->text);
  if (!document) return std::string();
  const std::string backend = string_at(*document, "runtime/backend");
  return backend == "local" ? backend : backend == "kubernetes" ? std::string(kKubernetes) : std::string();
}

Error other_kind(const std::string& existing, std::string_view wanted) {
  return make_error(ErrorCode::kInvalid,
                    "this project is already scaffolded as " + existing + "; cannot re-init as " + std::string(wanted) +
                        " without losing customizations.\n"
                        "  - to keep it, leave the project as it is\n"
                        "  - to have both, scaffold into another directory: fracta init --scaffold " +
                        std::string(wanted) +
                        " --dir DIR\n"
                        "  - to change it, move deployment/ and fracta.yaml away first, and carry your changes over "
                        "afterwards");
}

}  // namespace fracta::scaffold
