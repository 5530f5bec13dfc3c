#include "daemon/serving_certificate.hpp"

#include <nlohmann/json.hpp>

#include "daemon/serving_secret.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/stop.hpp"

namespace fracta::daemon {

namespace {

constexpr int kAttempts = 4;  // another replica may be faster, a few times

bool is_race(const Error& error) {
  return error.code == ErrorCode::kAlreadyExists || error.code == ErrorCode::kConflict ||
         error.code == ErrorCode::kNotFound;
}

}  // namespace

std::vector<std::string> serving_names(const std::string& ns, const std::vector<std::string>& more) {
  const std::string service = "fracta-controlplane";
  std::vector<std::string> names = {service,
                                    service + "." + ns,
                                    service + "." + ns + ".svc",
                                    service + "." + ns + ".svc.cluster.local",
                                    "localhost",
                                    "127.0.0.1",
                                    "::1"};
  for (const auto& name : more)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

ServingCertificate::ServingCertificate(kube::Client& client, const Clock& clock, Options options)
    : client_(client), clock_(clock), options_(std::move(options)) {}

ServingCertificate::~ServingCertificate() { stop(); }

Result<std::unique_ptr<ServingCertificate>> ServingCertificate::create(kube::Client& client, const Clock& clock,
                                                                       Options options) {
  std::unique_ptr<ServingCertificate> self(new ServingCertificate(client, clock, std::move(options)));
  auto ready = self->refresh();
  if (ready) return self;
  log::warn("daemon", "the API's certificate cannot be read or stored yet; serving an unsaved one that nobody trusts",
            {{"secret", kServingSecret}, {"error", ready.error().message}});
  const auto& names = self->options_.names;
  auto unsaved =
      make_serving_material(nullptr, names, {std::chrono::hours{24}, std::chrono::hours{48}}, clock.system_now());
  if (!unsaved) return unsaved.error().with_context("control_plane_api.tls.self_signed");
  self->current_ = unsaved->certificate;
  return self;
}

void ServingCertificate::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void ServingCertificate::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

net::KeyPair ServingCertificate::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::string ServingCertificate::ca_pem() const {
  const std::lock_guard lock(mutex_);
  return ca_pem_;
}

void ServingCertificate::run(const std::stop_token& stop) {
  Backoff backoff({std::chrono::milliseconds{1'000}, std::chrono::milliseconds{60'000}, 2.0, 0.5});
  bool good = !ca_pem().empty();
  while (true) {
    auto wait = options_.check_every;
    if (good)
      wait += std::chrono::milliseconds(
          static_cast<std::int64_t>(random_fraction() * 0.2 * static_cast<double>(wait.count())));
    else
      wait = std::min(wait, backoff.next());
    if (!wait_for(stop, wait)) return;
    const auto refreshed = refresh();
    good = refreshed.ok();
    if (good)
      backoff.reset();
    else
      log::warn("daemon", "looking after the API's certificate failed",
                {{"secret", kServingSecret}, {"error", refreshed.error().message}});
  }
}

Result<void> ServingCertificate::refresh() {
  const ServingLifetimes lifetimes{options_.lifetime, options_.authority_lifetime};
  kube::CallContext call;
  call.timeout = options_.call_timeout;
  kube::WriteOptions write;
  write.call = call;
  std::optional<Error> last;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto now = clock_.system_now();
    auto stored = client_.get(kube::kSecrets, options_.ns, kServingSecret, call);
    if (!stored && stored.error().code != ErrorCode::kNotFound) return stored.error();
    auto material = stored ? read_serving_secret(*stored) : Result<ServingMaterial>(stored.error());
    std::string reason = "it does not exist";
    if (stored)
      reason = material ? renewal_reason(*material, options_.names, lifetimes, now) : material.error().message;
    if (reason.empty()) {
      {
        const std::lock_guard lock(mutex_);
        current_ = material->certificate;
        ca_pem_ = material->authorities_pem;
      }
      publish_authority();
      return {};
    }
    auto made = make_serving_material(material ? &*material : nullptr, options_.names, lifetimes, now);
    if (!made) return made.error();
    const auto object = write_serving_secret(*made, options_.ns, stored ? &*stored : nullptr);
    auto written = stored ? client_.update(kube::kSecrets, options_.ns, kServingSecret, object, write)
                          : client_.create(kube::kSecrets, options_.ns, object, write);
    if (written) {
      log::info("daemon", "certificate of the API made", {{"secret", kServingSecret}, {"because", reason}});
    } else if (!is_race(written.error())) {
      return written.error();
    } else {
      last = written.error();
    }
    // Read it again, whoever has written it: what all replicas serve is what stands there.
  }
  return last ? *last : make_error(ErrorCode::kConflict, std::string("Secret ") + kServingSecret + " keeps changing");
}

void ServingCertificate::publish_authority() {
  const auto written = write_authority(ca_pem());
  const std::string error = written || is_race(written.error()) ? "" : written.error().message;
  if (error != publish_error_ && !error.empty())
    log::warn("daemon", "the certificate of the API's authority cannot be published; clients take it from the Secret",
              {{"configmap", kAuthorityConfigMap}, {"secret", kServingSecret}, {"error", error}});
  publish_error_ = error;
}

Result<void> ServingCertificate::write_authority(const std::string& pem) {
  kube::WriteOptions write;
  write.call.timeout = options_.call_timeout;
  const auto there = client_.get(kube::kConfigMaps, options_.ns, kAuthorityConfigMap, write.call);
  if (!there && there.error().code != ErrorCode::kNotFound) return there.error();
  const auto* data = there ? find(*there, "data") : nullptr;
  if (data != nullptr && string_at(*data, kAuthoritiesKey) == pem) return {};
  Json object = {{"apiVersion", "v1"},
                 {"kind", "ConfigMap"},
                 {"metadata",
                  {{"name", kAuthorityConfigMap},
                   {"namespace", options_.ns},
                   {"labels", {{"app.kubernetes.io/managed-by", "fracta"}, {"app.kubernetes.io/part-of", "fracta"}}}}},
                 {"data", {{kAuthoritiesKey, pem}}}};
  if (there) object["metadata"]["resourceVersion"] = string_at(*there, "metadata/resourceVersion");
  const auto written = there ? client_.update(kube::kConfigMaps, options_.ns, kAuthorityConfigMap, object, write)
                             : client_.create(kube::kConfigMaps, options_.ns, object, write);
  if (!written) return written.error();
  return {};
}

}  // namespace fracta::daemon
