// Disks of clouds and volumes of drivers.
#include "config/volume_rules.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

void check_disk_partition(const Fields& source, const std::string& id_key) {
  source.require(id_key);
  source.check_range("partition", 0, 255, "must be between 1 and 255, inclusive");
}

void check_cinder(const Fields& source) {
  source.require("volumeID");
  if (source.has("secretRef")) source.child("secretRef").require("name");
}

void check_azure_file(const Fields& source) {
  source.require("secretName");
  source.require("shareName");
}

// `kind` and `cachingMode` have defaults, so the disk's URI is checked even when no kind is written.
void check_azure_disk(const Fields& source) {
  source.require("diskName");
  source.require("diskURI");
  const auto choice = [&](const std::string& key, const std::string& fallback, const std::vector<std::string>& known) {
    const std::string text = source.text(key, fallback);
    if (std::find(known.begin(), known.end(), text) == known.end()) {
      source.errors().not_supported(source.path(key), text, known);
    }
    return text;
  };
  choice("cachingMode", "ReadWrite", {"None", "ReadOnly", "ReadWrite"});
  const std::string kind = choice("kind", "Shared", {"Dedicated", "Managed", "Shared"});
  const std::string uri = source.text("diskURI");
  const bool managed = kind == "Managed";
  if (uri.rfind(managed ? "/subscriptions/" : "https://", 0) == 0) return;
  source.errors().not_supported(
      source.path("diskURI"), uri,
      {managed ? "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
               : "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"});
}

void check_csi(const Fields& source) {
  const std::string driver = source.text("driver");
  const std::string at = source.path("driver");
  if (driver.empty()) source.errors().required(at);
  if (driver.size() > 63) source.errors().too_long(at, 63);
  source.errors().invalid_each(at, driver, dns1123_subdomain_errors(to_lower(driver)));
  if (!source.has("nodePublishSecretRef")) return;
  const Fields ref = source.child("nodePublishSecretRef");
  const std::string name = ref.text("name");
  if (name.empty()) return source.errors().required(ref.path("name"));
  source.errors().invalid_each(ref.path("name"), name, dns1123_subdomain_errors(name));
}

void check_flex_volume(const Fields& source) {
  source.require("driver");
  const Json* options = source.value("options");
  if (options == nullptr) return;
  for (const auto& [key, value] : options->items()) {
    const std::string space = "." + to_lower(key.substr(0, key.find('/')));
    if (!ends_with(space, ".kubernetes.io") && !ends_with(space, ".k8s.io")) continue;
    source.errors().invalid(source.path("options") + "[" + shorten(key, 80) + "]", key,
                            "kubernetes.io and k8s.io namespaces are reserved");
  }
}

}  // namespace fracta::config
