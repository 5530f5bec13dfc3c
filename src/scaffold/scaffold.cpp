#include "fracta/scaffold/scaffold.hpp"

#include <algorithm>

#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"
#include "scaffold/embedded.hpp"
#include "scaffold/kinds.hpp"

namespace fracta::scaffold {
namespace {

constexpr std::string_view kHelpers = "deployment/auth-helpers/";
constexpr std::string_view kExample = "deployment/auth-helpers/fetch-token-example";
constexpr const char* kIgnoreFile = ".gitignore";

bool is_program(std::string_view path, std::string_view content) {
  return path.starts_with(kHelpers) && content.starts_with("#!");
}

Result<FileState> state_of(const ProjectDirectory& directory, const Template& source) {
  auto found = directory.read(source.path);
  if (!found) return found.error();
  if (*found) {
    // Of the mode only the x bit matters; the rest is the operator's (umask, groups).
    const bool runs = ((*found)->mode & 0100) != 0;
    const bool same = (*found)->text == source.content && (runs || (source.mode & 0100) == 0);
    return same ? FileState::kSame : FileState::kDiffers;
  }
  if (source.path != kExample) return FileState::kMissing;
  auto helpers = directory.list(std::string(kHelpers.substr(0, kHelpers.size() - 1)));
  if (!helpers) return helpers.error();
  const bool others =
      std::any_of(helpers->begin(), helpers->end(), [](const std::string& name) { return name != "README.md"; });
  return others ? FileState::kReplaced : FileState::kMissing;
}

constexpr const char* kManifests = "deployment/k8s/manifests";

Result<std::vector<std::string>> foreign_manifests(const ProjectDirectory& directory,
                                                   const std::vector<Template>& all) {
  auto names = directory.list(kManifests);
  if (!names) return names;
  std::vector<std::string> foreign;
  for (const auto& name : *names) {
    const std::string path = std::string(kManifests) + "/" + name;
    const bool applied = name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
    if (applied && std::none_of(all.begin(), all.end(), [&](const Template& one) { return one.path == path; }))
      foreign.push_back(path);
  }
  return foreign;
}

Result<std::vector<std::string>> missing_ignore_lines(const ProjectDirectory& directory) {
  auto found = directory.read(kIgnoreFile);
  if (!found) return found.error();
  std::vector<std::string> lines;
  if (*found)
    for (const auto& line : split((*found)->text, '\n')) lines.emplace_back(trim(line));
  std::vector<std::string> missing;
  for (const char* wanted : {".fracta/", ".worktrees/"})
    if (std::find(lines.begin(), lines.end(), wanted) == lines.end()) missing.emplace_back(wanted);
  return missing;
}

Result<void> append_ignore_lines(const ProjectDirectory& directory, const std::vector<std::string>& lines) {
  auto found = directory.read(kIgnoreFile);
  if (!found) return found.error();
  std::string text = *found ? (*found)->text : "";
  if (!text.empty() && text.back() != '\n') text += '\n';
  text += join(lines, "\n") + "\n";
  return directory.write(kIgnoreFile, text, *found ? (*found)->mode : 0644);
}

}  // namespace

std::vector<std::string> Plan::paths(FileState state) const {
  std::vector<std::string> found;
  for (const auto& file : files)
    if (file.state == state) found.push_back(file.source.path);
  return found;
}

Result<std::vector<Template>> templates(std::string_view kind) {
  if (kind != kKubernetes) return unknown_kind(kind);
  std::vector<Template> all;
  for (const auto& file : embedded_files()) {
    // The thin client's configuration belongs next to deployment/, where the command line looks for it.
    std::string path = (file.path == "fracta.yaml" ? "" : "deployment/") + std::string(file.path);
    const mode_t mode = is_program(path, file.content) ? 0755 : 0644;
    all.push_back({std::move(path), file.content, mode});
  }
  return all;
}

Result<Plan> make_plan(std::string_view kind, const std::string& directory) {
  auto sources = templates(kind);
  if (!sources) return sources.error();
  Plan plan{.directory = directory, .files = {}, .ignore = {}, .foreign = {}};
  auto project = ProjectDirectory::open(directory);
  if (!project && project.error().code != ErrorCode::kNotFound) return project.error();
  if (!project) {
    for (auto& source : *sources) plan.files.push_back({std::move(source), FileState::kMissing});
    plan.ignore = {".fracta/", ".worktrees/"};
    return plan;
  }
  auto existing = existing_kind(*project);
  if (!existing) return existing.error();
  if (!existing->empty() && *existing != kind) return other_kind(*existing, kind);
  auto foreign = foreign_manifests(*project, *sources);
  if (!foreign) return foreign.error();
  plan.foreign = *std::move(foreign);
  for (auto& source : *sources) {
    auto state = state_of(*project, source);
    if (!state) return state.error();
    plan.files.push_back({std::move(source), *state});
  }
  auto ignore = missing_ignore_lines(*project);
  if (!ignore) return ignore.error();
  plan.ignore = *std::move(ignore);
  return plan;
}

Result<Outcome> apply(const Plan& plan, bool overwrite) {
  FRACTA_TRY(make_directories(plan.directory));
  auto project = ProjectDirectory::open(plan.directory);
  if (!project) return project.error();
  Outcome outcome;
  for (const auto& file : plan.files) {
    if (file.state == FileState::kMissing || (overwrite && file.state == FileState::kDiffers)) {
      FRACTA_TRY(project->write(file.source.path, file.source.content, file.source.mode));
      outcome.written.push_back(file.source.path);
    } else {
      ++outcome.skipped;
    }
  }
  if (!plan.ignore.empty()) {
    FRACTA_TRY(append_ignore_lines(*project, plan.ignore));
    outcome.written.emplace_back(kIgnoreFile);
  }
  return outcome;
}

}  // namespace fracta::scaffold
