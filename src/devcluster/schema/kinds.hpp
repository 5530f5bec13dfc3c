// The resources this API server serves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "devcluster/schema/schema.hpp"

namespace fracta::devcluster {

struct Kind {
  std::string group;  // "" for core
  std::string version;
  std::string plural;
  std::string singular;
  std::string kind;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  bool namespaced = true;
  bool stored = true;  // false: only "create", answered at once (reviews)
  bool has_status = false;
  bool read_only = false;  // known by name so that clients may list them; there are none
  std::string view_of;     // the resource whose objects it shows (server/stored_form.hpp); "" for nearly all
  const StructType* type = nullptr;

  [[nodiscard]] std::string resource() const { return group.empty() ? plural : plural + "." + group; }
  // Under which name the store keeps its objects.
  [[nodiscard]] std::string storage() const { return view_of.empty() ? resource() : view_of; }
  [[nodiscard]] std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  [[nodiscard]] std::string qualified_kind() const { return group.empty() ? kind : kind + "." + group; }
  [[nodiscard]] std::vector<std::string> verbs() const;
};

struct Subresource {
  std::string resource;                  // plural of the parent
  std::string group;                     // of the parent
  std::string name;                      // "log"
  std::string kind;                      // "Eviction"
  std::string kind_group, kind_version;  // when they differ from the parent's
  std::vector<std::string> verbs;
};

// Constant, in discovery order.
const std::vector<Kind>& kinds();
const std::vector<Subresource>& subresources();
// Null when not served.
const Kind* find_kind(std::string_view group, std::string_view version, std::string_view plural);
const Kind* find_resource(std::string_view resource);  // "pods", "jobs.batch"
const Kind& kind_of(std::string_view resource);        // must exist

}  // namespace fracta::devcluster
