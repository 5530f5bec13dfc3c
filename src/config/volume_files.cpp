// Sources whose files come from API objects: secret, configMap, downwardAPI.
#include "config/volume_rules.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/quantity.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

const std::vector<std::string> kPodFields = {"metadata.annotations", "metadata.labels", "metadata.name",
                                             "metadata.namespace", "metadata.uid"};
const std::vector<std::string> kContainerFields = {"limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
                                                   "requests.cpu", "requests.ephemeral-storage", "requests.memory"};

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_huge_pages(const std::string& resource) {
  return resource.rfind("limits.hugepages-", 0) == 0 || resource.rfind("requests.hugepages-", 0) == 0;
}

// What ConvertDownwardAPIFieldLabel knows. Not all of it may be used in a volume.
bool is_convertible(const std::string& field) {
  const std::vector<std::string> others = {"spec.nodeName",      "spec.restartPolicy", "spec.serviceAccountName",
                                           "spec.schedulerName", "status.phase",       "status.hostIP",
                                           "status.podIP",       "status.podIPs",      "spec.host"};
  return contains(kPodFields, field) || contains(others, field);
}

// metadata.annotations['key'] and metadata.labels['key'].
bool check_subscript(const Fields& ref, const std::string& field) {
  const std::size_t open = field.find("['");
  if (open == std::string::npos || field.size() < open + 4 || field.compare(field.size() - 2, 2, "']") != 0)
    return false;
  const std::string base = field.substr(0, open);
  const std::string key = field.substr(open + 2, field.size() - open - 4);
  if (base == "metadata.annotations") {
    ref.errors().invalid_each(ref.path(), to_lower(key), qualified_name_errors(to_lower(key)));
  } else if (base == "metadata.labels") {
    ref.errors().invalid_each(ref.path(), key, qualified_name_errors(key));
  } else {
    ref.errors().invalid(ref.path("fieldPath"), field,
                         "error converting fieldPath: field label does not support subscript");
  }
  return true;
}

void check_field_ref(const Fields& ref) {
  const std::string version = ref.text("apiVersion", "v1");
  const std::string field = ref.text("fieldPath");
  if (field.empty()) return ref.errors().required(ref.path("fieldPath"));
  if (version != "v1" && !version.empty()) {
    return ref.errors().invalid(ref.path("fieldPath"), field,
                                "error converting fieldPath: unsupported pod version: " + shorten(version, 60));
  }
  if (check_subscript(ref, field)) return;
  if (!is_convertible(field)) {
    return ref.errors().invalid(ref.path("fieldPath"), field,
                                "error converting fieldPath: field label not supported: " + shorten(field, 60));
  }
  if (!contains(kPodFields, field)) ref.errors().not_supported(ref.path("fieldPath"), field, kPodFields);
}

void check_divisor(const Fields& ref, const std::string& resource) {
  const Json* value = ref.value("divisor");
  if (value == nullptr) return;
  const auto divisor = Quantity::parse(trim(value->is_string() ? value->get<std::string>() : dump_json(*value)));
  if (!divisor || divisor->zero()) return;
  const std::string text = divisor->canonical();
  const auto end = [&](const char* name) {
    return resource == std::string("limits.") + name || resource == std::string("requests.") + name;
  };
  if (end("cpu")) {
    if (text != "1m" && text != "1") {
      ref.errors().invalid(ref.path("divisor"), resource,
                           "only divisor's values 1m and 1 are supported with the cpu resource");
    }
    return;
  }
  const std::string what = end("memory")              ? "memory"
                           : end("ephemeral-storage") ? "local ephemeral storage"
                           : is_huge_pages(resource)  ? "hugepages"
                                                      : "";
  const std::vector<std::string> sizes = {"1",   "1k",  "1M",  "1G",  "1T",  "1P", "1E",
                                          "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
  if (what.empty() || contains(sizes, text)) return;
  ref.errors().invalid(ref.path("divisor"), resource,
                       "only divisor's values " + join(sizes, ", ") + " are supported with the " + what + " resource");
}

void check_resource_ref(const Fields& ref) {
  const std::string resource = ref.text("resource");
  if (ref.text("containerName").empty()) {
    ref.errors().required(ref.path("containerName"));
  } else if (resource.empty()) {
    ref.errors().required(ref.path("resource"));
  } else if (!contains(kContainerFields, resource) && !is_huge_pages(resource)) {
    ref.errors().not_supported(ref.path("resource"), resource, kContainerFields);
  }
  check_divisor(ref, resource);
}

}  // namespace

void check_key_to_path(const Fields& item) {
  item.require("key");
  item.require("path");
  check_local_non_reserved_path(item.path("path"), item.text("path"), item.errors());
  item.check_mode("mode");
}

void check_secret(const Fields& source) {
  source.require("secretName");
  source.check_mode("defaultMode");
  for (const Fields& item : source.items("items")) check_key_to_path(item);
}

void check_config_map(const Fields& source) {
  source.require("name");
  source.check_mode("defaultMode");
  for (const Fields& item : source.items("items")) check_key_to_path(item);
}

void check_downward_api_file(const Fields& file, const std::string& path) {
  file.require("path");
  check_local_non_reserved_path(file.path("path"), file.text("path"), file.errors());
  if (file.has("fieldRef")) {
    check_field_ref(file.child("fieldRef"));
    if (file.has("resourceFieldRef")) {
      file.errors().invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
    }
  } else if (file.has("resourceFieldRef")) {
    check_resource_ref(file.child("resourceFieldRef"));
  } else {
    file.errors().required(path, "one of fieldRef and resourceFieldRef is required");
  }
  file.check_mode("mode");
}

void check_downward_api(const Fields& source) {
  source.check_mode("defaultMode");
  for (const Fields& file : source.items("items")) check_downward_api_file(file, file.path());
}

}  // namespace fracta::config
