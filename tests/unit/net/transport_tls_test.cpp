#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/net/helpers.hpp"

namespace fracta::net {
namespace {

using namespace testing;

ServerResponse who(const ServerRequest& request) {
  std::string text = request.client_common_name;
  for (const auto& organization : request.client_organizations) text += "|" + organization;
  return ServerResponse::text(200, text);
}

RunningServer tls_server(const ServerTlsOptions& tls) {
  ServerOptions options;
  options.tls = tls;
  return run_server(options, who);
}

Result<Response> ask(const Url& url, const TransportOptions& options) {
  Request request;
  request.target = "/";
  auto transport = make_http_transport(url, options);
  if (!transport) return transport.error();
  return (*transport)->request(request, {});
}

Url with_host(Url url, const std::string& host) {
  url.host = host;
  return url;
}

TEST(TransportTls, AddressAndNameSans) {
  const auto server = tls_server(localhost_tls());
  EXPECT_EQ(ask(server.url(), trusting_options())->status, 200);
  EXPECT_EQ(ask(with_host(server.url(), "localhost"), trusting_options())->status, 200);
  auto named = trusting_options();
  named.tls.server_name = "fracta.svc";
  EXPECT_EQ(ask(server.url(), named)->status, 200);
}

struct BadCertificate {
  std::string what;
  CertificateRequest request;
};

TEST(TransportTls, NamesThatDoNotFit) {
  CertificateRequest wrong_san;
  wrong_san.common_name = "127.0.0.1";
  wrong_san.dns_names = {"example.org"};
  CertificateRequest cn_only;
  cn_only.common_name = "127.0.0.1";
  CertificateRequest cn_star;
  cn_star.common_name = "*";
  CertificateRequest cn_localhost;
  cn_localhost.common_name = "localhost";
  CertificateRequest address_as_name;
  address_as_name.dns_names = {"127.0.0.1"};
  CertificateRequest partial_wildcard;
  partial_wildcard.dns_names = {"local*"};
  CertificateRequest client_usage;
  client_usage.ip_addresses = {"127.0.0.1"};
  client_usage.dns_names = {"localhost"};
  client_usage.client = true;
  const std::vector<BadCertificate> cases = {
      {"wrong SAN", wrong_san},
      {"CN only", cn_only},
      {"CN *", cn_star},
      {"CN localhost", cn_localhost},
      {"address as DNS", address_as_name},
      {"partial wildcard", partial_wildcard},
      {"client usage", client_usage},
  };
  for (const auto& c : cases) {
    const auto server = tls_server(tls_options(c.request));
    for (const std::string host : {"127.0.0.1", "localhost"}) {
      const auto response = ask(with_host(server.url(), host), trusting_options());
      ASSERT_FALSE(response) << c.what << " " << host;
      EXPECT_EQ(response.error().code, ErrorCode::kUnauthenticated) << c.what << ": " << response.error().message;
    }
  }
}

TEST(TransportTls, UnknownAuthorityUnlessVerificationIsOff) {
  const auto server = tls_server(localhost_tls());
  TransportOptions system_store;
  auto response = ask(server.url(), system_store);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnauthenticated);
  TransportOptions other;
  other.tls.ca_pem = make_certificate_authority("other")->certificate_pem;
  EXPECT_EQ(ask(server.url(), other).error().code, ErrorCode::kUnauthenticated);
  other.tls.ca_pem += test_authority().certificate_pem;  // a bundle of two
  EXPECT_EQ(ask(server.url(), other)->status, 200);
  TransportOptions insecure;
  insecure.tls.insecure_skip_verify = true;
  EXPECT_EQ(ask(server.url(), insecure)->status, 200);
}

TEST(TransportTls, SelfSignedServerCertificate) {
  ServerTlsOptions tls;
  const auto self_signed = *make_certificate_authority("127.0.0.1");
  tls.certificate_pem = self_signed.certificate_pem;
  tls.key_pem = self_signed.key_pem;
  const auto server = tls_server(tls);
  EXPECT_EQ(ask(server.url(), trusting_options()).error().code, ErrorCode::kUnauthenticated);
}

TEST(TransportTls, ExpiredCertificate) {
  CertificateRequest request;
  request.ip_addresses = {"127.0.0.1"};
  request.lifetime = std::chrono::hours(0);
  const auto server = tls_server(tls_options(request));
  const auto response = ask(server.url(), trusting_options());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnauthenticated);
  EXPECT_THAT(response.error().message, ::testing::HasSubstr("expired"));
}

