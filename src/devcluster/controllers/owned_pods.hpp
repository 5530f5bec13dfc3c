// Which pods belong to which controlling owner of one kind, kept current by a watch of pods. Names only: the pods
// themselves are read when they are looked at, so that nobody decides on an old copy.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

// Thread-safe.
class PodIndex {
 public:
  PodIndex(const Api& api, std::string owner_kind) : api_(api), kind_(std::move(owner_kind)) {}

  // The owners ("namespace/name") that have a pod more, less or changed.
  std::vector<std::string> observe(const StoreEvent& event);
  // For a pod just made: the watch may be a moment behind.
  void add(const std::string& owner, const std::string& pod);
  [[nodiscard]] std::vector<Object> pods_of(const std::string& owner) const;

 private:
  const Api& api_;
  const std::string kind_;
  mutable std::mutex mutex_;
  std::map<std::string, std::set<std::string>> owned_;  // owner's key -> names of pods
};

// The controlling owner's uid, of any kind; empty when there is none.
std::string controller_uid(const Json& object);
// Adds or removes `owner` (an apiVersion, kind, name, uid) as the controlling owner.
bool adopt_object(Json& object, const Json& owner);
bool release_object(Json& object, const std::string& owner_uid);
Json controller_reference(const Json& owner, std::string_view api_version, std::string_view kind);

}  // namespace fracta::devcluster
