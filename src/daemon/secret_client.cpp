#include "daemon/secret_client.hpp"

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"

namespace fracta::daemon {
namespace {

constexpr std::chrono::milliseconds kTimeout{10'000};  // of one call, with its retries

class KubeSecrets final : public credentials::SecretClient {
 public:
  using Object = std::shared_ptr<const Json>;
  KubeSecrets(kube::Client& client, std::string ns) : client_(client), ns_(std::move(ns)) {}

  Result<std::vector<Object>> list(const std::string& label_selector) override {
    std::vector<Object> out;
    kube::ListOptions options;
    options.label_selector = label_selector;
    options.on_restart = [&out] { out.clear(); };
    options.call = call();
    const auto version = client_.list(kube::kSecrets, ns_, options, [&out](const Json& object) {
      out.push_back(std::make_shared<const Json>(object));
    });
    if (!version) return version.error();
    return out;
  }
  Result<Object> get(const std::string& name) override {
    return shared(client_.get(kube::kSecrets, ns_, name, call()));
  }
  Result<Object> create(const Json& secret) override {
    return shared(client_.create(kube::kSecrets, ns_, secret, write()));
  }
  Result<Object> replace(const Json& secret) override {
    return shared(client_.update(kube::kSecrets, ns_, string_at(secret, "metadata/name"), secret, write()));
  }
  Result<void> remove(const std::string& name, const std::string& uid, const std::string& resource_version) override {
    Json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
    if (!uid.empty()) body["preconditions"]["uid"] = uid;
    if (!resource_version.empty()) body["preconditions"]["resourceVersion"] = resource_version;
    const auto removed = client_.raw("DELETE", kube::kSecrets.path(ns_, name), dump_json(body), call());
    if (removed || removed.error().code == ErrorCode::kNotFound) return {};
    return removed.error();
  }

 private:
  static kube::CallContext call() {
    kube::CallContext context;
    context.timeout = kTimeout;
    return context;
  }
  static kube::WriteOptions write() {
    kube::WriteOptions options;
    options.call = call();
    return options;
  }
  static Result<Object> shared(Result<Json> object) {
    if (!object) return object.error();
    return std::make_shared<const Json>(*std::move(object));
  }
  kube::Client& client_;
  const std::string ns_;
};

}  // namespace

std::shared_ptr<credentials::SecretClient> make_secret_client(kube::Client& client, std::string ns) {
  return std::make_shared<KubeSecrets>(client, std::move(ns));
}

}  // namespace fracta::daemon
