#include "devcluster/controllers/owned_pods.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

std::vector<std::string> PodIndex::observe(const StoreEvent& event) {
  const std::string ns = string_at(*event.object, "metadata/namespace"),
                    name = string_at(*event.object, "metadata/name");
  const auto owner_of = [&](const Json& pod) {
    const std::string owner = controller_name(pod, kind_);
    return owner.empty() ? owner : ns + "/" + owner;
  };
  std::vector<std::string> touched;
  const std::lock_guard lock(mutex_);
  const auto forget = [&](const std::string& owner) {
    const auto found = owned_.find(owner);
    if (found == owned_.end()) return;
    found->second.erase(name);
    if (found->second.empty()) owned_.erase(found);
  };
  const std::string now = owner_of(*event.object), before = event.previous ? owner_of(*event.previous) : "";
  if (!before.empty() && before != now) {
    forget(before);
    touched.push_back(before);
  }
  if (now.empty()) return touched;
  touched.push_back(now);
  if (event.type == EventType::kDeleted)
    forget(now);
  else
    owned_[now].insert(name);
  return touched;
}

void PodIndex::add(const std::string& owner, const std::string& pod) {
  const std::lock_guard lock(mutex_);
  owned_[owner].insert(pod);
}

std::vector<Object> PodIndex::pods_of(const std::string& owner) const {
  std::set<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    const auto found = owned_.find(owner);
    if (found == owned_.end()) return {};
    names = found->second;
  }
  const std::string ns = split_key(owner).first;
  std::vector<Object> result;
  for (const auto& name : names)
    if (auto pod = api_.get("pods", ns, name)) result.push_back(*pod);
  return result;
}

std::string controller_uid(const Json& object) {
  const Json* owners = find_path(object, "metadata/ownerReferences");
  if (owners != nullptr && owners->is_array())
    for (const auto& owner : *owners)
      if (bool_at(owner, "controller")) return string_at(owner, "uid");
  return "";
}

Json controller_reference(const Json& owner, std::string_view api_version, std::string_view kind) {
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"name", string_at(owner, "metadata/name")},
          {"uid", string_at(owner, "metadata/uid")},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

bool adopt_object(Json& object, const Json& owner) {
  if (!controller_uid(object).empty() || is_deleted(object)) return false;
  Json& owners = object["metadata"]["ownerReferences"];
  if (!owners.is_array()) owners = Json::array();
  owners.push_back(owner);
  return true;
}

bool release_object(Json& object, const std::string& owner_uid) {
  Json& owners = object["metadata"]["ownerReferences"];
  if (!owners.is_array()) return false;
  const auto gone =
      std::remove_if(owners.begin(), owners.end(), [&](const Json& o) { return string_at(o, "uid") == owner_uid; });
  if (gone == owners.end()) return false;
  owners.erase(gone, owners.end());
  if (owners.empty()) object["metadata"].erase("ownerReferences");
  return true;
}

}  // namespace fracta::devcluster
