#include "fracta/daemon/verify_kubeconfig.hpp"

#include <nlohmann/json.hpp>

#include "fracta/base/clock.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/kube/client_config.hpp"

namespace fracta::daemon {

Result<std::string> verify_kubeconfig(const std::string& text, std::chrono::milliseconds timeout) {
  auto directory = TemporaryDirectory::create("fracta-verify-");
  if (!directory) return directory.error();
  const std::string path = *directory / "kubeconfig";
  FRACTA_TRY(write_file_atomic(path, text));
  const RealClock clock;
  auto identity = kube::load_client_config({path, ""}, clock);
  if (!identity) return identity.error();
  const std::string server = identity->server.to_string();
  auto client = kube::Client::create(*std::move(identity), clock, {});
  if (!client) return client.error();
  kube::CallContext call;
  call.timeout = timeout;
  const auto version = (*client)->server_version(call);
  if (!version) return version.error().with_context(server);
  return server + " is Kubernetes " + shorten(string_at(*version, "gitVersion", "of unknown version"), 60);
}

}  // namespace fracta::daemon
