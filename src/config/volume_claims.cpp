// ephemeral.volumeClaimTemplate: a PersistentVolumeClaim inside the pod.
#include <array>

#include "config/volume_rules.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/quantity.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

void check_metadata(const Fields& metadata) {
  constexpr std::array<const char*, 13> kOthers = {"name",
                                                   "generateName",
                                                   "namespace",
                                                   "selfLink",
                                                   "uid",
                                                   "resourceVersion",
                                                   "generation",
                                                   "creationTimestamp",
                                                   "deletionTimestamp",
                                                   "deletionGracePeriodSeconds",
                                                   "ownerReferences",
                                                   "finalizers",
                                                   "managedFields"};
  const auto entries = [&](const char* key, const auto& check) {
    const Json* map = metadata.value(key);
    if (map == nullptr) return;
    for (const auto& [name, value] : map->items())
      check(name, value.is_string() ? value.template get<std::string>() : "");
  };
  entries("annotations", [&](const std::string& key, const std::string&) {
    metadata.errors().invalid_each(metadata.path("annotations"), key, qualified_name_errors(to_lower(key)));
  });
  entries("labels", [&](const std::string& key, const std::string& value) {
    metadata.errors().invalid_each(metadata.path("labels"), key, qualified_name_errors(key));
    metadata.errors().invalid_each(metadata.path("labels"), value, label_value_errors(value));
  });
  for (const char* other : kOthers) {
    const Json* value = metadata.value(other);
    const bool zero = value == nullptr || *value == "" || *value == 0;
    if (!zero) metadata.errors().forbidden(metadata.path(other), "cannot be set");
  }
}

void check_access_modes(const Fields& spec) {
  const std::string at = spec.path("accessModes");
  const std::vector<std::string> modes = spec.texts("accessModes");
  const std::vector<std::string> known = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"};
  if (modes.empty()) spec.errors().required(at, "at least 1 access mode is required");
  bool once_pod = false, other = false;
  for (const std::string& mode : modes) {
    const bool supported = std::find(known.begin(), known.end(), mode) != known.end();
    if (!supported) spec.errors().not_supported(at, mode, known);
    if (supported) (mode == "ReadWriteOncePod" ? once_pod : other) = true;
  }
  if (once_pod && other) spec.errors().forbidden(at, "may not use ReadWriteOncePod with other access modes");
}

void check_storage(const Fields& spec) {
  const Json* requests = spec.child("resources").value("requests");
  const Json* storage = requests != nullptr ? find(*requests, "storage") : nullptr;
  const std::string at = spec.path("resources") + "[storage]";
  if (storage == nullptr) return spec.errors().required(at);
  const std::string text = storage->is_string() ? storage->get<std::string>()
                           : storage->is_null() ? "0"
                                                : dump_json(*storage);
  const auto amount = Quantity::parse(trim(text));
  if (amount && (amount->negative() || amount->zero())) spec.errors().invalid(at, text, "must be greater than zero");
}

void check_reference(const Fields& source) {
  source.require("name");
  source.require("kind");
  const std::string kind = source.text("kind");
  if (source.text("apiGroup").empty() && kind != "PersistentVolumeClaim") {
    source.errors().invalid(source.path(), kind,
                            "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
}

// When the gate for claims from another namespace is off, the server drops `namespace` before it looks.
void check_data_sources(const Fields& spec) {
  const Fields source = spec.child("dataSource");
  const Fields ref = spec.child("dataSourceRef");
  if (spec.has("dataSource")) check_reference(source);
  if (spec.has("dataSourceRef")) check_reference(ref);
  if (!spec.has("dataSource") || !spec.has("dataSourceRef")) return;
  for (const char* key : {"apiGroup", "kind", "name"}) {
    if (source.text(key) == ref.text(key)) continue;
    return spec.errors().invalid(spec.path(), spec.path("dataSource"), "must match dataSourceRef");
  }
}

void check_claim_spec(const Fields& spec) {
  check_access_modes(spec);
  if (spec.has("selector")) check_label_selector(spec.child("selector"));
  check_storage(spec);
  const std::string storage_class = spec.text("storageClassName");
  if (!storage_class.empty()) {
    spec.errors().invalid_each(spec.path("storageClassName"), storage_class, dns1123_subdomain_errors(storage_class));
  }
  const std::string mode = spec.text("volumeMode", "Filesystem");
  if (mode != "Filesystem" && mode != "Block") {
    spec.errors().not_supported(spec.path("volumeMode"), mode, {"Block", "Filesystem"});
  }
  check_data_sources(spec);
}

}  // namespace

void check_ephemeral(const Fields& source) {
  if (!source.has("volumeClaimTemplate")) return source.errors().required(source.path("volumeClaimTemplate"));
  const Fields claim = source.child("volumeClaimTemplate");
  if (claim.has("metadata")) check_metadata(claim.child("metadata"));
  check_claim_spec(claim.child("spec"));
}

}  // namespace fracta::config
