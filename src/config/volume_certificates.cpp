// Projections that bring certificates: clusterTrustBundle (rules of 1.32), podCertificate (1.34).
#include "config/volume_rules.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

void check_signer_name(const Fields& source) {
  const std::string at = source.path("signerName");
  const std::string name = source.text("signerName");
  if (name.empty()) return source.errors().required(at, "must be a valid signer name");
  const auto segments = split(name, '/');
  if (segments.size() != 2) {
    return source.errors().invalid(at, name,
                                   "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  }
  const auto labels = split(segments[0], '.');
  if (segments[0].size() > 253) source.errors().too_long(at, 253);
  for (const std::string& label : labels) {
    const std::vector<std::string> reasons = dns1123_label_errors(label);
    if (reasons.empty()) continue;
    source.errors().invalid(at, segments[0], "validating label \"" + shorten(label, 60) + "\": " + reasons[0]);
    break;
  }
  if (labels.size() < 2) {
    source.errors().invalid(at, segments[0], "should be a domain with at least two segments separated by dots");
  }
  for (const std::string& label : split(segments[1], '.')) {
    const std::vector<std::string> reasons = dns1123_subdomain_errors(label);
    if (reasons.empty()) continue;
    source.errors().invalid(at, segments[1], "validating label \"" + shorten(label, 60) + "\": " + reasons[0]);
    break;
  }
}

// "signer:domain:name" belongs to a signer, a name without ':' to nobody; the last part is an object name in both
// cases.
void check_bundle_name(const Fields& source) {
  const std::string name = source.text("name");
  if (name.empty()) source.errors().required(source.path("name"), "must be a valid object name");
  const std::size_t colon = name.rfind(':');
  const std::string last = colon == std::string::npos ? name : name.substr(colon + 1);
  for (const std::string& reason : dns1123_subdomain_errors(last)) {
    source.errors().invalid(source.path("name"), name, "not a valid clustertrustbundlename: " + reason);
  }
  if (source.has("labelSelector")) {
    source.errors().invalid(source.path("labelSelector"), *source.value("labelSelector"),
                            "labelSelector must be unset if name is specified");
  }
}

}  // namespace

void check_cluster_trust_bundle(const Fields& source) {
  if (source.has("name") && source.has("signerName")) {
    source.errors().invalid(source.path(), source.json(), "only one of name and signerName may be used");
  } else if (source.has("name")) {
    check_bundle_name(source);
  } else if (source.has("signerName")) {
    check_signer_name(source);
    if (source.has("labelSelector")) check_label_selector(source.child("labelSelector"));
  } else {
    source.errors().required(source.path(), "either name or signerName must be specified");
  }
  source.require("path");
  check_local_non_reserved_path(source.path("path"), source.text("path"), source.errors());
}

void check_pod_certificate(const Fields& source) {
  check_signer_name(source);
  const std::vector<std::string> key_types = {"RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"};
  const std::string key_type = source.text("keyType");
  if (std::find(key_types.begin(), key_types.end(), key_type) == key_types.end()) {
    source.errors().not_supported(source.path("keyType"), key_type, key_types);
  }
  if (source.has("maxExpirationSeconds")) {
    source.check_range("maxExpirationSeconds", 3600, 91 * 24 * 3600, "must be in the range [3600, 7862400]");
  }
  bool any = false;
  for (const char* key : {"credentialBundlePath", "keyPath", "certificateChainPath"}) {
    const std::string path = source.text(key);
    any = any || !path.empty();
    if (!path.empty()) check_local_non_reserved_path(source.path(key), path, source.errors());
  }
  if (!any) {
    source.errors().required(source.path(),
                             "specify at least one of credentialBundlePath, keyPath, and certificateChainPath");
  }
}

}  // namespace fracta::config
