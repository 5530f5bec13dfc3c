#include "credentials/delivery.hpp"

#include <map>

#include <fmt/format.h>

#include "fracta/base/text.hpp"
#include "fracta/config/credential_paths.hpp"

namespace fracta::credentials {
namespace {

Error refuse(const PlannedOrigin& origin, const std::string& why) {
  return make_error(ErrorCode::kInvalid, fmt::format("auth_origin \"{}\": path \"{}\": {}", origin.name,
                                                     shorten(origin.origin.path, 200), why));
}

bool is_secret_key(std::string_view key) {
  return !key.empty() && key.size() <= 253 && key != "." && !key.starts_with("..") &&
         key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
             std::string_view::npos;
}

std::string as_secret_key(std::string_view text) {
  std::string key;
  for (const char c : text) key += is_secret_key(std::string("x") + c) ? c : '-';
  return key.substr(0, 200);
}

Result<std::string> absolute_path(const PlannedOrigin& planned, const std::string& workspace) {
  const std::string& path = planned.origin.path;
  if (path.empty()) return std::string(kDefaultDirectory) + "/" + as_secret_key(planned.name);
  if (const std::string problem = config::credential_path_problem(path, workspace); !problem.empty())
    return refuse(planned, problem);
  return path.starts_with('/') ? path : std::string(kDefaultDirectory) + "/" + path;
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool wants_file(const PlannedOrigin& planned, const Plan& plan) {
  if (plan.binding.type == "token_file" && planned.bound) return true;
  if (planned.phase == Phase::kUnavailable || planned.origin.delivery == "env") return false;
  if (planned.is_secret_ref()) return planned.origin.delivery == "file_mount" && !planned.origin.path.empty();
  return planned.phase == Phase::kPrepareNow && !planned.origin.path.empty();
}

Result<void> assign_file(PlannedOrigin& planned, const Plan& plan, const std::string& workspace) {
  if (!wants_file(planned, plan)) return {};
  auto path = absolute_path(planned, workspace);
  if (!path) return path.error();
  planned.file = *std::move(path);
  if (!planned.is_secret_ref()) return {};
  planned.file_key = planned.origin.secret_ref ? planned.origin.secret_ref->key : "";
  if (directory_of(planned.file) == kDefaultDirectory)
    return refuse(planned, std::string(kDefaultDirectory) +
                               " holds the agent's own Secret; give a file from another Secret a directory of its own");
  return {};
}

// The default directory shows the Secret's keys as files, so its files need their own names; the others take the file's
// name where it is free.
Result<void> assign_keys(Plan& plan) {
  std::map<std::string, std::string> files;  // path -> origin
  std::set<std::string> keys;
  for (PlannedOrigin& planned : plan.origins) {
    if (planned.file.empty()) continue;
    const auto [other, fresh] = files.emplace(planned.file, planned.name);
    if (!fresh) return refuse(planned, fmt::format("auth_origin \"{}\" is delivered to the same file", other->second));
    if (planned.is_secret_ref() || directory_of(planned.file) != kDefaultDirectory) continue;
    if (!is_secret_key(name_of(planned.file)))
      return refuse(planned, "the file's name may consist of letters, digits, '-', '_' and '.' only");
    planned.file_key = name_of(planned.file);
    keys.insert(planned.file_key);
  }
  for (PlannedOrigin& planned : plan.origins) {
    if (planned.file.empty() || !planned.file_key.empty()) continue;
    planned.file_key = as_secret_key(name_of(planned.file));
    for (int n = 1; !is_secret_key(planned.file_key) || keys.contains(planned.file_key); ++n)
      planned.file_key = fmt::format("{}.{}.{}", as_secret_key(planned.name), n, as_secret_key(name_of(planned.file)));
    keys.insert(planned.file_key);
  }
  return {};
}

bool can_provide(const PlannedOrigin& planned) {
  return planned.is_secret_ref() ? planned.phase != Phase::kUnavailable : planned.phase == Phase::kPrepareNow;
}

void assign_env(PlannedOrigin& planned, const Plan& plan) {
  if (planned.origin.delivery == "env" && !planned.origin.env_name.empty() && can_provide(planned))
    planned.env = planned.origin.env_name;
  if (plan.binding.type != "bearer_env") return;
  if (planned.bound) planned.env = plan.binding.env_name;
  planned.candidate = !plan.binding.runtime_auth_resolver.empty() && can_provide(planned);
}

}  // namespace

std::string env_key(const std::string& variable) { return "env." + as_secret_key(variable); }

Result<void> assign_deliveries(Plan& plan, const std::string& workspace_mount_path) {
  for (PlannedOrigin& planned : plan.origins) {
    planned.bound = !plan.binding.auth_origin.empty() && planned.name == plan.binding.auth_origin;
    FRACTA_TRY(assign_file(planned, plan, workspace_mount_path));
    assign_env(planned, plan);
  }
  return assign_keys(plan);
}

}  // namespace fracta::credentials
