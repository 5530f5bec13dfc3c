// Agents that want more than is theirs, and everything that must hold no secret after a whole run. Attacks on the file
// itself are in tests/unit/runner/secret_file_test.cpp, hostile answers in token_client_test.cpp.
#include "e2e/stored_credentials_world.hpp"

namespace fracta::e2e {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kGithubSecret = "ghp_AttackSuiteSecretValue0123456789abcdefg";
constexpr const char* kGitlabSecret = "glpat-AttackSuiteOtherValue01234";

// Prints the status with which the controlplane answers: ask METHOD PATH [TOKEN-FILE [CURL-OPTION...]].
constexpr const char* kAsk = R"sh(
url=$(jq -r .controlplane.url /etc/fracta/credentials.json)
jq -r .controlplane.ca /etc/fracta/credentials.json > ca.crt
own=$(jq -r '.credentials[0].id' /etc/fracta/credentials.json)
ask() {
  method=$1; path=$2; token=${3:-/var/run/fracta-identity/token}; shift; shift; [ $# -gt 0 ] && shift
  curl -sS --cacert ca.crt -o answer -w '%{http_code}' -X "$method" -H "Authorization: Bearer $(cat "$token")" "$@" "$url$path"
}
say() { echo "$1 $2" >> "/tmp/said-$FRACTA_AGENT_NAME"; }
)sh";

class CredentialAttack : public StoredCredentialsWorld {
 protected:
  void SetUp() override {
    StoredCredentialsWorld::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    std::ofstream(path("github")) << kGithubSecret;
    std::ofstream(path("gitlab")) << kGitlabSecret;
    github_ = create_credential("hub", "github", path("github"));
    gitlab_ = create_credential("lab", "gitlab", path("gitlab"));
  }
  // What the agent noted under this name.
  std::string said(const std::string& agent, const std::string& name) const {
    for (const auto& line : split(read_tmp("said-" + agent), '\n'))
      if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
    return "";
  }
  void run_agent(const std::string& name, const std::string& credential, const std::string& script) {
    spawn({name, "--credential", credential, "--", "sh", "-c", kAsk + script});
    EXPECT_EQ(wait_for_end(name), 0) << log_of(name);
  }
  std::string github_, gitlab_;
};

TEST_F(CredentialAttack, AnAgentReadsItsOwnAndNobodyElses) {
  run_agent("a", "hub",
            R"(
say own $(ask GET /api/v1/credentials/$own/token); say own-id $(jq -r .credential_id answer)
say alias $(ask GET /api/ambient/v1/projects/x/credentials/$own/token)
say other $(ask GET /api/v1/credentials/)" +
                gitlab_ + R"(/token); say other-body $(cat answer | grep -c glpat)
say other-alias $(ask GET /api/ambient/v1/credentials/)" +
                gitlab_ + R"(/token)
say other-project $(ask GET /api/ambient/v1/projects/x/credentials/)" +
                gitlab_ + R"(/token)
say metadata $(ask GET /api/v1/credentials/)" +
                gitlab_ + R"()
say list $(ask GET /api/v1/credentials); say list-body $(grep -c )" +
                gitlab_ + R"( answer)
say create $(ask POST /api/v1/credentials '' -H 'Content-Type: application/json' -d '{"name":"x","provider":"github","token":"ghp_y"}')
say patch $(ask PATCH /api/v1/credentials/$own '' -H 'Content-Type: application/json' -d '{"token":"z"}')
say delete $(ask DELETE /api/v1/credentials/$own)
say bind $(ask POST /api/v1/credentials/$own/bindings '' -H 'Content-Type: application/json' -d '{"target":"agent/b"}')
say spawn $(ask POST /api/v1/agents '' -H 'Content-Type: application/json' -d '{"task":"evil","credentials":["lab"],"command":["true"]}')
say dots $(ask GET "/api/v1/credentials/$own/../)" +
                gitlab_ + R"(/token" '' --path-as-is)
say encoded $(ask GET "/api/v1/credentials/$own%2f..%2f)" +
                gitlab_ + R"(/token" '' --path-as-is)
say twice $(ask GET "/api/v1/credentials/$own/token" '' -H "Authorization: Bearer x")
say header $(ask GET "/api/v1/credentials/)" +
                gitlab_ +
                R"(/token" '' -H "X-Forwarded-User: admin" -H "Impersonate-User: admin" -H "X-Remote-User: admin")
)");
  EXPECT_EQ(said("a", "own"), "200");
  EXPECT_EQ(said("a", "own-id"), github_);
  EXPECT_EQ(said("a", "alias"), "200");
  for (const char* other : {"other", "other-alias", "other-project", "metadata", "header"})
    EXPECT_THAT(said("a", other), AnyOf("403", "404")) << other;
  EXPECT_EQ(said("a", "other-body"), "0");
  EXPECT_EQ(said("a", "list-body"), "0");
  for (const char* change : {"create", "patch", "delete", "bind", "spawn"})
    EXPECT_THAT(said("a", change), AnyOf("403", "404")) << change;
  for (const char* trick : {"dots", "encoded", "twice"})
    EXPECT_THAT(said("a", trick), AnyOf("400", "403", "404")) << trick;
  EXPECT_EQ(fracta({"credential", "token", github_}).standard_output, std::string(kGithubSecret) + "\n");
}

TEST_F(CredentialAttack, OnlyALivePodsOwnTokenCounts) {
  // An agent that hands its token out and lives on; one that uses it; then its owner ends.
  spawn({"giver", "--credential", "hub", "--", "sh", "-c",
         "cp /var/run/fracta-identity/token /tmp/stolen; until [ -e /tmp/go ]; do sleep 0.1; done"});
  ASSERT_TRUE(eventually([&] { return !read_tmp("stolen").empty(); })) << log_of("giver");
  const auto ask = [&](const std::string& token) {
    return run({"curl", "-sS", "--cacert", path("ca.crt"), "-o", path("answer"), "-w", "%{http_code}", "-H",
                "Authorization: Bearer " + token, server_ + "/api/v1/credentials/" + github_ + "/token"})
        .standard_output;
  };
  const std::string stolen(trim(read_tmp("stolen")));
  EXPECT_EQ(ask(stolen), "200") << "the token is the pod's identity while the pod lives";
  EXPECT_THAT(run({"curl", "-sS", "--cacert", path("ca.crt"), "-o", path("answer"), "-w", "%{http_code}", "-H",
                   "Authorization: Bearer " + stolen, server_ + "/api/v1/credentials/" + gitlab_ + "/token"})
                  .standard_output,
              AnyOf("403", "404"))
      << "and gives no more than that pod has";
  std::string forged = stolen;
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(ask(forged), "401");
  EXPECT_EQ(ask(""), "401");
  // Tokens of the same service account: for another audience, and for none of a pod.
  const auto made = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command{"create", "token", "default", "--duration=10m"};
    command.insert(command.end(), more.begin(), more.end());
    return std::string(trim(kubectl_n(command).standard_output));
  };
  EXPECT_EQ(ask(made({"--audience=somebody-else"})), "401");
  EXPECT_THAT(ask(made({"--audience=fracta"})), AnyOf("401", "403", "404")) << "right audience, but no pod";
  std::ofstream(in_tmp("go")) << "";
  EXPECT_EQ(wait_for_end("giver"), 0);
  EXPECT_TRUE(eventually([&] { return ask(stolen) != "200"; })) << "it has ended";
  EXPECT_THAT(ask(stolen), AnyOf("401", "403", "404"));
}

