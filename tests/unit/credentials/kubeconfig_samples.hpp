// Kubeconfigs for tests, with certificates made on the spot.
#pragma once

#include <fmt/format.h>

#include <string>

#include "fracta/base/text.hpp"
#include "fracta/net/certificates.hpp"

namespace fracta::credentials::testing {

inline const std::string kUserToken = "sha256~remote-cluster-token-1234567890";

inline const net::KeyPair& authority() {
  static const net::KeyPair pair = *net::make_certificate_authority("test-ca");
  return pair;
}
inline const net::KeyPair& client_pair(std::chrono::hours lifetime = std::chrono::hours{24 * 365}) {
  static const net::KeyPair pair =
      *net::issue_certificate(authority(), {.common_name = "agent", .client = true, .lifetime = lifetime});
  return pair;
}

struct Kubeconfig {
  std::string server = "https://api.remote.example.com:6443";
  std::string cluster_extra;  // lines below `cluster:`, indented by four
  std::string user = "    token: " + kUserToken + "\n";
  std::string context = "remote";
  [[nodiscard]] std::string text() const {
    return fmt::format(
        "apiVersion: v1\nkind: Config\ncurrent-context: {}\n"
        "clusters:\n- name: remote\n  cluster:\n    server: {}\n"
        "    certificate-authority-data: {}\n{}"
        "users:\n- name: bot\n  user:\n{}"
        "contexts:\n- name: remote\n  context:\n    cluster: remote\n    user: bot\n    namespace: apps\n",
        context, server, base64_encode(authority().certificate_pem), cluster_extra, user);
  }
};

inline std::string sample_kubeconfig() { return Kubeconfig{}.text(); }

}  // namespace fracta::credentials::testing
