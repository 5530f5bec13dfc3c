// Storage reached over the network by its own protocol.
#include "config/volume_rules.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// iqn.YYYY-MM.<alphanumeric, '-', '.'>:<anything but , ; * & $ | and white space>, found anywhere but running to the
// end.
bool iqn_at(std::string_view text) {
  if (text.size() < 13 || text.substr(0, 4) != "iqn." || text[8] != '-' || text[11] != '.') return false;
  for (const std::size_t i : {4U, 5U, 6U, 7U, 9U, 10U}) {
    if (!is_digit(text[i])) return false;
  }
  std::size_t colon = 12;
  while (colon < text.size() && (is_alnum(text[colon]) || text[colon] == '-' || text[colon] == '.')) ++colon;
  if (colon == 12 || colon >= text.size() || text[colon] != ':' || colon + 1 == text.size()) return false;
  return text.substr(colon + 1).find_first_of(",;*&$| \t\n\r\f") == std::string_view::npos;
}

bool is_iqn(std::string_view text) {
  for (std::size_t at = text.find("iqn."); at != std::string_view::npos; at = text.find("iqn.", at + 1)) {
    if (iqn_at(text.substr(at))) return true;
  }
  return false;
}

// "eui" or "naa", one character of any kind, then exactly `digits` letters or digits.
bool is_fixed_name(std::string_view text, std::size_t digits) {
  return text.size() == 4 + digits && text[3] != '\n' && std::all_of(text.begin() + 4, text.end(), is_alnum);
}

void check_initiator(const Fields& source, const std::string& key, const std::string& name) {
  const std::string kind = name.substr(0, 3);
  if (kind != "iqn" && kind != "eui" && kind != "naa") {
    source.errors().invalid(source.path(key), name, "must be valid format starting with iqn, eui, or naa");
  } else if ((kind == "iqn" && !is_iqn(name)) || (kind == "eui" && !is_fixed_name(name, 16)) ||
             (kind == "naa" && !is_fixed_name(name, 32))) {
    source.errors().invalid(source.path(key), name, "must be valid format");
  }
}

// net.SplitHostPort
bool is_host_port(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return false;
  if (text[0] == '[') {
    const std::size_t close = text.find(']');
    return close != std::string::npos && close + 1 == colon && text.find('[', 1) == std::string::npos &&
           text.find(']', close + 1) == std::string::npos;
  }
  return text.find(':') == colon && text.find_first_of("[]") == std::string::npos;
}

constexpr std::string_view kRegistry = "must be a host:port pair or multiple pairs separated by commas";
constexpr std::string_view kLun = "must be between 0 and 255, inclusive";

}  // namespace

void check_nfs(const Fields& source) {
  source.require("server");
  source.require("path");
  const std::string path = source.text("path");
  if (path.empty() || path[0] != '/') source.errors().invalid(source.path("path"), path, "must be an absolute path");
}

void check_iscsi(const Fields& source) {
  source.require("targetPortal");
  const std::string iqn = source.text("iqn");
  if (iqn.empty()) {
    source.errors().required(source.path("iqn"));
  } else {
    check_initiator(source, "iqn", iqn);
  }
  source.check_range("lun", 0, 255, kLun);
  if ((source.flag("chapAuthDiscovery") || source.flag("chapAuthSession")) && !source.has("secretRef")) {
    source.errors().required(source.path("secretRef"));
  }
  if (source.has("initiatorName")) check_initiator(source, "initiatorName", source.text("initiatorName"));
}

void check_fc(const Fields& source) {
  const std::size_t names = source.count("targetWWNs");
  const std::size_t ids = source.count("wwids");
  const std::string at = source.path("targetWWNs");
  if (names == 0 && ids == 0) source.errors().required(at, "must specify either targetWWNs or wwids, but not both");
  if (names != 0 && ids != 0) {
    source.errors().invalid(at, *source.value("targetWWNs"),
                            "targetWWNs and wwids can not be specified simultaneously");
  }
  if (names == 0) return;
  if (!source.has("lun"))
    return source.errors().required(source.path("lun"), "lun is required if targetWWNs is specified");
  source.check_range("lun", 0, 255, kLun);
}

void check_glusterfs(const Fields& source) {
  source.require("endpoints");
  source.require("path");
}

void check_rbd(const Fields& source) {
  if (source.count("monitors") == 0) source.errors().required(source.path("monitors"));
  source.require("image");
}

void check_cephfs(const Fields& source) {
  if (source.count("monitors") == 0) source.errors().required(source.path("monitors"));
}

void check_quobyte(const Fields& source) {
  const std::string registry = source.text("registry");
  if (registry.empty()) {
    source.errors().required(source.path("registry"), kRegistry);
  } else if (source.text("tenant").size() >= 65) {
    source.errors().required(source.path("tenant"), "must be a UUID and may not exceed a length of 64 characters");
  } else {
    for (const std::string& pair : split(registry, ',')) {
      if (pair.empty() || !is_host_port(pair)) source.errors().invalid(source.path("registry"), registry, kRegistry);
    }
  }
  source.require("volume");
}

void check_flocker(const Fields& source) {
  const std::string name = source.text("datasetName");
  const std::string id = source.text("datasetUUID");
  if (name.empty() && id.empty()) {
    source.errors().required(source.path(), "one of datasetName and datasetUUID is required");
  }
  if (!name.empty() && !id.empty()) {
    source.errors().invalid(source.path(), "resource",
                            "datasetName and datasetUUID can not be specified simultaneously");
  }
  if (name.find('/') != std::string::npos)
    source.errors().invalid(source.path("datasetName"), name, "must not contain '/'");
}

void check_storageos(const Fields& source) {
  const std::string name = source.text("volumeName");
  const std::string ns = source.text("volumeNamespace");
  if (name.empty()) {
    source.errors().required(source.path("volumeName"));
  } else {
    source.errors().invalid_each(source.path("volumeName"), name, dns1123_label_errors(name));
  }
  if (!ns.empty()) source.errors().invalid_each(source.path("volumeNamespace"), ns, dns1123_label_errors(ns));
  if (source.has("secretRef")) source.child("secretRef").require("name");
}

void check_scale_io(const Fields& source) {
  source.require("gateway");
  source.require("system");
  source.require("volumeName");
}

}  // namespace fracta::config