// A pod that anybody made, with an agent's labels and annotations but not controlled by its Job.
TEST_F(CredentialAttack, APodThatOnlyLooksLikeAnAgentsIsNobody) {
  spawn({"real", "--credential", "hub", "--", "sh", "-c", "until [ -e /tmp/go ]; do sleep 0.1; done"});
  ASSERT_TRUE(eventually([&] { return !read_tmp(".ambient_github_token").empty(); })) << log_of("real");
  Json pod = object("job/fracta-agent-real")["spec"]["template"];
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  pod["metadata"]["name"] = "fracta-agent-real-00000";
  pod["metadata"]["namespace"] = ns_;
  for (const char* label : {"controller-uid", "batch.kubernetes.io/controller-uid"})
    pod["metadata"]["labels"].erase(label);
  pod["spec"]["containers"][0]["command"] = {
      "sh", "-c", "cat /var/run/fracta-identity/token > /tmp/copied; until [ -e /tmp/go ]; do sleep 0.1; done"};
  const auto created = run({"kubectl", "create", "-f", "-"}, pod.dump());
  ASSERT_EQ(created.exit_code, 0) << created.standard_error;
  ASSERT_TRUE(eventually([&] { return !read_tmp("copied").empty(); }));
  const auto status = run({"curl", "-sS", "--cacert", path("ca.crt"), "-o", path("answer"), "-w", "%{http_code}", "-H",
                           "Authorization: Bearer " + std::string(trim(read_tmp("copied"))),
                           server_ + "/api/v1/credentials/" + github_ + "/token"});
  EXPECT_THAT(status.standard_output, AnyOf("401", "403", "404"));
  std::ofstream(in_tmp("go")) << "";
}

