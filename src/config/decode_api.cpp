#include <arpa/inet.h>

#include "config/decode.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

bool is_address(const std::string& text) {
  in6_addr ignored{};
  return inet_pton(AF_INET, text.c_str(), &ignored) == 1 || inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

void decode_tls(const View& view, ApiTls& tls) {
  tls.certificate_file = view["certificate_file"].text();
  tls.key_file = view["key_file"].text();
  tls.ca_file = view["ca_file"].text();
  tls.self_signed = view["self_signed"].boolean();
  tls.names = view["names"].string_list();
  if (tls.certificate_file.empty() != tls.key_file.empty())
    view.error("certificate_file and key_file belong together: give both or none");
  if (tls.self_signed && !tls.certificate_file.empty())
    view["self_signed"].error("either self_signed or certificate_file, not both");
  if (!tls.ca_file.empty() && tls.certificate_file.empty())
    view["ca_file"].error("needs certificate_file and key_file; a self-signed certificate brings its own CA");
  if (!tls.names.empty() && !tls.self_signed) view["names"].warning("has no effect without self_signed: true");
  for (const std::string& name : tls.names) {
    const std::string host = name.starts_with("*.") ? name.substr(2) : name;
    if (!is_address(name) && !dns1123_subdomain_errors(host).empty())
      view["names"].error(in_quotes(name) + " is neither a DNS name nor an IP address");
  }
}

void decode_access(const View& view, ApiAuth& auth) {
  auth.mode = view["mode"].choice({"kubernetes", "static", "none"}, "");
  auth.token_file = view["token_file"].text();
  auth.audiences = view["audiences"].string_list();
  if (auth.mode == "static" && auth.token_file.empty())
    view["mode"].error("mode static needs token_file: a file of lines token,user,\"role,role\"");
  if (auth.mode != "static" && !auth.token_file.empty())
    view["token_file"].error("is read in mode static only; set mode: static");
  if (auth.mode != "kubernetes" && !auth.mode.empty() && !auth.audiences.empty())
    view["audiences"].warning("has no effect in mode " + auth.mode);
  for (const std::string& audience : auth.audiences)
    if (trim(audience).empty()) view["audiences"].error("an audience must not be empty");
}

int limit(const View& view, int fallback) {
  const std::int64_t value = view.integer(fallback);
  constexpr std::int64_t kMax = 1'000'000;
  if (value < 0 || value > kMax) view.error("must be a number of requests a second from 0 to 1000000");
  return static_cast<int>(std::clamp<std::int64_t>(value, 0, kMax));
}

}  // namespace

void decode_api(const View& root, Config& config) {
  const View api = root["control_plane_api"];
  config.control_plane_listen = api["listen"].text();
  config.control_plane_url = api["url"].text();
  config.control_plane_client_mode = api["client_mode"].choice({"auto", "local", "remote"}, "auto");
  decode_tls(api["tls"], config.api_tls);
  decode_access(api["auth"], config.api_auth);
  const View limits = api["rate_limits"];
  config.api_rate_limits.per_identity = limit(limits["per_identity"], config.api_rate_limits.per_identity);
  config.api_rate_limits.per_address = limit(limits["per_address"], config.api_rate_limits.per_address);
}

}  // namespace fracta::config
