#include "integration/kubectl_fixture.hpp"

namespace fracta::testing {
namespace {

std::string config_map(const std::string& name, const std::string& value) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {a: " + value + "}\n";
}

TEST_F(Kubectl, CreatesShowsAndDeletes) {
  EXPECT_THAT(output({"create", "configmap", "settings", "--from-literal=a=b"}),
              HasSubstr("configmap/settings created"));
  EXPECT_THAT(refusal({"create", "configmap", "settings"}), HasSubstr("configmaps \"settings\" already exists"));
  EXPECT_THAT(output({"get", "configmaps"}), HasSubstr("NAME"));
  EXPECT_THAT(output({"describe", "configmap", "settings"}), HasSubstr("Data"));
  EXPECT_THAT(output({"delete", "configmap", "settings"}), HasSubstr("deleted"));
  EXPECT_THAT(refusal({"get", "configmap", "settings"}), HasSubstr("configmaps \"settings\" not found"));
}

TEST_F(Kubectl, CreatesNamespacesAndSecrets) {
  const std::string other = cluster_->ns() + "-other";
  EXPECT_THAT(output({"create", "namespace", other}), HasSubstr("created"));
  EXPECT_THAT(output({"create", "secret", "generic", "key", "--from-literal=k=v"}), HasSubstr("secret/key created"));
  EXPECT_EQ(output({"get", "secret", "key", "-o", "jsonpath={.data.k}"}), "dg==");
  EXPECT_THAT(output({"describe", "secret", "key"}), AllOf(HasSubstr("1 bytes"), Not(HasSubstr("dg=="))));
  EXPECT_THAT(output({"delete", "namespace", other, "--wait"}), HasSubstr("deleted"));
  EXPECT_THAT(refusal({"get", "namespace", other}), HasSubstr("not found"));
}

TEST_F(Kubectl, AppliesAgainAndAgain) {
  EXPECT_THAT(output({"apply", "-f", "-"}, config_map("applied", "one")), HasSubstr("configmap/applied created"));
  EXPECT_THAT(output({"apply", "-f", "-"}, config_map("applied", "one")), HasSubstr("unchanged"));
  EXPECT_THAT(output({"apply", "-f", "-", "--dry-run=server"}, config_map("applied", "two")),
              HasSubstr("configured (server dry run)"));
  EXPECT_EQ(output({"get", "configmap", "applied", "-o", "jsonpath={.data.a}"}), "one");
  EXPECT_THAT(output({"apply", "-f", "-"}, config_map("applied", "two")), HasSubstr("configured"));
  EXPECT_EQ(output({"get", "configmap", "applied", "-o", "jsonpath={.data.a}"}), "two");
  EXPECT_THAT(output({"apply", "-f", "-", "--server-side", "--force-conflicts"}, config_map("applied", "three")),
              HasSubstr("serverside-applied"));
  EXPECT_EQ(output({"get", "configmap", "applied", "-o", "jsonpath={.data.a}"}), "three");
}

TEST_F(Kubectl, AppliesWhatADryRunPrinted) {
  const std::string printed =
      output({"create", "configmap", "piped", "--from-literal=a=b", "--dry-run=client", "-o", "yaml"});
  EXPECT_THAT(output({"apply", "-f", "-"}, printed), HasSubstr("configmap/piped created"));
  EXPECT_EQ(output({"get", "configmap", "piped", "-o", "jsonpath={.data.a}"}), "b");
}

TEST_F(Kubectl, RefusesUnknownFieldsByName) {
  const std::string odd = config_map("odd", "b") + "bogus: 1\n";
  EXPECT_THAT(refusal({"apply", "-f", "-"}, odd), HasSubstr("unknown field \"bogus\""));
  EXPECT_THAT(refusal({"create", "-f", "-"}, odd), HasSubstr("unknown field \"bogus\""));
  EXPECT_THAT(output({"create", "-f", "-", "--validate=false"}, odd), HasSubstr("created"));
}

TEST_F(Kubectl, PatchesInEveryForm) {
  output({"create", "configmap", "patched", "--from-literal=a=b"});
  const auto value = [&] { return output({"get", "configmap", "patched", "-o", "jsonpath={.data.a}"}); };
  EXPECT_THAT(output({"patch", "configmap", "patched", "-p", R"({"data":{"a":"c"}})"}), HasSubstr("patched"));
  EXPECT_EQ(value(), "c");
  EXPECT_THAT(output({"patch", "configmap", "patched", "-p", R"({"data":{"a":"c"}})"}), HasSubstr("(no change)"));
  output({"patch", "configmap", "patched", "--type=merge", "-p", R"({"data":{"a":"d"}})"});
  EXPECT_EQ(value(), "d");
  output({"patch", "configmap", "patched", "--type=json", "-p", R"([{"op":"replace","path":"/data/a","value":"e"}])"});
  EXPECT_EQ(value(), "e");
  output({"patch", "configmap", "patched", "--dry-run=server", "-p", R"({"data":{"a":"f"}})"});
  EXPECT_EQ(value(), "e");
  EXPECT_THAT(refusal({"patch", "configmap", "patched", "--type=merge", "-p", R"({"data":{"a":5}})"}),
              AllOf(HasSubstr("The request is invalid"), HasSubstr("cannot unmarshal number")));
  EXPECT_THAT(output({"label", "configmap", "patched", "color=red"}), HasSubstr("labeled"));
  EXPECT_THAT(output({"get", "configmaps", "-l", "color in (red)", "-o", "name"}), HasSubstr("configmap/patched"));
  EXPECT_THAT(output({"annotate", "configmap", "patched", "note=x"}), HasSubstr("annotate"));
}

TEST_F(Kubectl, EditsWithTheUsersEditor) {
  output({"create", "configmap", "edited", "--from-literal=a=before"});
  const auto edit = [&](const std::string& editor) {
    std::vector<std::string> argv = command();
    argv.insert(argv.begin(), {"env", "KUBE_EDITOR=" + editor});
    argv.insert(argv.end(), {"edit", "configmap", "edited"});
    return run_argv(std::move(argv));
  };
  EXPECT_THAT(edit("sed -i s/before/after/").standard_output, HasSubstr("configmap/edited edited"));
  EXPECT_EQ(output({"get", "configmap", "edited", "-o", "jsonpath={.data.a}"}), "after");
  // The server's refusal sends the user back to the editor; one that changes nothing ends it.
  const auto refused = edit("sed -i s/^data:/dat:/");
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.standard_error, HasSubstr("configmaps \"edited\" is invalid"));
}