TEST(TransportTls, ClientCertificateGivesNameAndOrganizations) {
  const auto server = tls_server(localhost_tls(true));
  CertificateRequest request;
  request.common_name = "alice";
  request.organizations = {"system:masters", "with,comma"};
  request.client = true;
  const auto pair = *issue_certificate(test_authority(), request);
  auto options = trusting_options();
  options.tls.certificate_pem = pair.certificate_pem;
  options.tls.key_pem = pair.key_pem;
  const auto response = ask(server.url(), options);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "alice|system:masters|with,comma");
  EXPECT_EQ(ask(server.url(), trusting_options())->body, "");  // asked for, not required
}

TEST(TransportTls, ForeignClientCertificateIsRefused) {
  const auto server = tls_server(localhost_tls(true));
  CertificateRequest request;
  request.common_name = "mallory";
  request.client = true;
  const auto foreign_authority = *make_certificate_authority("fracta-test-ca");
  const auto foreign = *issue_certificate(foreign_authority, request);
  request.client = false;
  const auto wrong_usage = *issue_certificate(test_authority(), request);
  for (const auto& pair : {foreign, wrong_usage}) {
    auto options = trusting_options();
    options.tls.certificate_pem = pair.certificate_pem;
    options.tls.key_pem = pair.key_pem;
    const auto response = ask(server.url(), options);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::kUnauthenticated) << response.error().message;
  }
}

TEST(TransportTls, BadMaterialIsInvalidAtOnce) {
  const auto url = *parse_url("https://127.0.0.1:1");
  const auto& authority = test_authority();
  const auto other = *make_certificate_authority("other");
  const std::vector<TlsClientOptions> cases = {
      {.ca_pem = "no pem"},
      {.ca_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
      {.ca_pem = authority.key_pem},
      {.certificate_pem = authority.certificate_pem},
      {.key_pem = authority.key_pem},
      {.certificate_pem = authority.certificate_pem, .key_pem = other.key_pem},
      {.certificate_pem = authority.certificate_pem, .key_pem = "garbage"},
  };
  for (const auto& tls : cases) {
    TransportOptions options;
    options.tls = tls;
    const auto transport = make_http_transport(url, options);
    ASSERT_FALSE(transport);
    EXPECT_EQ(transport.error().code, ErrorCode::kInvalid) << transport.error().message;
    EXPECT_EQ(transport.error().message.find("BEGIN"), std::string::npos);
  }
}

TEST(TransportTls, PlainServerAndSilentServer) {
  ScriptedServer plain([](int fd, int) { ScriptedServer::send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n"); });
  auto url = plain.url();
  url.scheme = "https";
  auto response = ask(url, trusting_options());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  ScriptedServer silent([](int fd, int) { ScriptedServer::wait_for_end(fd); });
  url = silent.url();
  url.scheme = "https";
  auto options = trusting_options();
  options.connect_timeout = std::chrono::milliseconds(80);
  EXPECT_EQ(ask(url, options).error().code, ErrorCode::kUnavailable);
}

TEST(TransportTls, KeepsConnectionsOverTls) {
  ServerOptions server_options;
  server_options.tls = localhost_tls();
  std::atomic<int> requests{0};
  const auto server = run_server(server_options, [&](const ServerRequest& request) {
    ++requests;
    return ServerResponse::text(200, request.body);
  });
  const auto transport = transport_to(server.url(), trusting_options());
  Request request;
  request.method = "POST";
  request.target = "/";
  for (std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{16384}, std::size_t{16385}, std::size_t{3000000}}) {
    request.body = std::string(size, 'x');
    const auto response = transport->request(request, {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body.size(), size);
  }
  EXPECT_EQ(requests, 5);
}

}  // namespace
}  // namespace fracta::net
