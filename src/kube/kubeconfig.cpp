// Reading and merging kubeconfig files.
#include "kube/kubeconfig.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"
#include "kube/kubeconfig_fields.hpp"

namespace fracta::kube {
namespace {

// Real ones have a few entries; those of cluster fleets some hundreds.
constexpr YamlLimits kLimits{
    .max_bytes = 4u << 20, .max_depth = 32, .max_nodes = 200'000, .refuse_duplicate_keys = true};

using Entries = std::map<std::string, KubeconfigEntry, std::less<>>;

// clusters: [{name: N, cluster: {...}}]; a name twice in one file is an error as in client-go's conversion.
Result<void> merge_named(const Fields& root, std::string_view list, std::string_view inner, Entries& into) {
  const Json* entries = root.find(list);
  if (entries == nullptr) return {};
  if (!entries->is_array()) return root.error(list, "must be a list, is " + std::string(kind_of(*entries)));
  Entries fresh;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const std::string place = std::string(list) + "[" + std::to_string(i) + "]";
    const Json& entry = (*entries)[i];
    if (!entry.is_object()) return root.error(place, "must be a map, is " + std::string(kind_of(entry)));
    const Fields fields(root.file(), place, entry);
    auto name = fields.text("name");
    if (!name) return name.error();
    if (name->empty()) return fields.error("name", "is missing");
    auto value = fields.object(inner);
    if (!value) return value.error();
    if (!fresh.try_emplace(*name, KubeconfigEntry{.file = root.file(), .value = value->value()}).second) {
      return fields.error("name", "\"" + shorten(*name, 64) + "\" is there twice");
    }
  }
  into.merge(fresh);  // keeps what is there
  return {};
}

Result<void> check_type(const Fields& root) {
  auto kind = root.text("kind");
  if (!kind) return kind.error();
  if (!kind->empty() && *kind != "Config")
    return root.error("kind", "must be \"Config\", is \"" + shorten(*kind, 64) + "\"");
  auto version = root.text("apiVersion");
  if (!version) return version.error();
  if (!version->empty() && *version != "v1") {
    return root.error("apiVersion", "must be \"v1\", is \"" + shorten(*version, 64) + "\"");
  }
  return {};
}

}  // namespace

Result<void> merge_kubeconfig(Kubeconfig& into, std::string_view text, const std::string& path) {
  auto parsed = parse_yaml(text, kLimits);
  if (!parsed) return make_error(ErrorCode::kInvalid, "kubeconfig " + path + ": " + parsed.error().message);
  into.files.push_back(path);
  if (parsed->is_null()) return {};  // an empty file is an empty kubeconfig
  if (!parsed->is_object()) {
    return make_error(ErrorCode::kInvalid,
                      "kubeconfig " + path + ": must be a map, is " + std::string(kind_of(*parsed)));
  }
  const Fields root(path, "", *parsed);
  FRACTA_TRY(check_type(root));
  FRACTA_TRY(merge_named(root, "clusters", "cluster", into.clusters));
  FRACTA_TRY(merge_named(root, "users", "user", into.users));
  FRACTA_TRY(merge_named(root, "contexts", "context", into.contexts));
  auto current = root.text("current-context");
  if (!current) return current.error();
  if (into.current_context.empty() && !current->empty()) {
    into.current_context = std::move(*current);
    into.current_context_file = path;
  }
  return {};
}

}  // namespace fracta::kube