TEST_F(Kubectl, ShowsObjectsInEveryForm) {
  output({"create", "configmap", "shown", "--from-literal=a=b"});
  EXPECT_THAT(output({"get", "configmap", "shown", "-o", "wide"}), AllOf(HasSubstr("DATA"), HasSubstr("shown")));
  EXPECT_THAT(output({"get", "configmap", "shown", "-o", "yaml"}), HasSubstr("kind: ConfigMap"));
  const auto json = parse_json(output({"get", "configmaps", "-o", "json"}));
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(string_at(*json, "kind"), "List");
  EXPECT_EQ(output({"get", "configmap", "shown", "-o", "name"}), "configmap/shown\n");
  EXPECT_THAT(output({"get", "configmaps", "-o", "custom-columns=N:.metadata.name,A:.data.a"}), HasSubstr("shown"));
  EXPECT_THAT(refusal({"get", "configmaps", "--field-selector=data.a=b"}), HasSubstr("is not a known field selector"));
  EXPECT_THAT(refusal({"get", "nonsense"}), HasSubstr("the server doesn't have a resource type \"nonsense\""));
}

// kubectl get -w: the change made after the first line arrives as the second.
TEST_F(Kubectl, WatchesChanges) {
  output({"create", "configmap", "watched", "--from-literal=a=one"});
  const std::string script =
      "mkfifo \"$0/lines\"\n"
      "\"$@\" get configmap watched -w -o 'jsonpath={.data.a}{\"\\n\"}' >\"$0/lines\" & watch=$!\n"
      "while read -r line; do\n"
      "  echo \"$line\"\n"
      "  [ \"$line\" = two ] && break\n"
      "  \"$@\" patch configmap watched -p '{\"data\":{\"a\":\"two\"}}' >&2\n"
      "done <\"$0/lines\"\n"
      "kill $watch\n";
  std::vector<std::string> argv = {"sh", "-c", script, directory_->path()};
  const std::vector<std::string> kubectl = command();
  argv.insert(argv.end(), kubectl.begin(), kubectl.end());
  EXPECT_EQ(run_argv(std::move(argv)).standard_output, "one\ntwo\n");
}

