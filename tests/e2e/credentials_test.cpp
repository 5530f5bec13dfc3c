// The page the project starts from, followed word by word: "End-to-end example", "Adding a new auth provider",
// "Diagnostic log line", "Path resolution inside the container"; then the other bindings.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "e2e/tools.hpp"
#include "e2e/world.hpp"

namespace fracta::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The profile as the page prints it, below auth.credentials.profiles.
constexpr const char* kVertexProfile = R"(auth:
  credentials:
    profiles:
      vertex:
        runtime_auth_resolvers:
          vertex_helper:
            type: command
            command: fetch-vertex-token
            ttl_ms: 60000
        env:
          CLAUDE_CODE_USE_VERTEX: "1"
          ANTHROPIC_VERTEX_PROJECT_ID: "my-project"
        default_binding:
          type: claude_api_key_helper
          runtime_auth_resolver: vertex_helper
)";

class Credentials : public World {
 protected:
  void restart_controlplane() {
    controlplane_.reset();
    start_controlplane();
  }
  [[nodiscard]] std::string log_of(const std::string& agent) { return fracta({"logs", agent}).standard_output; }
  void spawn(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "spawn");
    const auto spawned = fracta(arguments);
    ASSERT_EQ(spawned.exit_code, 0) << spawned.standard_error;
  }
  void run_to_end(const std::string& agent) {
    const auto waited = fracta({"wait", agent, "--timeout", "90s"});
    ASSERT_EQ(waited.exit_code, 0) << waited.standard_error << log_of(agent);
  }
};

TEST_F(Credentials, EndToEndExample) {
  // 1. and 2.: a helper, packaged
  write_program("deployment/auth-helpers/fetch-bedrock-token", "#!/bin/sh\necho bedrock-token-1\n");
  write_program("deployment/auth-helpers/README.md", "# comes along, and is no helper\n");
  package_helpers();
  // 3.: referenced from fracta.yaml; 4.: restart
  write_config(kAuthHelpersMount);
  start_controlplane();
  spawn({"hello", "--", "sh", "-c",
         "fetch-bedrock-token; until [ \"$(fetch-bedrock-token)\" = bedrock-token-2 ]; do sleep 0.1; done; "
         "echo now $(fetch-bedrock-token)"});
  ASSERT_TRUE(eventually([&] { return log_of("hello").find("bedrock-token-1\n") != std::string::npos; }))
      << log_of("hello");
  EXPECT_THAT(log_of("hello"),
              HasSubstr("fracta: user-settings.json present=false; auth-helpers=[fetch-bedrock-token]\n"));
  // The helper changes: no image rebuild, and the running agent's next call has the new token.
  write_program("deployment/auth-helpers/fetch-bedrock-token", "#!/bin/sh\necho bedrock-token-2\n");
  package_helpers();
  run_to_end("hello");
  EXPECT_THAT(log_of("hello"), HasSubstr("now bedrock-token-2\n"));
}

