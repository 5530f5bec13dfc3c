// What one cluster and one user of a kubeconfig may hold.
#include <nlohmann/json.hpp>

#include "credentials/providers/common.hpp"
#include "credentials/providers/kubeconfig_text.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "fracta/credentials/token.hpp"
#include "fracta/net/certificate_facts.hpp"
#include "fracta/net/http.hpp"

namespace fracta::credentials {
namespace {

constexpr std::chrono::hours kSoon{24 * 14};

// The value of a text field; empty when absent.
Result<std::string> text_of(const Json& object, const std::string& place, std::string_view key) {
  const Json* value = find(object, key);
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) return invalid_field("token", place + "." + std::string(key) + " must be a string");
  return value->get<std::string>();
}

bool is_present(const Json& object, std::string_view key) {
  const Json* value = find(object, key);
  return value != nullptr && !value->is_null() && !(value->is_string() && value->get_ref<const std::string&>().empty());
}

Result<void> refuse_file(const Json& object, const std::string& place, std::string_view key) {
  if (!is_present(object, key)) return {};
  return invalid_field("token", place + "." + std::string(key) +
                                    " names a file that does not exist in an agent's container; make one text of it: " +
                                    std::string(kFlattenHint));
}

// The PEM text of `key`; empty when absent.
Result<std::string> data_of(const Json& object, const std::string& place, std::string_view key) {
  auto text = text_of(object, place, key);
  if (!text || text->empty()) return text;
  return decode_data(place + "." + std::string(key), *text);
}

Error bad_pem(const std::string& place, std::string_view key, const Error& why) {
  return invalid_field("token", place + "." + std::string(key) + ": " + why.message);
}

Result<void> check_server(const std::string& server, const std::string& place) {
  if (server.empty()) return invalid_field("token", place + " is missing");
  const auto url = net::parse_url(server);
  if (!url) return invalid_field("token", place + " is no valid address: " + url.error().message);
  if (url->scheme != "https") return invalid_field("token", place + " must start with https://");
  if (!url->query.empty()) return invalid_field("token", place + " may not hold a query");
  return {};
}

Result<bool> flag_of(const Json& object, const std::string& place, std::string_view key) {
  const Json* value = find(object, key);
  if (value == nullptr || value->is_null()) return false;
  if (!value->is_boolean()) return invalid_field("token", place + "." + std::string(key) + " must be true or false");
  return value->get<bool>();
}

Result<void> check_client_certificate(const std::string& name, const Json& user, const std::string& place,
                                      EntryCheck& check) {
  const auto certificate = data_of(user, place, "client-certificate-data");
  if (!certificate) return certificate.error();
  const auto key = data_of(user, place, "client-key-data");
  if (!key) return key.error();
  if (certificate->empty() && key->empty()) return {};
  if (certificate->empty() || key->empty())
    return invalid_field("token", place + ": client-certificate-data and client-key-data belong together");
  const auto facts = net::read_certificates(*certificate);
  if (!facts) return bad_pem(place, "client-certificate-data", facts.error());
  if (auto readable = net::check_private_key(*key); !readable)
    return bad_pem(place, "client-key-data", readable.error());
  if (auto pair = net::check_key_pair(*certificate, *key); !pair)
    return bad_pem(place, "client-key-data", pair.error());
  check.note_end("the client certificate of user \"" + shorten(name, 64) + "\"", facts->front().not_after);
  return {};
}

}  // namespace

void EntryCheck::note_end(const std::string& what, std::chrono::system_clock::time_point end) {
  if (!expires_at || end < *expires_at) expires_at = end;
  if (end <= options.now) {
    warnings.push_back(what + " expired on " + format_rfc3339(end));
  } else if (end - options.now <= kSoon) {
    warnings.push_back(what + " expires on " + format_rfc3339(end));
  }
}

Result<void> check_cluster(const std::string& name, const Json& cluster, EntryCheck& check) {
  const std::string place = place_of("clusters", name, "cluster", "");
  const auto server = text_of(cluster, place, "server");
  if (!server) return server.error();
  FRACTA_TRY(check_server(*server, place + ".server"));
  FRACTA_TRY(refuse_file(cluster, place, "certificate-authority"));
  const auto insecure = flag_of(cluster, place, "insecure-skip-tls-verify");
  if (!insecure) return insecure.error();
  if (*insecure && !check.options.allow_insecure_skip_tls_verify)
    return invalid_field("token", place +
                                      ".insecure-skip-tls-verify lets anybody on the way read the token; put "
                                      "certificate-authority-data there (or allow it: "
                                      "stored_credentials.allow_insecure_skip_tls_verify)");
  if (is_present(cluster, "proxy-url") && !check.options.allow_proxy_url)
    return invalid_field("token", place +
                                      ".proxy-url sends the agent's traffic through another host; remove it (or allow "
                                      "it: stored_credentials.allow_proxy_url)");
  const auto name_check = text_of(cluster, place, "tls-server-name");
  if (!name_check) return name_check.error();
  const auto authority = data_of(cluster, place, "certificate-authority-data");
  if (!authority) return authority.error();
  if (authority->empty()) return {};
  if (*insecure)
    return invalid_field("token",
                         place + ": certificate-authority-data and insecure-skip-tls-verify exclude each other");
  const auto facts = net::read_certificates(*authority);
  if (!facts) return bad_pem(place, "certificate-authority-data", facts.error());
  EntryCheck of_authority{check.options, check.warnings, {}};  // an old authority in a bundle ends nothing
  if (facts->size() == 1)
    of_authority.note_end("the certificate authority of cluster \"" + shorten(name, 64) + "\"",
                          facts->front().not_after);
  return {};
}

Result<void> check_user(const std::string& name, const Json& user, EntryCheck& check) {
  const std::string place = place_of("users", name, "user", "");
  for (const char* plugin : {"exec", "auth-provider"})
    if (is_present(user, plugin))
      return invalid_field("token", place + "." + plugin +
                                        " runs a program that agents do not have and that nobody reviewed; use a "
                                        "service account's token or a client certificate");
  for (const char* file : {"client-certificate", "client-key", "tokenFile"}) FRACTA_TRY(refuse_file(user, place, file));
  for (const char* key : {"token", "username", "password", "as", "as-uid"})
    if (auto text = text_of(user, place, key); !text) return text.error();
  FRACTA_TRY(check_client_certificate(name, user, place, check));
  if (const auto end = jwt_expiry(string_at(user, "token")))
    check.note_end("the token of user \"" + shorten(name, 64) + "\"", *end);
  return {};
}

}  // namespace fracta::credentials
