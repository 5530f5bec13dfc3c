// fracta auth diagnose: what it says about plans and pods, its exit codes, and no value on the screen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/auth_diagnosis.hpp"
#include "fake_daemon.hpp"
#include "fracta/base/file.hpp"

namespace fracta::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kConfig = R"(runtime: {backend: kubernetes, kubernetes: {image: i}}
auth:
  credentials:
    profiles:
      p:
        auth_origins:
          minted: {type: command_output, scope: any, command: [sh, -c, "echo minted-value-1"], path: /creds/token, ttl_ms: 60000}
          later: {type: command_output, scope: agent_runtime, command: x, required: false}
        runtime_auth_resolvers:
          helper: {type: command, command: "echo helper-value-1", ttl_ms: 60000}
        env: {REGION: secret-region}
        default_binding: {type: claude_api_key_helper, runtime_auth_resolver: helper}
        assertions: {require_env: [REGION, MISSING], warn_if_missing_env: [WISH]}
agents:
  agent_runtimes:
    claude: {auth_profile: p, kubernetes: {env: [{name: OWN, value: own-value-1}, {name: OWN_TOKEN, value: own-value-1}]}}
    plain: {adapter: command}
)";

class AuthDiagnose : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create();
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    file_ = *directory_ / "fracta.yaml";
    std::ofstream(file_) << kConfig;
  }
  Outcome diagnose(std::vector<std::string> more = {}, const std::string& server = "") {
    more.insert(more.begin(), {"auth", "diagnose", "--config", file_});
    return run_cli(more, server, "", {{"PATH", "/usr/bin:/bin"}});
  }
  Outcome diagnose_log(const std::string& log) {
    FakeDaemon daemon;
    daemon.on("GET", "/api/v1/agents/{name}", [](const net::ServerRequest&) {
      return net::ServerResponse::json(200, dump_json({{"agent", agent_info("a1", "Running")}}));
    });
    daemon.on("GET", "/api/v1/agents/{name}/logs", [log](const net::ServerRequest&) {
      return net::ServerResponse::json(200, dump_json({{"output", log}}));
    });
    daemon.start();
    return diagnose({"--agent", "a1", "--kubeconfig", *directory_ / "no-kubeconfig"}, daemon.url());
  }
  std::optional<TemporaryDirectory> directory_;
  std::string file_;
};

TEST_F(AuthDiagnose, ShowsThePlanWithoutValues) {
  const auto outcome = diagnose();
  EXPECT_EQ(outcome.code, 1);  // MISSING
  EXPECT_THAT(
      outcome.out,
      AllOf(HasSubstr("runtime claude (adapter claude): profile p"),
            HasSubstr("auth_origin minted: command_output, scope any, prepare_now, file /creds/token"),
            HasSubstr("auth_origin later: command_output, scope agent_runtime, runtime_only, not delivered, optional"),
            HasSubstr("[pass] require_env REGION"), HasSubstr("[FAIL] require_env MISSING: is not set or empty"),
            HasSubstr("[warn] warn_if_missing_env WISH"), HasSubstr("REGION=<redacted>"), HasSubstr("OWN=<redacted>"),
            HasSubstr("OWN_TOKEN=<Secret fracta-auth-<agent>, key env.OWN_TOKEN>"),
            HasSubstr("[pass] helper echo found: /usr/bin/echo")));
  EXPECT_THAT(outcome.out, AllOf(Not(HasSubstr("secret-region")), Not(HasSubstr("value-1"))));
}

TEST_F(AuthDiagnose, RunReportsDurationAndLifeOnly) {
  const auto outcome = diagnose({"--run"});
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("[pass] resolver helper: a token in "),
                                 HasSubstr("[pass] auth_origin minted: a token in "), HasSubstr("valid until 20"),
                                 Not(HasSubstr("value-1"))));
}

TEST_F(AuthDiagnose, RunRefusesWhatASpawnWouldRefuse) {
  std::ofstream(file_) << R"(runtime: {backend: kubernetes, kubernetes: {image: i}}
auth: {credentials: {profiles: {p: {
  auth_origins: {o: {type: command_output, scope: any, command: [printf, "\\377tok"]}},
  default_binding: {type: bearer_env, auth_origin: o, env_name: T}}}}}
agents: {agent_runtimes: {claude: {auth_profile: p}}}
)";
  const auto outcome = diagnose({"--run"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("[FAIL] auth_origin o after "));
  EXPECT_THAT(outcome.out, HasSubstr("what it printed is no UTF-8 text"));
}