TEST_F(Credentials, AddingVertexAiAlongside) {
  write_program("deployment/auth-helpers/fetch-bedrock-token", "#!/bin/sh\necho bedrock\n");
  package_helpers();
  write_config(kAuthHelpersMount);
  start_controlplane();
  // The page's commands, by a shell.
  const auto script = run({"bash", "-ec", R"(
cat > deployment/auth-helpers/fetch-vertex-token <<'EOF'
#!/bin/sh
exec gcloud auth print-access-token \
  --impersonate-service-account="${VERTEX_SA:?VERTEX_SA must be set}"
EOF
chmod +x deployment/auth-helpers/fetch-vertex-token

kubectl create configmap fracta-auth-helpers \
  --from-file=deployment/auth-helpers/ \
  -n )" + ns_ + R"( --dry-run=client -o yaml | kubectl apply -f -
)"});
  ASSERT_EQ(script.exit_code, 0) << script.standard_error;
  write_program("bin/gcloud", "#!/bin/sh\necho \"vertex-token for ${3#*=}\"\n");
  // Stands in for the CLI: asks the helper in its settings for a token, as Claude Code does.
  write_program("bin/claude",
                "#!/bin/sh\nsh -c \"$(sed -n 's/.*\"apiKeyHelper\": \"\\(.*\\)\".*/\\1/p' ~/.claude/settings.json)\"\n"
                "cat ~/.claude/settings.json\necho \"project=$ANTHROPIC_VERTEX_PROJECT_ID\"\n");
  write_config(with_tools(path("bin")),
               "    claude:\n      auth_profile: vertex\n      kubernetes:\n        env:\n"
               "          - {name: PATH, value: \"" +
                   std::string(kToolsPath) +
                   "\"}\n"
                   "          - {name: HOME, value: /workspace/home}\n"
                   "          - {name: VERTEX_SA, value: agent@my-project}\n" +
                   std::string(kVertexProfile));
  restart_controlplane();
  spawn({"v", "--runtime", "claude", "--contract", "Say hello."});
  run_to_end("v");
  const std::string log = log_of("v");
  EXPECT_THAT(
      log,
      HasSubstr("fracta: user-settings.json present=true; auth-helpers=[fetch-bedrock-token,fetch-vertex-token]\n"));
  EXPECT_THAT(log, HasSubstr("vertex-token for agent@my-project\n"));
  EXPECT_THAT(log, HasSubstr("\"CLAUDE_CODE_API_KEY_HELPER_TTL_MS\": \"60000\""));
  EXPECT_THAT(log, HasSubstr("project=my-project\n"));

  const auto diagnosed = fracta({"auth", "diagnose", "--agent", "v"});
  EXPECT_EQ(diagnosed.exit_code, 0) << diagnosed.standard_output << diagnosed.standard_error;
  EXPECT_THAT(diagnosed.standard_output, AllOf(HasSubstr("runtime claude (adapter claude): profile vertex"),
                                               HasSubstr("[warn] the pod was not entered (the agent has ended)"),
                                               HasSubstr("[pass] helper fetch-vertex-token was among the auth-helpers"),
                                               Not(HasSubstr("my-project"))));
}

TEST_F(Credentials, AHelperThatIsNotExecutableIsNamed) {
  write_program("deployment/auth-helpers/fetch-vertex-token", "#!/bin/sh\necho t\n");
  package_helpers();
  std::string extras = kAuthHelpersMount;
  extras.replace(extras.find("          defaultMode: 0755\n"), 28, "");  // forgotten
  write_config(extras, "    sh2:\n      adapter: command\n      auth_profile: vertex\n" + std::string(kVertexProfile));
  start_controlplane();
  spawn({"x", "--runtime", "sh2", "--", "true"});
  run_to_end("x");
  EXPECT_THAT(log_of("x"), AllOf(HasSubstr("fracta: user-settings.json present=true; auth-helpers=[none]\n"),
                                 HasSubstr("not executable, so not used: fetch-vertex-token")));
  const auto diagnosed = fracta({"auth", "diagnose", "--agent", "x"});
  EXPECT_EQ(diagnosed.exit_code, 1);
  EXPECT_THAT(diagnosed.standard_output,
              AllOf(HasSubstr("[FAIL] every helper was executable: fetch-vertex-token"),
                    HasSubstr("[FAIL] helper fetch-vertex-token was among the auth-helpers")));
}

TEST_F(Credentials, DiagnoseEntersTheRunningPod) {
  write_program("deployment/auth-helpers/fetch-vertex-token", "#!/bin/sh\necho very-secret-token-1\n");
  package_helpers();
  write_config(kAuthHelpersMount,
               "    sh2:\n      adapter: command\n      auth_profile: vertex\n" + std::string(kVertexProfile));
  start_controlplane();
  // What the operator has at hand is the thin client's configuration: the profiles are the controlplane's.
  std::filesystem::rename(path("fracta.yaml"), path("server.yaml"));
  std::ofstream(path("fracta.yaml")) << "control_plane_api: {url: \"" << server_ << "\"}\n";
  spawn({"x", "--runtime", "sh2", "--", "sh", "-c",
         "mkdir -p .fracta/auth-helpers; printf '#!/bin/sh\\necho very-secret-own\\n' > "
         ".fracta/auth-helpers/fetch-vertex-token; chmod +x .fracta/auth-helpers/fetch-vertex-token; echo up; "
         "sleep 300"});
  ASSERT_TRUE(eventually([&] { return log_of("x").find("up\n") != std::string::npos; })) << log_of("x");
  const auto diagnosed = fracta({"auth", "diagnose", "--agent", "x", "--run"});
  EXPECT_EQ(diagnosed.exit_code, 0) << diagnosed.standard_output << diagnosed.standard_error;
  EXPECT_THAT(diagnosed.standard_output,
              AllOf(HasSubstr("profiles: the controlplane at http://"),
                    HasSubstr("[pass] it is what ~/.claude/settings.json says"),
                    HasSubstr("/.fracta/auth-helpers/fetch-vertex-token\n"),
                    HasSubstr("it shadows /opt/fracta/auth-helpers/fetch-vertex-token"),
                    HasSubstr("[pass] apiKeyHelper, run in the pod: a token in "), Not(HasSubstr("very-secret"))));
  // The helpers go: the pod of this very moment is looked at, not its first words.
  const auto removed = kubectl_n({"delete", "configmap", "fracta-auth-helpers"});
  ASSERT_EQ(removed.exit_code, 0) << removed.standard_error;
  ASSERT_EQ(
      kubectl_n({"exec", "job/fracta-agent-x", "-c", "agent", "--", "rm", "-r", ".fracta/auth-helpers"}).exit_code, 0);
  write_program("deployment/auth-helpers/fetch-vertex-token", "#!/bin/sh\necho >&2 the role is gone; exit 9\n");
  package_helpers();
  EXPECT_TRUE(eventually([&] {
    return fracta({"auth", "diagnose", "--agent", "x", "--run"})
               .standard_output.find("exit code 9: the role is gone") != std::string::npos;
  })) << fracta({"auth", "diagnose", "--agent", "x", "--run"}).standard_output;
}

TEST_F(Credentials, WorkspaceHelpersShadowTheMountedOnes) {
  write_program("deployment/auth-helpers/fetch-token", "#!/bin/sh\necho mounted\n");
  package_helpers();
  write_config(kAuthHelpersMount);
  start_controlplane();
  spawn({"s", "--", "sh", "-c",
         "fetch-token; mkdir -p .fracta/auth-helpers; printf '#!/bin/sh\\necho own\\n' > "
         ".fracta/auth-helpers/fetch-token; "
         "chmod +x .fracta/auth-helpers/fetch-token; hash -r; fetch-token"});
  run_to_end("s");
  EXPECT_THAT(log_of("s"), HasSubstr("mounted\nown\n"));
}

TEST_F(Credentials, DiagnoseRunsTheHelperWithoutShowingItsToken) {
  write_program("deployment/auth-helpers/fetch-vertex-token", "#!/bin/sh\necho very-secret-token-1\n");
  write_config("", "    claude:\n      auth_profile: vertex\n" + std::string(kVertexProfile));
  const auto good = fracta({"auth", "diagnose", "--runtime", "claude", "--run"});
  EXPECT_EQ(good.exit_code, 0) << good.standard_output << good.standard_error;
  EXPECT_THAT(good.standard_output,
              AllOf(HasSubstr("[pass] helper fetch-vertex-token found: "),
                    HasSubstr("[pass] resolver vertex_helper: a token in "),
                    HasSubstr("ANTHROPIC_VERTEX_PROJECT_ID=<redacted>"), Not(HasSubstr("very-secret"))));
  write_program("deployment/auth-helpers/fetch-vertex-token", "#!/bin/sh\necho very-secret-token-1 >&2; exit 4\n");
  const auto bad = fracta({"auth", "diagnose", "--run"});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.standard_output, AllOf(HasSubstr("[FAIL] resolver vertex_helper after"), HasSubstr("exit code 4"),
                                         Not(HasSubstr("very-secret-token-1"))));
}