TEST_F(CredentialAttack, NamesAreNoPaths) {
  std::ofstream(path("x")) << "ghp_x";
  for (const char* name : {"../../etc/passwd", "a/b", "a\nb", "..", "%2e%2e"}) {
    const auto created =
        fracta({"credential", "create", "--name", name, "--provider", "github", "--token", "@" + path("github")});
    if (created.exit_code != 0) continue;  // refused is as good
    spawn({"n-" + random_hex(3), "--credential", name, "--", "true"});
  }
  EXPECT_NE(fracta({"credential", "get", "../agents"}).exit_code, 0);
  EXPECT_TRUE(eventually([&] { return left().empty(); }));
}

// After a whole run with a talkative agent: no object, log, event, answer or argument list holds a secret, apart from
// the Secrets of the credentials themselves.
TEST_F(CredentialAttack, NothingElseHoldsASecret) {
  spawn(
      {"loud", "--credential", "hub", "--credential", "lab", "--", "sh", "-c",
       "env; cat /tmp/.ambient_github_token; echo; base64 /tmp/.ambient_gitlab_token; echo \"$GITHUB_TOKEN\" | base64; "
       "echo up; until [ -e /tmp/go ]; do sleep 0.1; done; echo \"last words: $GITLAB_TOKEN\" > /dev/termination-log; "
       "exit 3"});
  ASSERT_TRUE(eventually([&] { return log_of("loud").find("up\n") != std::string::npos; })) << log_of("loud");
  std::map<std::string, std::string> places;
  const auto look = [&](const std::string& when) {
    for (const char* kind : {"jobs", "configmaps", "events", "serviceaccounts"})
      places[when + kind] = kubectl_n({"get", kind, "-o", "yaml"}).standard_output;
    // Their status holds what the agent itself wrote as its last words.
    places[when + "pods"] =
        kubectl_n({"get", "pods", "-o", "jsonpath={.items[*].metadata}{.items[*].spec}"}).standard_output;
    for (const auto& name : split(kubectl_n({"get", "secrets", "-o", "name"}).standard_output, '\n')) {
      if (name.empty()) continue;
      const Json secret = object(name);
      if (string_at(secret, "type").starts_with("fracta.io/credential")) continue;
      const Json data = secret.value("data", Json::object());
      std::string text;
      for (const auto& [key, value] : data.items()) text += base64_decode(value.get<std::string>()).value_or("");
      places[when + name] = text + secret.at("metadata").dump();
    }
    places[when + "logs"] = log_of("loud");
    places[when + "describe"] = fracta({"describe", "loud"}).standard_output;
    places[when + "get"] = fracta({"get", "loud", "-o", "json"}).standard_output;
    places[when + "peek"] = fracta({"peek", "loud"}).standard_output;
    places[when + "credentials"] = fracta({"credential", "list", "-o", "json"}).standard_output;
    places[when + "credential"] = fracta({"credential", "get", github_, "-o", "yaml"}).standard_output;
    places[when + "usage"] = fracta({"credential", "usage", github_}).standard_output;
    places[when + "metrics"] = run({"curl", "-ks", server_ + "/metrics"}).standard_output;
    places[when + "openapi"] = run({"curl", "-ks", server_ + "/api/ambient/v1/openapi"}).standard_output;
    places[when + "arguments"] = run({"ps", "-eo", "args"}).standard_output;
  };
  look("while ");
  EXPECT_THAT(places["while logs"], AllOf(HasSubstr("GITHUB_TOKEN="), HasSubstr("[REDACTED]")));
  std::ofstream(in_tmp("go")) << "";
  EXPECT_NE(wait_for_end("loud"), 0);
  look("after ");
  EXPECT_THAT(places["after get"], HasSubstr("last words: [REDACTED]"));
  places["controlplane's own log"] = log("controlplane");
  int found = 0;
  for (const auto& [place, text] : places) {
    EXPECT_NE(text, "") << place;
    for (const char* secret : {kGithubSecret, kGitlabSecret})
      for (const std::string& form : {std::string(secret), base64_encode(secret).substr(0, 36)})
        if (text.find(form) != std::string::npos) {
          ++found;
          ADD_FAILURE() << place << " holds a secret";
        }
  }
  EXPECT_EQ(found, 0);
  EXPECT_THAT(left(), IsEmpty());
}

}  // namespace
}  // namespace fracta::e2e
