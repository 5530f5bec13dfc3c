// The API's own CA and certificate (control_plane_api.tls.self_signed), kept in Secret `fracta-controlplane-tls` so
// that all replicas and every restart serve the same, and renewed before they end. What clients need of it, the CA's
// certificate, is published in ConfigMap `fracta-controlplane-ca`: nobody has to read the keys to hand it out.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/net/certificates.hpp"

namespace fracta::daemon {

inline constexpr const char* kServingSecret = "fracta-controlplane-tls";
inline constexpr const char* kAuthorityConfigMap = "fracta-controlplane-ca";

// What the certificate names: the Service in every form, localhost, and `more` (DNS names and addresses).
std::vector<std::string> serving_names(const std::string& ns, const std::vector<std::string>& more);

// Thread-safe.
class ServingCertificate {
 public:
  struct Options {
    std::string ns;
    std::vector<std::string> names;
    std::chrono::hours lifetime{24 * 90};              // of the certificate; renewed when a third is left
    std::chrono::hours authority_lifetime{24 * 3650};  // renewed when a tenth is left; the old one stays trusted
    std::chrono::milliseconds check_every{600'000};    // whether it is due, changed or gone
    std::chrono::milliseconds call_timeout{5'000};
  };
  // Reads or makes the Secret. When the API server cannot be asked yet, an unsaved certificate serves (probes do not
  // verify it) until start()'s thread has got the real one. `client` and `clock` outlive it.
  static Result<std::unique_ptr<ServingCertificate>> create(kube::Client& client, const Clock& clock, Options options);
  ~ServingCertificate();

  void start();
  void stop();
  [[nodiscard]] net::KeyPair current() const;
  // For clients; "" while the certificate is the unsaved one.
  [[nodiscard]] std::string ca_pem() const;
  // One look at the Secret, as start()'s thread does it; not from two threads. kUnavailable and others: nothing has
  // changed.
  Result<void> refresh();

 private:
  ServingCertificate(kube::Client& client, const Clock& clock, Options options);
  void run(const std::stop_token& stop);
  // A failure is no reason not to serve; it is in the log once.
  void publish_authority();
  Result<void> write_authority(const std::string& pem);

  kube::Client& client_;
  const Clock& clock_;
  const Options options_;
  mutable std::mutex mutex_;
  net::KeyPair current_;
  std::string ca_pem_;
  std::string publish_error_;  // of the last try; of the thread that refreshes
  std::jthread thread_;
};

}  // namespace fracta::daemon
