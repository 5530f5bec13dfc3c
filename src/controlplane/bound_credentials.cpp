#include "fracta/controlplane/bound_credentials.hpp"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::controlplane {

namespace {

using credentials::CredentialStore;
using credentials::StoredCredential;

constexpr std::size_t kMaxBound = 64;  // more of an annotation is not read

// Credentials that one place asks for.
struct Level {
  std::string where;  // for messages
  std::vector<BoundCredential> wanted;
};

class Resolution {
 public:
  explicit Resolution(const std::vector<StoredCredential>& known) {
    for (const auto& credential : known)
      by_name_[credential.name] = {credential.id, credential.name, credential.provider};
  }

  void add_names(Level& level, const std::vector<std::string>& names) {
    for (const auto& name : names) {
      const auto found = by_name_.find(name);
      if (found == by_name_.end()) {
        problems_.push_back("credential \"" + shorten(name, 128) + "\" (" + level.where + ") does not exist");
      } else {
        add(level, found->second);
      }
    }
  }
  void add_bindings(Level& level, const std::vector<CredentialStore::Binding>& bindings, const std::string& target) {
    for (const auto& binding : bindings)
      if (binding.target == target) add(level, {binding.credential_id, binding.credential_name, binding.provider});
  }
  // Adds what no earlier level has of the same provider.
  void settle(const Level& level) {
    std::map<std::string, BoundCredential> of_level;
    for (const auto& credential : level.wanted) {
      const auto [other, fresh] = of_level.emplace(credential.provider, credential);
      if (!fresh)
        problems_.push_back("\"" + shorten(other->second.name, 128) + "\" and \"" + shorten(credential.name, 128) +
                            "\" are both " + credential.provider + " credentials (" + level.where +
                            "): an agent has one of each provider");
    }
    for (const auto& [provider, credential] : of_level) bound_.emplace(provider, credential);
  }

  Result<std::vector<BoundCredential>> result() const {
    if (!problems_.empty()) {
      auto error =
          make_error(ErrorCode::kInvalid, join(problems_, "; ") + " (`fracta credential list` shows what there is)");
      error.reason = "CredentialsNotBound";
      return error;
    }
    std::vector<BoundCredential> out;
    for (const auto& [provider, credential] : bound_) out.push_back(credential);
    return out;
  }

 private:
  static void add(Level& level, const BoundCredential& credential) {
    if (std::find(level.wanted.begin(), level.wanted.end(), credential) == level.wanted.end())
      level.wanted.push_back(credential);
  }

  std::map<std::string, BoundCredential> by_name_;
  std::map<std::string, BoundCredential> bound_;  // by provider
  std::vector<std::string> problems_;
};

}  // namespace

Result<std::vector<BoundCredential>> resolve_bound_credentials(CredentialStore& store,
                                                               const std::vector<std::string>& requested,
                                                               const std::string& agent, const std::string& runtime,
                                                               const std::vector<std::string>& of_runtime,
                                                               const std::string& project) {
  const auto bindings = store.bindings();
  if (!bindings) return bindings.error().with_context("bindings of credentials");
  std::vector<StoredCredential> known;
  if (!requested.empty() || !of_runtime.empty()) {
    auto all = store.list();
    if (!all) return all.error().with_context("stored credentials");
    known = *std::move(all);
  }
  Resolution resolution(known);
  Level asked{"asked for by this spawn", {}};
  resolution.add_names(asked, requested);
  Level of_agent{"bound to agent/" + agent, {}};
  resolution.add_bindings(of_agent, *bindings, "agent/" + agent);
  Level configured{"of runtime " + runtime, {}};
  resolution.add_names(configured, of_runtime);
  resolution.add_bindings(configured, *bindings, "runtime/" + runtime);
  Level of_project{"bound to project/" + project, {}};
  resolution.add_bindings(of_project, *bindings, "project/" + project);
  for (const auto* level : {&asked, &of_agent, &configured, &of_project}) resolution.settle(*level);
  return resolution.result();
}

std::string format_bound_credentials(const std::vector<BoundCredential>& bound) {
  Json list = Json::array();
  for (const auto& credential : bound)
    list.push_back({{"id", credential.id}, {"name", credential.name}, {"provider", credential.provider}});
  return dump_json(list);
}

std::vector<BoundCredential> parse_bound_credentials(std::string_view text) {
  std::vector<BoundCredential> out;
  if (text.empty()) return out;
  const auto list = parse_json(text, {.max_depth = 4});
  if (!list || !list->is_array()) return out;
  for (const auto& entry : *list) {
    BoundCredential credential{string_at(entry, "id"), string_at(entry, "name"), string_at(entry, "provider")};
    if (credential.id.empty() || credential.provider.empty()) continue;
    out.push_back(std::move(credential));
    if (out.size() == kMaxBound) break;
  }
  return out;
}

}  // namespace fracta::controlplane