std::string bearer_config(const std::string& origin) {
  return "    sh2:\n      adapter: command\n      auth_profile: p\nauth:\n  credentials:\n    profiles:\n      p:\n"
         "        auth_origins:\n" +
         origin;
}

// What a shell makes of a value it must not print: agents' output is redacted, too.
constexpr const char* kFingerprint = " | sha256sum | cut -c1-8";
std::string fingerprint(const std::string& value) { return sha256_hex(value).substr(0, 8); }

TEST_F(Credentials, BearerEnvNeverShowsItsTokenInAnObject) {
  write_program("bin/mint", "#!/bin/sh\necho bearer-token-77\n");
  write_config(
      "", bearer_config("          minted: {type: command_output, scope: any, command: " + path("bin/mint") +
                        ", ttl_ms: 3600000}\n"
                        "        default_binding: {type: bearer_env, auth_origin: minted, env_name: API_TOKEN}\n"));
  start_controlplane();
  const auto spawned = fracta({"spawn", "b", "--runtime", "sh2", "-o", "json", "--", "sh", "-c",
                               "echo it is $API_TOKEN; printf %s \"$API_TOKEN\"" + std::string(kFingerprint)});
  ASSERT_EQ(spawned.exit_code, 0) << spawned.standard_error;
  EXPECT_THAT(spawned.standard_output + spawned.standard_error, HasSubstr("cannot be renewed while the agent runs"));
  run_to_end("b");
  EXPECT_THAT(log_of("b"), AllOf(HasSubstr(fingerprint("bearer-token-77") + "\n"), Not(HasSubstr("bearer-token-77"))));
  for (const char* what : {"job/fracta-agent-b", "configmap/fracta-config-b"})
    EXPECT_THAT(kubectl_n({"get", what, "-o", "yaml"}).standard_output, Not(HasSubstr("bearer-token-77"))) << what;
  EXPECT_THAT(kubectl_n({"get", "pods", "-o", "yaml"}).standard_output, Not(HasSubstr("bearer-token-77")));
  EXPECT_THAT(log("controlplane"), Not(HasSubstr("bearer-token-77")));
}