TEST_F(Kubectl, KnowsTheServer) {
  EXPECT_THAT(output({"version"}), HasSubstr("Server Version"));
  EXPECT_THAT(output({"api-resources"}), AllOf(HasSubstr("configmaps"), HasSubstr("jobs"), HasSubstr("batch/v1")));
  EXPECT_THAT(output({"api-versions"}), HasSubstr("rbac.authorization.k8s.io/v1"));
  EXPECT_THAT(output({"explain", "pod.spec.volumes"}), AllOf(HasSubstr("configMap"), HasSubstr("emptyDir")));
  EXPECT_THAT(output({"explain", "job.spec", "--recursive"}), HasSubstr("ttlSecondsAfterFinished"));
  EXPECT_EQ(output({"get", "--raw", "/readyz"}), "ok");
}

TEST_F(Kubectl, AsksForRights) {
  const std::string bob = "--as=system:serviceaccount:" + cluster_->ns() + ":bob";
  output({"create", "serviceaccount", "bob"});
  output({"create", "role", "reader", "--verb=get,list", "--resource=pods"});
  output({"create", "rolebinding", "bob", "--role=reader", "--serviceaccount=" + cluster_->ns() + ":bob"});
  EXPECT_EQ(output({"auth", "can-i", "create", "pods"}), "yes\n");
  EXPECT_EQ(output({"auth", "can-i", "list", "pods", bob}), "yes\n");
  EXPECT_EQ(run({"auth", "can-i", "create", "pods", bob}).standard_output, "no\n");
  EXPECT_THAT(output({"auth", "can-i", "--list", bob}), AllOf(HasSubstr("[get list]"), Not(HasSubstr("*.*"))));
  EXPECT_THAT(refusal({"get", "secrets", bob}), HasSubstr("cannot list resource \"secrets\""));
  EXPECT_THAT(output({"get", "secrets", bob, "--as-group=system:masters"}), IsEmpty());
}

TEST_F(Kubectl, PrunesWhatIsNotAppliedAnyMore) {
  const auto map = [](const std::string& name) {
    return "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + ", labels: {app: pruned}}}\n";
  };
  // Without a list of kinds kubectl asks for its own, several of which nothing here makes. kubectl of before 1.21 asks
  // for kinds of versions that Kubernetes 1.26 does not know either.
  if (minor() < 27) GTEST_SKIP() << "this kubectl prunes kinds that are gone";
  output({"apply", "-f", "-"}, map("stays") + map("goes"));
  EXPECT_THAT(output({"apply", "--prune", "-l", "app=pruned", "-f", "-"}, map("stays")),
              AllOf(HasSubstr("configmap/stays unchanged"), HasSubstr("configmap/goes pruned")));
  EXPECT_EQ(output({"get", "configmaps", "-l", "app=pruned", "-o", "name"}), "configmap/stays\n");
}

TEST_F(Kubectl, CreatesTokens) {
  if (minor() < 24) GTEST_SKIP() << "this kubectl is older than 1.24";
  output({"create", "serviceaccount", "bob"});
  const std::string token = output({"create", "token", "bob", "--duration=10m"});
  EXPECT_EQ(split(token, '.').size(), 3u);
}

