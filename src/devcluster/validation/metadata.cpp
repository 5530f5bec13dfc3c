// ObjectMeta (apimachinery/pkg/api/validation).
#include <fmt/format.h>

#include <algorithm>

#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

using Check = std::vector<std::string> (*)(std::string_view);

Check name_check(const Kind& kind) {
  if (kind.group == "rbac.authorization.k8s.io") return path_segment_errors;
  if (kind.plural == "namespaces") return dns1123_label_errors;
  if (kind.plural == "services") return dns1035_label_errors;
  return dns1123_subdomain_errors;
}

// A prefix may end in '-': what follows is generated.
std::string masked(std::string prefix) {
  if (!prefix.empty() && prefix.back() == '-') prefix.back() = 'a';
  return prefix;
}

void validate_owner_references(const Json& references, FieldErrors& errors) {
  std::string controller;
  for (std::size_t i = 0; i < references.size(); ++i) {
    const Json& reference = references[i];
    const std::string path = "metadata.ownerReferences";  // without the index, as a real server writes it
    for (const char* field : {"apiVersion", "kind", "name", "uid"}) {
      if (string_at(reference, field).empty()) {
        errors.invalid(
            path + "." + field, "",
            fmt::format("{} must not be empty", std::string_view(field) == "apiVersion" ? "version" : field));
      }
    }
    if (!bool_at(reference, "controller")) continue;
    const std::string kind = string_at(reference, "kind");
    const std::string name = string_at(reference, "name");
    if (!controller.empty()) {
      errors.invalid_text(
          "metadata.ownerReferences", dump_json(references),
          fmt::format(
              "Only one reference can have Controller set to true. Found \"true\" in references for {} and {}/{}",
              controller, kind, name));
    }
    controller = kind + "/" + name;
  }
}

void validate_finalizers(const Json& finalizers, FieldErrors& errors) {
  for (std::size_t i = 0; i < finalizers.size(); ++i) {
    const Json& finalizer = finalizers[i];
    const std::string name = finalizer.is_string() ? finalizer.get<std::string>() : "";
    for (const std::string& problem : qualified_name_errors(name)) errors.invalid("metadata.finalizers", name, problem);
    // The names without a domain are Kubernetes' own.
    if (name.find('/') == std::string::npos && name != "orphan" && name != "foregroundDeletion" &&
        name != "kubernetes") {
      errors.invalid(fmt::format("metadata.finalizers[{}]", i), name,
                     "name is neither a standard finalizer name nor is it fully qualified");
    }
  }
}

void immutable(const Json& metadata, const Json& old, const char* field, FieldErrors& errors) {
  const Json* left = find(metadata, field);
  const Json* right = find(old, field);
  const bool same = left == nullptr || right == nullptr ? left == right : *left == *right;
  if (!same) errors.invalid(std::string("metadata.") + field, left == nullptr ? Json() : *left, "field is immutable");
}

}  // namespace

void validate_labels(const Json& labels, std::string_view path, FieldErrors& errors) {
  if (!labels.is_object()) return;
  for (const auto& [key, value] : labels.items()) {
    for (const std::string& problem : qualified_name_errors(key)) errors.invalid(path, key, problem);
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    for (const std::string& problem : label_value_errors(text)) errors.invalid(path, text, problem);
  }
}

void validate_annotations(const Json& annotations, std::string_view path, FieldErrors& errors) {
  if (!annotations.is_object()) return;
  constexpr std::size_t kTotal = 256 * 1024;
  std::size_t total = 0;
  for (const auto& [key, value] : annotations.items()) {
    for (const std::string& problem : qualified_name_errors(to_lower(key))) errors.invalid(path, key, problem);
    total += key.size() + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
  }
  if (total > kTotal) errors.too_long(path, kTotal);
}

void validate_object_meta(const Kind& kind, const Json& metadata, FieldErrors& errors) {
  const Check check = name_check(kind);
  const std::string prefix = string_at(metadata, "generateName");
  if (!prefix.empty()) {
    for (const std::string& problem : check(masked(prefix))) errors.invalid("metadata.generateName", prefix, problem);
  }
  const std::string name = string_at(metadata, "name");
  if (name.empty()) {
    errors.required("metadata.name", "name or generateName is required");
  } else {
    for (const std::string& problem : check(name)) errors.invalid("metadata.name", name, problem);
  }
  const std::string ns = string_at(metadata, "namespace");
  if (kind.namespaced) {
    for (const std::string& problem : dns1123_label_errors(ns)) errors.invalid("metadata.namespace", ns, problem);
  } else if (!ns.empty()) {
    errors.forbidden("metadata.namespace", "not allowed on this type");
  }
  if (const Json* labels = find(metadata, "labels")) validate_labels(*labels, "metadata.labels", errors);
  if (const Json* annotations = find(metadata, "annotations"))
    validate_annotations(*annotations, "metadata.annotations", errors);
  if (const Json* owners = find(metadata, "ownerReferences")) validate_owner_references(*owners, errors);
  if (const Json* finalizers = find(metadata, "finalizers")) validate_finalizers(*finalizers, errors);
}

void validate_object_meta_update(const Json& metadata, const Json& old, FieldErrors& errors) {
  const Json none = Json::array();
  const Json* finalizers = find(metadata, "finalizers");
  const Json* had = find(old, "finalizers");
  if (find(old, "deletionTimestamp") != nullptr && finalizers != nullptr) {
    const Json& before = had == nullptr ? none : *had;
    Json extra = Json::array();
    for (const Json& finalizer : *finalizers) {
      if (std::find(before.begin(), before.end(), finalizer) == before.end()) extra.push_back(finalizer);
    }
    if (!extra.empty()) {
      errors.forbidden(
          "metadata.finalizers",
          fmt::format(
              "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
              [&] {
                std::vector<std::string> quoted;
                for (const Json& item : extra) quoted.push_back(go_value(item));
                return join(quoted, ", ");
              }()));
    }
  }
  for (const char* field : {"name", "namespace", "uid", "creationTimestamp"}) immutable(metadata, old, field, errors);
  if (const Json* labels = find(metadata, "labels")) validate_labels(*labels, "metadata.labels", errors);
  if (const Json* annotations = find(metadata, "annotations"))
    validate_annotations(*annotations, "metadata.annotations", errors);
  if (const Json* owners = find(metadata, "ownerReferences")) validate_owner_references(*owners, errors);
  if (finalizers != nullptr) validate_finalizers(*finalizers, errors);
}

}  // namespace fracta::devcluster
