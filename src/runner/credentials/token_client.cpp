#include "runner/credentials/token_client.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::runner {
namespace {

using Kind = Fetched::Kind;

constexpr std::size_t kMaxBody = 1536u << 10;  // a token is at most 1 MiB, JSON may escape half of it
constexpr std::size_t kMaxToken = 64u << 10;
constexpr std::chrono::seconds kMaxRetryAfter{60};

Fetched outcome(Kind kind, std::string why) {
  Fetched out;
  out.kind = kind;
  out.why = std::move(why);
  return out;
}

// Read anew each time: the kubelet renews it.
Result<std::string> read_token(const std::string& path) {
  auto text = read_file(path, kMaxToken);
  if (!text) return text.error();
  std::string token(trim(*text));
  if (token.empty()) return make_error(ErrorCode::kInvalid, path + ": is empty");
  return token;
}

Kind kind_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kCanceled:
      return Kind::kCanceled;
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kNotFound:  // the token file, while the kubelet renews it
      return Kind::kFailed;
    default:
      return Kind::kRefused;
  }
}

bool is_temporary(int status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

// What the controlplane says about it, on one line.
std::string reason_in(const std::string& body) {
  if (body.size() > (16u << 10)) return "";
  const auto json = parse_json(body, {.max_depth = 8});
  if (!json || !json->is_object()) return "";
  for (const char* field : {"reason", "error", "message"})
    if (const std::string text = string_at(*json, field); !text.empty()) return ": " + shorten(text, 300);
  return "";
}

}  // namespace

Result<std::unique_ptr<TokenClient>> TokenClient::create(const Manifest& manifest) {
  net::TransportOptions options;
  options.tls.ca_pem = manifest.ca_pem;
  auto transport = net::make_http_transport(manifest.controlplane, options);
  if (!transport) return transport.error().with_context("controlplane");
  return std::unique_ptr<TokenClient>(new TokenClient(manifest, *std::move(transport)));
}

Result<net::Response> TokenClient::ask(const ManifestCredential& credential, const std::string& etag,
                                       std::chrono::milliseconds timeout, const std::stop_token& stop) {
  const auto token = read_token(token_file_);
  if (!token) return token.error();
  net::Request request;
  request.target = "/api/v1/credentials/" + percent_encode(credential.id) + "/token";
  request.headers.add("Authorization", "Bearer " + *token);
  request.headers.add("Accept", "application/json");
  if (!etag.empty()) request.headers.add("If-None-Match", etag);
  return transport_->request(request, {.timeout = timeout, .max_response_bytes = kMaxBody, .stop = stop});
}

Fetched TokenClient::fetch(const ManifestCredential& credential, const std::string& etag,
                           std::chrono::milliseconds timeout, const std::stop_token& stop) {
  auto response = ask(credential, etag, timeout, stop);
  // The token may have been renewed between reading and sending, or the controlplane has just learned of it.
  if (response && response->status == 401) response = ask(credential, etag, timeout, stop);
  if (!response) return outcome(kind_of(response.error()), response.error().message);
  return judge(*response, credential, etag);
}

Fetched TokenClient::judge(const net::Response& response, const ManifestCredential& credential,
                           const std::string& etag) const {
  const int status = response.status;
  if (status == 200) return read_body(response, credential);
  if (status == 304 && !etag.empty()) return outcome(Kind::kUnchanged, "");
  const std::string said = fmt::format("{} answered {} {}", host_, status, net::status_text(status));
  if (status >= 300 && status < 400)
    return outcome(Kind::kRefused, said + "; redirects are not followed, the token is for that host only");
  const std::string why = said + reason_in(response.body);
  if (status == 403 || status == 404) return outcome(Kind::kRevoked, why);
  Fetched out = outcome(is_temporary(status) ? Kind::kFailed : Kind::kRefused, why);
  if (const auto after = response.headers.get("Retry-After"))
    if (const auto seconds = parse_int(trim(*after)); seconds && *seconds >= 0)
      out.retry_after =
          std::min<std::chrono::seconds>(std::chrono::seconds{std::min<std::int64_t>(*seconds, 3600)}, kMaxRetryAfter);
  return out;
}

Fetched TokenClient::read_body(const net::Response& response, const ManifestCredential& credential) const {
  const auto json = parse_json(response.body, {.max_depth = 8, .refuse_duplicate_keys = true});
  // The parser's own words could repeat a piece of the body.
  if (!json || !json->is_object())
    return outcome(Kind::kRefused, host_ + " answered with something that is no JSON object");
  if (string_at(*json, "credential_id") != credential.id)
    return outcome(Kind::kRefused, host_ + " answered with another credential");
  if (string_at(*json, "provider") != credential.provider->name)
    return outcome(Kind::kRefused, host_ + " answered with a credential of another provider");
  Fetched out = outcome(Kind::kNew, "");
  auto& stored = out.credential;
  stored.id = credential.id;
  stored.name = credential.name;
  stored.provider = credential.provider->name;
  stored.token = string_at(*json, "token");
  stored.url = string_at(*json, "url");
  stored.email = string_at(*json, "email");
  if (trim(stored.token).empty()) return outcome(Kind::kRefused, host_ + " answered with an empty token");
  // Variables end at a NUL byte; nothing that is cut off silently is delivered.
  for (const auto* text : {&stored.token, &stored.url, &stored.email})
    if (text->find('\0') != std::string::npos) return outcome(Kind::kRefused, host_ + " answered with a NUL byte");
  out.etag = response.headers.get("ETag").value_or("");
  if (out.etag.size() > 256) out.etag.clear();
  return out;
}

}  // namespace fracta::runner
