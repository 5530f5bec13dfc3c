// A daemon that asks the cluster who calls, and service accounts to call it with.
#pragma once

#include "fracta/base/yaml.hpp"
#include "integration/daemon_fixture.hpp"

namespace fracta::testing {

inline constexpr const char* kAccessKubernetes =
    "control_plane_api:\n  tls: {self_signed: true}\n  auth: {mode: kubernetes}\n";

class AccessTest : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (HasFatalFailure()) return;
    install_roles();
  }

  std::string rbac(const std::string& kind) {
    return "/apis/rbac.authorization.k8s.io/v1/namespaces/" + cluster().ns() + "/" + kind;
  }
  void post(const std::string& target, const Json& object) {
    auto made = cluster().client().raw("POST", target, dump_json(object));
    ASSERT_TRUE(made) << target << ": " << made.error().message;
  }
  // The Roles as they are shipped.
  void install_roles() {
    auto text = read_file(FRACTA_SOURCE_DIR "/deployment/k8s/manifests/50-access.yaml");
    ASSERT_TRUE(text);
    auto documents = parse_yaml_stream(*text);
    ASSERT_TRUE(documents);
    for (auto document : *documents) {
      if (string_at(document, "kind") != "Role") continue;
      document["metadata"]["namespace"] = cluster().ns();
      post(rbac("roles"), document);
    }
  }
  void make_account(const std::string& name, const std::string& role = "") {
    ASSERT_TRUE(
        cluster().client().create(kube::kServiceAccounts, cluster().ns(),
                                  {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", name}}}}));
    if (!role.empty()) bind(name, role);
  }
  void bind(const std::string& account, const std::string& role) {
    post(rbac("rolebindings"),
         {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "RoleBinding"},
          {"metadata", {{"name", account + "-" + role}}},
          {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", role}}},
          {"subjects", {{{"kind", "ServiceAccount"}, {"name", account}, {"namespace", cluster().ns()}}}}});
  }
  // TokenRequest; `bound` names a pod.
  std::string token_of(const std::string& account, const std::vector<std::string>& audiences = {},
                       const Json& bound = nullptr) {
    Json spec = {{"expirationSeconds", 3600}};
    if (!audiences.empty()) spec["audiences"] = audiences;
    if (!bound.is_null())
      spec["boundObjectRef"] = {{"apiVersion", "v1"},
                                {"kind", "Pod"},
                                {"name", string_at(bound, "metadata/name")},
                                {"uid", string_at(bound, "metadata/uid")}};
    auto made = cluster().client().raw(
        "POST", "/api/v1/namespaces/" + cluster().ns() + "/serviceaccounts/" + account + "/token",
        dump_json({{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", spec}}));
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? string_at(*made, "status/token") : "";
  }

  // The daemon with TLS of its own; readyz is asked over verified TLS, with the CA that is published.
  void start_guarded(const std::string& more = kAccessKubernetes) {
    daemon_.reset();
    auto created = daemon::Daemon::create(options(more));
    ASSERT_TRUE(created) << created.error().message;
    daemon_ = *std::move(created);
    ASSERT_TRUE(daemon_->start());
    ca_pem_ = stored_ca();
    ASSERT_NE(ca_pem_, "");
    connect(daemon_->address());
    ASSERT_TRUE(within(std::chrono::seconds(30), [&] { return call("GET", "/readyz").status == 200; }))
        << call("GET", "/readyz").body;
  }
  std::string stored_ca() {
    auto published = cluster().client().get(kube::kConfigMaps, cluster().ns(), "fracta-controlplane-ca");
    return published ? (*published)["data"].value("ca.crt", "") : "";
  }
  net::Response as(const std::string& token, const std::string& method, const std::string& target,
                   const Json& body = nullptr) {
    bearer_ = token;
    auto answer = call(method, target, body);
    bearer_.clear();
    return answer;
  }
};

}  // namespace fracta::testing
