#include <set>

#include "config/volume_rules.hpp"

namespace fracta::config {
namespace {

// Files of all sources of one projected volume share a directory.
class Paths {
 public:
  explicit Paths(const Fields& projected) : projected_(projected) {}
  void add(const Fields& owner, const std::string& path, const std::string& shown) {
    if (!seen_.insert(path).second) owner.errors().invalid(projected_.path(), shown, "conflicting duplicate paths");
  }

 private:
  const Fields& projected_;
  std::set<std::string> seen_;
};

void check_object(const Fields& source, Paths& paths) {
  source.require("name");
  for (const Fields& item : source.items("items")) {
    check_key_to_path(item);
    const std::string path = item.text("path");
    if (!path.empty()) paths.add(source, path, source.text("name"));
  }
}

void check_downward(const Fields& source, Paths& paths) {
  for (const Fields& file : source.items("items")) {
    check_downward_api_file(file, file.path());
    const std::string path = file.text("path");
    if (!path.empty()) paths.add(source, path, path);
  }
}

void check_token(const Fields& source) {
  constexpr std::int64_t kHour = 3600;
  const std::int64_t seconds = source.integer("expirationSeconds", kHour);
  const std::string at = source.path("expirationSeconds");
  if (seconds < 10 * 60) source.errors().invalid(at, seconds, "may not specify a duration less than 10 minutes");
  if (seconds > std::int64_t{1} << 32) {
    source.errors().invalid(at, seconds, "may not specify a duration larger than 2^32 seconds");
  }
  source.require("path");
}

}  // namespace

void check_projected(const Fields& projected) {
  projected.check_mode("defaultMode");
  Paths paths(projected);
  for (const Fields& source : projected.items("sources")) {
    int kinds = 0;
    const auto with = [&](const char* name, const auto& check) {
      if (!source.has(name)) return;
      ++kinds;
      check(source.child(name));
    };
    with("secret", [&](const Fields& s) { check_object(s, paths); });
    with("configMap", [&](const Fields& s) { check_object(s, paths); });
    with("downwardAPI", [&](const Fields& s) { check_downward(s, paths); });
    with("serviceAccountToken", check_token);
    with("clusterTrustBundle", [&](const Fields& s) {
      check_cluster_trust_bundle(s);
      paths.add(s, s.text("path"), s.text("path"));
    });
    with("podCertificate", [&](const Fields& s) {
      check_pod_certificate(s);
      for (const char* key : {"credentialBundlePath", "keyPath", "certificateChainPath"}) {
        if (!s.text(key).empty()) paths.add(s, s.text(key), s.text(key));
      }
    });
    if (kinds > 1) source.errors().forbidden(source.path(), "may not specify more than 1 volume type");
  }
}

}  // namespace fracta::config