TEST_F(Credentials, ATokenFileIsRenewedInTheRunningPod) {
  write_program("bin/mint", "#!/bin/sh\ncat " + path("next-token") + "\n");
  std::ofstream(path("next-token")) << "file-token-1\n";
  write_config("", bearer_config("          minted: {type: command_output, scope: any, command: " + path("bin/mint") +
                                 ", ttl_ms: 4000, path: /creds/here/token}\n"
                                 "        default_binding: {type: token_file, auth_origin: minted}\n"));
  start_controlplane();
  spawn({"t", "--runtime", "sh2", "--", "sh", "-c",
         "cat /creds/here/token" + std::string(kFingerprint) +
             "; until grep -q file-token-2 /creds/here/token; do sleep 0.1; done; cat /creds/here/token" +
             kFingerprint});
  ASSERT_TRUE(eventually([&] { return log_of("t").find(fingerprint("file-token-1\n")) != std::string::npos; }))
      << log_of("t");
  // Over a restart: the schedule is the cluster's.
  controlplane_->send(SIGKILL);
  controlplane_->wait(std::chrono::seconds{5});
  std::ofstream(path("next-token")) << "file-token-2\n";
  start_controlplane();
  run_to_end("t");
  EXPECT_THAT(log_of("t"), HasSubstr(fingerprint("file-token-2\n")));
}

TEST_F(Credentials, AFailingOriginRefusesTheSpawnInClearWords) {
  write_program("bin/mint", "#!/bin/sh\necho 'no session for AKIAIOSFODNN7EXAMPLE' >&2\nexit 9\n");
  write_config("", bearer_config("          minted: {type: command_output, scope: any, command: " + path("bin/mint") +
                                 "}\n        default_binding: {type: bearer_env, auth_origin: minted, env_name: T}\n"));
  start_controlplane();
  const auto spawned = fracta({"spawn", "f", "--runtime", "sh2", "--", "true"});
  EXPECT_EQ(spawned.exit_code, 1);
  EXPECT_THAT(
      spawned.standard_error,
      AllOf(HasSubstr("required source \"minted\" failed: command \"mint\" ended with exit code 9: no session for "),
            Not(HasSubstr("AKIAIOSFODNN7EXAMPLE"))));
  EXPECT_EQ(kubectl_n({"get", "jobs,secrets", "-o", "name"}).standard_output, "");
}

}  // namespace
}  // namespace fracta::e2e
