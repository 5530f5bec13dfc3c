// kubectl exec, attach, cp and run against pods.
#include <filesystem>

#include "integration/kubectl_fixture.hpp"

namespace fracta::testing {
namespace {

class KubectlBox : public Kubectl {
 protected:
  void SetUp() override {
    Kubectl::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (!runs_pods()) GTEST_SKIP() << "the cluster has no node";
    output({"run", "box", "--image=" + image(), "--restart=Never", "--command", "--", "sleep", "300"});
    output({"wait", "--for=condition=Ready", "pod/box", "--timeout=60s"});
  }
};

class KubectlExec : public KubectlBox {
 protected:
  void SetUp() override {
    KubectlBox::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (!cluster_->existing() && minor() < 31)
      GTEST_SKIP() << "this kubectl speaks SPDY, which the development cluster does not";
  }
};

TEST_F(KubectlBox, TellsAnOlderKubectlWhatItTakes) {
  if (cluster_->existing() || minor() >= 30) GTEST_SKIP() << "this kubectl speaks WebSocket";
  for (const char* verb : {"exec", "attach"}) {
    std::vector<std::string> command = {verb, "box"};
    if (std::string_view(verb) == "exec") command.insert(command.end(), {"--", "true"});
    EXPECT_THAT(refusal(command), HasSubstr("use kubectl 1.31 or later"));
  }
}

TEST_F(KubectlExec, RunsCommandsAndPassesOnTheirExitCode) {
  EXPECT_EQ(output({"exec", "box", "--", "echo", "hello"}), "hello\n");
  const auto failed = run({"exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 7"});
  EXPECT_EQ(failed.exit_code, 7);
  EXPECT_EQ(failed.standard_output, "out\n");
  EXPECT_THAT(failed.standard_error, AllOf(HasSubstr("err\n"), HasSubstr("command terminated with exit code 7")));
  EXPECT_EQ(output({"exec", "-i", "box", "--", "cat"}, "from standard input"), "from standard input");
}

TEST_F(KubectlExec, SaysWhatIsWrong) {
  EXPECT_THAT(refusal({"exec", "nobody", "--", "true"}), HasSubstr("pods \"nobody\" not found"));
  EXPECT_THAT(refusal({"exec", "box", "-c", "nothing", "--", "true"}),
              HasSubstr("container nothing is not valid for pod box"));
  EXPECT_THAT(refusal({"exec", "box", "--", "no-such-program"}), HasSubstr("executable file not found in $PATH"));
}

TEST_F(KubectlExec, CopiesFilesBothWays) {
  const std::string here = directory_->path();
  ASSERT_TRUE(write_file_atomic(here + "/there", "content\n").ok());
  output({"cp", here + "/there", "box:/tmp/there"});
  EXPECT_EQ(output({"exec", "box", "--", "cat", "/tmp/there"}), "content\n");
  output({"cp", "box:/tmp/there", here + "/back"});
  EXPECT_EQ(read_file(here + "/back").value_or(""), "content\n");
}

TEST_F(KubectlExec, RunsInteractively) {
  const auto result = run({"run", "talk", "--rm", "-i", "--restart=Never", "--quiet", "--image=" + image(), "--command",
                           "--", "sh", "-c", "read line; echo got $line"},
                          "words\n");
  EXPECT_EQ(result.exit_code, 0) << result.standard_error;
  EXPECT_THAT(result.standard_output, HasSubstr("got words"));
}

TEST_F(KubectlBox, ReachesPodsAndServicesThroughTheirProxy) {
  if (cluster_->existing()) GTEST_SKIP() << "needs perl in the image";
  const std::string pod =
      // A text that begins with a brace would be JSON to kubectl.
      "---\n{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: c, "
      "image: " +
      image() +
      R"(, ports: [{containerPort: 8080}], readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1},
  command: [perl, -MIO::Socket::INET, -e, '$s = IO::Socket::INET->new(Listen => 5, LocalPort => 8080) or die;
  while ($c = $s->accept) { $l = <$c>; next unless $l; while (<$c> =~ /\S/) {}
  print $c "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n$l"; close $c }']}]}})";
  output({"apply", "-f", "-"}, pod);
  output({"apply", "-f", "-"},
         "---\n{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, "
         "ports: [{port: 80, targetPort: 8080}]}}");
  output({"wait", "--for=condition=Ready", "pod/web", "--timeout=60s"});
  const std::string base = "/api/v1/namespaces/" + cluster_->ns();
  EXPECT_THAT(output({"get", "--raw", base + "/pods/web:8080/proxy/some/path?a=b"}),
              HasSubstr("GET /some/path?a=b HTTP/1.1"));
  EXPECT_THAT(output({"get", "--raw", base + "/pods/web/proxy/"}), HasSubstr("GET / HTTP/1.1"));
  EXPECT_THAT(output({"get", "--raw", base + "/services/web:80/proxy/x"}), HasSubstr("GET /x HTTP/1.1"));
  EXPECT_THAT(refusal({"get", "--raw", base + "/services/web:81/proxy/"}),
              HasSubstr("no service port 81 found for service \"web\""));
  EXPECT_THAT(refusal({"get", "--raw", base + "/pods/box:1/proxy/"}), HasSubstr("error trying to reach service"));
}

TEST_F(KubectlExec, NeedsTheRight) {
  output({"create", "serviceaccount", "reader"});
  const std::string account = "system:serviceaccount:" + cluster_->ns() + ":reader";
  output({"create", "role", "reader", "--verb=get", "--resource=pods"});
  output({"create", "rolebinding", "reader", "--role=reader", "--serviceaccount=" + cluster_->ns() + ":reader"});
  EXPECT_THAT(refusal({"--as", account, "exec", "box", "--", "true"}),
              AllOf(HasSubstr("pods \"box\" is forbidden"), HasSubstr("resource \"pods/exec\"")));
  output({"create", "role", "runner", "--verb=get,create", "--resource=pods/exec"});
  output({"create", "rolebinding", "runner", "--role=runner", "--serviceaccount=" + cluster_->ns() + ":reader"});
  EXPECT_EQ(output({"--as", account, "exec", "box", "--", "echo", "now"}), "now\n");
}

}  // namespace
}  // namespace fracta::testing