TEST_F(AuthDiagnose, ARuntimeWithoutProfileIsNoError) {
  const auto outcome = diagnose({"--runtime", "plain"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("no auth_profile"));
  EXPECT_EQ(diagnose({"--runtime", "ghost"}).code, 1);
}

TEST_F(AuthDiagnose, APodThatCannotBeEnteredIsSaidAndItsLogIsRead) {
  EXPECT_THAT(diagnose_log("fracta: user-settings.json present=true; auth-helpers=[echo,other]\nhello\n").out,
              AllOf(HasSubstr("[warn] the pod was not entered ("), HasSubstr("[pass] user-settings.json was there"),
                    HasSubstr("[pass] helper echo was among the auth-helpers")));
  EXPECT_THAT(
      diagnose_log(
          "fracta: user-settings.json present=false; auth-helpers=[none]\n"
          "fracta: auth-helpers not executable, so not used: echo (a ConfigMap volume needs defaultMode: 0755)\n")
          .out,
      AllOf(HasSubstr("[FAIL] user-settings.json was there"), HasSubstr("[FAIL] every helper was executable: echo"),
            HasSubstr("[FAIL] helper echo was among the auth-helpers")));
  EXPECT_THAT(diagnose_log("").out, HasSubstr("[FAIL] the agent's log has no diagnostic line"));
  EXPECT_THAT(diagnose_log("unable to retrieve container logs for containerd://8acbf26a6313").out,
              HasSubstr("[FAIL] the agent's log is still on its node: it was removed"));
}

// The scaffold's fracta.yaml is the command line's own and has no profiles; the controlplane knows them.
TEST_F(AuthDiagnose, WithoutProfilesHereTheControlplaneIsAsked) {
  FakeDaemon daemon;
  daemon.answer(
      "GET", "/api/v1/auth/plans", 200,
      {{"runtimes",
        {{{"runtime", "claude"},
          {"title", "runtime claude (adapter claude): profile vertex"},
          {"has_plan", true},
          {"helper", "no-such-helper"},
          {"findings", {{{"kind", "fail"}, {"text", "require_env X"}, {"remedy", "is not set or empty"}}}}}}}});
  daemon.start();
  std::ofstream(file_) << "control_plane_api: {url: \"" << daemon.url() << "\"}\n";
  const auto outcome = diagnose({"--runtime", "claude"});
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("profiles: the controlplane at http://127.0.0.1:"),
                                 HasSubstr("runtime claude (adapter claude): profile vertex"),
                                 HasSubstr("[FAIL] require_env X: is not set or empty"),
                                 HasSubstr("[warn] helper no-such-helper is not on this machine")));
  EXPECT_EQ(daemon.requests().at(0).query_parameter("runtime"), "claude");
  EXPECT_THAT(diagnose({"--run"}).out, HasSubstr("[FAIL] run: only the controlplane has this configuration"));
}

TEST_F(AuthDiagnose, NeitherFilesNorAControlplaneIsAnError) {
  std::ofstream(file_) << "control_plane_api: {url: \"http://127.0.0.1:1\"}\n";
  const auto outcome = diagnose();
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("no file here has credential profiles"));
}

TEST_F(AuthDiagnose, WhatIsFoundInsideThePodIsJudged) {
  credentials::Diagnosis plan;
  plan.has_plan = plan.wants_settings = true;
  plan.helper = "fetch-token";
  const auto judged = [&](const Json& found) {
    std::ostringstream out;
    Diagnosis diagnosis(out);
    diagnose_pod(plan, found, diagnosis);
    return out.str() + (diagnosis.failed() ? "failed" : "fine");
  };
  Json found{{"helpers", {"fetch-token"}},
             {"settings",
              {{"projected", true},
               {"installed", true},
               {"current", true},
               {"helper", "fetch-token"},
               {"helper_path", "/w/.fracta/auth-helpers/fetch-token"},
               {"helper_shadows", {"/opt/fracta/auth-helpers/fetch-token"}}}},
             {"files", {{{"path", "/creds/token"}, {"size", 12}, {"age_seconds", 90}}}},
             {"run", {{"ok", true}, {"duration_ms", 7}, {"expires_at", "2026-01-01T00:01:00Z"}}}};
  EXPECT_EQ(judged(found),
            "  in the pod: auth-helpers=[fetch-token]\n"
            "  [pass] user-settings.json is there\n"
            "  [pass] it is what ~/.claude/settings.json says\n"
            "  [pass] helper fetch-token is on the agent's PATH: /w/.fracta/auth-helpers/fetch-token\n"
            "         it shadows /opt/fracta/auth-helpers/fetch-token\n"
            "  [pass] token file /creds/token: 12 bytes, written 90s ago\n"
            "  [pass] apiKeyHelper, run in the pod: a token in 7 ms, valid until 2026-01-01T00:01:00Z\n"
            "fine");
  found["helpers"] = Json::array();
  found["not_executable"] = {"fetch-token"};
  found["settings"]["helper_path"] = "";
  found["settings"]["current"] = false;
  found["files"] = Json::array({{{"path", "/creds/token"}, {"error", "No such file or directory"}}});
  found["run"] = {{"ok", false}, {"duration_ms", 3}, {"error", "exit code 127: not found"}};
  EXPECT_THAT(
      judged(found),
      AllOf(HasSubstr("[FAIL] every helper is executable: fetch-token (a ConfigMap volume needs defaultMode: 0755)"),
            HasSubstr("[FAIL] it is what ~/.claude/settings.json says: the agent has changed its settings"),
            HasSubstr("[FAIL] helper fetch-token is on the agent's PATH: package it into"),
            HasSubstr("[FAIL] token file /creds/token: No such file"),
            HasSubstr("[FAIL] apiKeyHelper, run in the pod, after 3 ms: exit code 127: not found"),
            ::testing::EndsWith("failed")));
}

TEST_F(AuthDiagnose, AnAgentThatIsNotThereIsOne) {
  FakeDaemon daemon;
  daemon.start();
  EXPECT_EQ(diagnose({"--agent", "ghost"}, daemon.url()).code, 1);
}

TEST_F(AuthDiagnose, ConfigValidateTellsPlansThatCannotBeMade) {
  std::ofstream(file_) << R"(runtime: {backend: kubernetes, kubernetes: {image: i}}
auth: {credentials: {profiles: {p: {env: {A: b}}}}}
agents: {agent_runtimes: {claude: {auth_profile: p}}}
)";
  const auto outcome = run_cli({"config", "validate", "--config", file_});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err,
              HasSubstr("warning: agents.agent_runtimes.claude: agents of this runtime cannot start: credential "
                        "profile \"p\": no binding"));
}

}  // namespace
}  // namespace fracta::cli
