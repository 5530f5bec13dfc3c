// What the user may type, and what is wrong usage (exit code 2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/invocation.hpp"
#include "fake_daemon.hpp"

namespace fracta::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

template <class T>
T parsed(const std::vector<std::string>& arguments) {
  auto result = parse(arguments);
  if (auto* invocation = std::get_if<Invocation>(&result))
    if (auto* args = std::get_if<T>(&invocation->verb)) return *args;
  const auto* ended = std::get_if<ParseExit>(&result);
  ADD_FAILURE() << "not parsed as expected: " << (ended != nullptr ? ended->text : "another verb");
  return {};
}

TEST(Parse, WhatNobodyKnowsIsNamedInTheOrderItWasTyped) {
  const auto error = [](const std::vector<std::string>& arguments) {
    auto result = parse(arguments);
    const auto* ended = std::get_if<ParseExit>(&result);
    return ended != nullptr ? ended->text : "parsed";
  };
  EXPECT_EQ(error({"spawn", "a", "b", "c"}),
            "error: unexpected arguments \"b\" \"c\"\nSee 'fracta spawn --help' for usage.\n");
  EXPECT_THAT(error({"spawn", "a", "--runtme", "x"}), HasSubstr("unknown flag: --runtme; did you mean --runtime?"));
  EXPECT_THAT(error({"list", "--tokn=ghp_0123456789abcdefghijABCDEFGHIJ012345"}), Not(HasSubstr("ghp_")));
  EXPECT_THAT(error({"credential", "create", "x", "ghp_0123456789abcdefghijABCDEFGHIJ012345"}),
              AllOf(HasSubstr("unexpected argument"), Not(HasSubstr("ghp_"))));
}

TEST(Parse, SpawnTakesItsNameAsWordOrAsUpstreamsFlag) {
  EXPECT_EQ(parsed<SpawnArgs>({"spawn", "x"}).name, "x");
  EXPECT_EQ(parsed<SpawnArgs>({"spawn", "--task", "x"}).name, "x");
}

TEST(Parse, SpawnWithUpstreamsFlags) {
  const auto args =
      parsed<SpawnArgs>({"spawn", "--task", "t", "--contract", "do it", "--base", "main", "--model", "opus", "--tier",
                         "heavy", "--mode", "stream", "--host-type", "codex", "--dry-run", "--format", "yaml"});
  EXPECT_EQ(args.contract, "do it");
  EXPECT_EQ(args.base, "main");
  EXPECT_EQ(args.model, "opus");
  EXPECT_EQ(args.tier, "heavy");
  EXPECT_EQ(args.mode, "stream");
  EXPECT_EQ(args.runtime, "codex");
  EXPECT_TRUE(args.host_type_used);
  EXPECT_EQ(args.dry_run, "client");
  EXPECT_EQ(args.output, Output::kYaml);
}

TEST(Parse, BareDryRunDoesNotEatTheName) {
  const auto args = parsed<SpawnArgs>({"spawn", "--dry-run", "x"});
  EXPECT_EQ(args.name, "x");
  EXPECT_EQ(args.dry_run, "client");
  EXPECT_EQ(parsed<SpawnArgs>({"spawn", "x", "--dry-run=server"}).dry_run, "server");
  EXPECT_EQ(parsed<SpawnArgs>({"spawn", "x", "--dry-run=none"}).dry_run, "");
}

TEST(Parse, EverythingAfterTheDoubleDashIsTheAgentsCommand) {
  const auto args = parsed<SpawnArgs>(
      {"spawn", "--label", "team=core", "x", "--runtime", "shell", "--", "sh", "-c", "echo --help -o json", "--"});
  EXPECT_EQ(args.name, "x");
  EXPECT_THAT(args.labels, ElementsAre("team=core"));
  EXPECT_THAT(args.command, ElementsAre("sh", "-c", "echo --help -o json", "--"));
  EXPECT_THAT(parsed<AgentRunArgs>({"agent", "run", "--", "claude", "-p", "--version"}).command,
              ElementsAre("claude", "-p", "--version"));
}