TEST_F(Kubectl, RunsAJobAndShowsIt) {
  if (!runs_pods()) GTEST_SKIP() << "nothing runs pods here";
  EXPECT_THAT(output({"create", "job", "hello", "--image=" + image(), "--", "echo", "hi there"}),
              HasSubstr("job.batch/hello created"));
  EXPECT_THAT(output({"wait", "--for=condition=complete", "job/hello", "--timeout=50s"}), HasSubstr("condition met"));
  EXPECT_EQ(output({"logs", "job/hello"}), "hi there\n");
  EXPECT_THAT(output({"get", "jobs"}), HasSubstr("1/1"));
  EXPECT_THAT(output({"get", "pods", "-l", "job-name=hello", "-o", "wide"}), HasSubstr("Completed"));
  EXPECT_THAT(output({"describe", "job", "hello"}), AllOf(HasSubstr("1 Succeeded"), HasSubstr("SuccessfulCreate")));
  EXPECT_THAT(output({"describe", "pod", "-l", "job-name=hello"}), AllOf(HasSubstr("Completed"), HasSubstr("Pulled")));
  EXPECT_THAT(output({"describe", "nodes"}), HasSubstr("Allocatable"));
  EXPECT_THAT(output({"get", "events"}), HasSubstr("Started"));
  EXPECT_THAT(output({"delete", "job", "hello", "--wait"}), HasSubstr("deleted"));
  EXPECT_THAT(refusal({"get", "job", "hello"}), HasSubstr("jobs.batch \"hello\" not found"));
}

TEST_F(Kubectl, FollowsLogsOfAContainer) {
  if (!runs_pods()) GTEST_SKIP() << "nothing runs pods here";
  const std::string pod =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: talker}\nspec:\n  restartPolicy: Never\n  containers:\n"
      "  - {name: one, image: '" +
      image() +
      "', command: [sh, -c, 'echo a; sleep 1; echo b']}\n"
      "  - {name: two, image: '" +
      image() + "', command: [sh, -c, 'echo other; sleep 600']}\n";
  EXPECT_THAT(output({"create", "-f", "-"}, pod), HasSubstr("pod/talker created"));
  EXPECT_THAT(output({"wait", "--for=condition=Ready", "pod/talker", "--timeout=50s"}), HasSubstr("condition met"));
  EXPECT_EQ(output({"logs", "talker", "-c", "one", "-f"}), "a\nb\n");
  EXPECT_EQ(output({"logs", "talker", "-c", "one", "--tail=1"}), "b\n");
  EXPECT_EQ(output({"logs", "talker", "-c", "two"}), "other\n");
  EXPECT_THAT(refusal({"logs", "talker", "-c", "none"}), HasSubstr("container none is not valid for pod talker"));
  EXPECT_THAT(output({"delete", "pod", "talker", "--grace-period=1", "--wait"}), HasSubstr("deleted"));
  EXPECT_THAT(refusal({"get", "pod", "talker"}), HasSubstr("pods \"talker\" not found"));
}

TEST_F(Kubectl, Scales) {
  output({"create", "deployment", "web", "--image=" + image()});
  EXPECT_THAT(output({"scale", "deployment", "web", "--replicas=3"}), HasSubstr("scaled"));
  EXPECT_EQ(output({"get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"}), "3");
  EXPECT_THAT(refusal({"scale", "deployment", "web", "--replicas=1", "--current-replicas=7"}),
              HasSubstr("Expected replicas to be 7, was 3"));
  EXPECT_THAT(output({"scale", "deployment", "web", "--replicas=0"}), HasSubstr("scaled"));
  // kubectl 1.27 to 1.30 has words of its own.
  EXPECT_THAT(refusal({"scale", "deployment", "nothing", "--replicas=1"}),
              AnyOf(HasSubstr("not found"), HasSubstr("no objects passed to scale")));
}

}  // namespace
}  // namespace fracta::testing
