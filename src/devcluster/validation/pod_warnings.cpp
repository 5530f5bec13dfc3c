#include "devcluster/validation/pod_warnings.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include <nlohmann/json.hpp>
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

const std::map<std::string, const char*>& renamed_labels() {
  static const std::map<std::string, const char*> table = {
      {"beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"},
      {"beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"},
      {"failure-domain.beta.kubernetes.io/region",
       "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"},
      {"failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"},
      {"beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"},
  };
  return table;
}

const std::map<std::string, const char*>& retired_volumes() {
  static const std::map<std::string, const char*> table = {
      {"photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"},
      {"gitRepo", "deprecated in v1.11"},
      {"scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
      {"flocker", "deprecated in v1.22, support removal is planned in v1.26"},
      {"storageos", "deprecated in v1.22, support removal is planned in v1.26"},
      {"quobyte", "deprecated in v1.22, support removal is planned in v1.26"},
      {"glusterfs", "deprecated in v1.25, this feature will be removed soon after in a subsequent release"},
  };
  return table;
}

class Writer {
 public:
  Writer(std::string base, std::vector<std::string>& warnings) : base_(std::move(base)), warnings_(warnings) {}

  void pod(const Json& pod) {
    const Json* spec = find(pod, "spec");
    if (spec == nullptr || !spec->is_object()) return;
    if (const Json* selector = find(*spec, "nodeSelector"); selector != nullptr && selector->is_object()) {
      for (const auto& [key, value] : selector->items()) {
        if (const auto renamed = renamed_labels().find(key); renamed != renamed_labels().end())
          add(fmt::format("spec.nodeSelector[{}]", key), renamed->second);
      }
    }
    volumes(*spec);
    duplicates(*spec, "hostAliases", "ip", "spec");
    duplicates(*spec, "imagePullSecrets", "name", "spec");
    each(*spec, "imagePullSecrets", [&](std::size_t i, const Json& secret) {
      if (string_at(secret, "name").empty())
        add(fmt::format("spec.imagePullSecrets[{}].name", i), "invalid empty name \"\"");
    });
    duplicates(*spec, "volumes", "name", "spec");
    for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
      each(*spec, list, [&](std::size_t i, const Json& container) {
        duplicates(container, "env", "name", fmt::format("spec.{}[{}]", list, i));
      });
    }
  }

 private:
  void add(const std::string& path, std::string_view text) {
    warnings_.push_back(fmt::format("{}{}: {}", base_, path, text));
  }

  template <class Visit>
  static void each(const Json& object, const char* list, const Visit& visit) {
    const Json* items = find(object, list);
    if (items == nullptr || !items->is_array()) return;
    for (std::size_t i = 0; i < items->size(); ++i) visit(i, (*items)[i]);
  }

  void volumes(const Json& spec) {
    each(spec, "volumes", [&](std::size_t i, const Json& volume) {
      for (const auto& [source, text] : retired_volumes()) {
        if (find(volume, source) != nullptr) add(fmt::format("spec.volumes[{}].{}", i, source), text);
      }
    });
  }

  void duplicates(const Json& object, const char* list, const char* key, const std::string& path) {
    std::set<std::string> seen;
    each(object, list, [&](std::size_t i, const Json& item) {
      const std::string value = string_at(item, key);
      if (!seen.insert(value).second)
        add(fmt::format("{}.{}[{}].{}", path, list, i, key), fmt::format("duplicate {} {}", key, go_quote(value)));
    });
  }

  std::string base_;
  std::vector<std::string>& warnings_;
};

}  // namespace

void add_pod_warnings(const Kind& kind, const Json& object, const Json* old, std::vector<std::string>& warnings) {
  if (kind.plural == "pods") {
    Writer("", warnings).pod(object);
    return;
  }
  const Json* own = find_path(object, "spec/template");
  if (kind.group != "batch" && kind.group != "apps") return;
  const Json* before = old == nullptr ? nullptr : find_path(*old, "spec/template");
  if (own == nullptr || (before != nullptr && *before == *own)) return;
  Writer("spec.template.", warnings).pod(*own);
}

}  // namespace fracta::devcluster