TEST(Parse, LabelTakesOneValueEach) {
  const auto args = parsed<SpawnArgs>({"spawn", "-l", "a=1", "-l", "b=2", "x"});
  EXPECT_THAT(args.labels, ElementsAre("a=1", "b=2"));
  EXPECT_EQ(args.name, "x");
}

TEST(Parse, GlobalFlagsMayStandBeforeOrAfterTheVerb) {
  for (const auto& arguments : {std::vector<std::string>{"--server", "http://a:1", "-n", "ns", "list"},
                                std::vector<std::string>{"list", "--server", "http://a:1", "-n", "ns"}}) {
    const auto result = parse(arguments);
    const auto* invocation = std::get_if<Invocation>(&result);
    ASSERT_NE(invocation, nullptr);
    EXPECT_EQ(invocation->client.server, "http://a:1");
    EXPECT_EQ(invocation->client.ns, "ns");
  }
}

TEST(Parse, ConfigValidateServerIsAFlag) {
  const auto args = parsed<ConfigArgs>({"config", "validate", "--server", "--config", "f.yaml", "--strict"});
  EXPECT_TRUE(args.ask_server);
  EXPECT_TRUE(args.strict);
}

TEST(Parse, ControlplaneAndUpstreamsServe) {
  EXPECT_EQ(
      parsed<ControlplaneArgs>({"controlplane", "--config", "f", "--listen", ":0", "--kubeconfig", "k"}).kubeconfig,
      "k");
  EXPECT_EQ(parsed<ControlplaneArgs>({"serve", "--control-plane-api-only", "--config", "f", "--listen", ":1"}).listen,
            ":1");
  const auto outcome = run_cli({"serve", "--gateway-mode"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_THAT(outcome.err, HasSubstr("only `fracta serve --control-plane-api-only --config FILE` is served here"));
}

TEST(Parse, DurationsAreGos) {
  EXPECT_EQ(parsed<WaitArgs>({"wait", "x", "--timeout", "1m30s"}).timeout, std::chrono::seconds{90});
  const auto outcome = run_cli({"wait", "x", "--timeout", "soon"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_THAT(outcome.err, HasSubstr("invalid duration"));
}

class WrongUsage : public ::testing::TestWithParam<std::pair<std::vector<std::string>, std::string>> {};
TEST_P(WrongUsage, IsTwoAndSaysWhy) {
  const auto outcome = run_cli(GetParam().first);
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr(GetParam().second));
}
INSTANTIATE_TEST_SUITE_P(
    Each, WrongUsage,
    ::testing::Values(std::pair{std::vector<std::string>{"spwan", "x"},
                                "unknown command \"spwan\" for \"fracta\"; did you mean \"spawn\"?"},
                      std::pair{std::vector<std::string>{"frobnicate"}, "unknown command \"frobnicate\""},
                      std::pair{std::vector<std::string>{"config", "valdate"}, "did you mean \"validate\"?"},
                      std::pair{std::vector<std::string>{"spawn"}, "(or flag \"task\") not set"},
                      std::pair{std::vector<std::string>{"list", "--frob"}, "--frob"},
                      std::pair{std::vector<std::string>{"list", "-o", "xml"}, "xml"},
                      std::pair{std::vector<std::string>{"logs"}, "NAME"},
                      std::pair{std::vector<std::string>{"spawn", "x", "--tier", "huge"}, "huge"},
                      std::pair{std::vector<std::string>{"list", "--", "x"}, "takes no arguments after --"},
                      std::pair{std::vector<std::string>{"agent"}, "subcommand"},
                      std::pair{std::vector<std::string>{}, "Usage"}));

TEST(Parse, HelpAndVersionAreNoErrors) {
  const auto help = run_cli({"spawn", "--help"});
  EXPECT_EQ(help.code, kExitOk);
  EXPECT_THAT(help.out, HasSubstr("Usage: fracta spawn [OPTIONS]"));
  EXPECT_THAT(help.out, HasSubstr("--active-deadline-seconds"));
  const auto version = run_cli({"--version"});
  EXPECT_EQ(version.code, kExitOk);
  EXPECT_THAT(version.out, ::testing::StartsWith("fracta "));
}

}  // namespace
}  // namespace fracta::cli
