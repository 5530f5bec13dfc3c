// Tokens from files and plug-ins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "fracta/base/file.hpp"
#include "fracta/base/time.hpp"
#include "kube/exec_credential.hpp"
#include "kube/token_source.hpp"

namespace fracta::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class TokenFile : public ::testing::Test {
 protected:
  void write(const std::string& text) { ASSERT_TRUE(write_file_atomic(path_, text)); }
  static std::string get(TokenSource& source) {
    auto token = source.token({});
    return token ? *token : "error: " + token.error().message;
  }
  TemporaryDirectory directory_ = *TemporaryDirectory::create();
  std::string path_ = directory_ / "token";
  FakeClock clock_;
};

TEST_F(TokenFile, IsReadAgainEveryMinuteLessTenSeconds) {
  write("one\n");
  auto source = file_token(path_, "", clock_);
  EXPECT_EQ(get(*source), "one");
  write("two");
  clock_.advance(49s);
  EXPECT_EQ(get(*source), "one");
  clock_.advance(1s);
  EXPECT_EQ(get(*source), "two");
}

TEST_F(TokenFile, TheLastGoodTokenStaysWhenTheFileIsBad) {
  write("one");
  auto source = file_token(path_, "", clock_);
  EXPECT_EQ(get(*source), "one");
  for (std::string bad : {"", " \n", "hunter2\nhunter3"}) {
    write(bad);
    clock_.advance(1min);
    EXPECT_EQ(get(*source), "one");
  }
  std::filesystem::remove(path_);
  clock_.advance(1min);
  EXPECT_EQ(get(*source), "one");
  write("two");
  clock_.advance(1min);
  EXPECT_EQ(get(*source), "two");
}

TEST_F(TokenFile, WithoutAGoodTokenTheErrorNamesTheFileAndNotItsContent) {
  auto source = file_token(path_, "", clock_);
  EXPECT_THAT(get(*source), HasSubstr(path_));
  write("hunter2\nhunter3");
  EXPECT_THAT(get(*source), AllOf(HasSubstr(path_), HasSubstr("control character"), Not(HasSubstr("hunter"))));
  write("one");
  EXPECT_EQ(get(*source), "one") << "read at once: nothing good was cached";
}

TEST_F(TokenFile, A401DropsOnlyTheTokenThatWasRefused) {
  write("one");
  auto source = file_token(path_, "", clock_);
  EXPECT_EQ(get(*source), "one");
  write("two");
  source->invalidate("older");
  EXPECT_EQ(get(*source), "one");
  source->invalidate("one");
  EXPECT_EQ(get(*source), "two");
}

// A plug-in that answers from a list; counts its runs.
struct FakePlugin {
  std::vector<std::string> outputs;
  std::size_t runs = 0;
  CommandOptions last;
  Result<CommandResult> operator()(const CommandOptions& options) {
    last = options;
    CommandResult result;
    result.standard_output = outputs.at(std::min(runs, outputs.size() - 1));
    ++runs;
    return result;
  }
};

std::string credential(const std::string& status) {
  return R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":)" + status + "}";
}

class ExecPlugin : public ::testing::Test {
 protected:
  ExecPlugin() {
    options_.api_version = "client.authentication.k8s.io/v1";
    options_.argv = {"get-token", "--cluster", "c"};
    options_.env = {{"REGION", "x"}};
    options_.place = R"(kubeconfig /p: users["u"].user.exec)";
    options_.run = std::ref(plugin_);
  }
  std::string get(TokenSource& source) {
    auto token = source.token({});
    return token ? *token : "error: " + token.error().message;
  }
  FakeClock clock_;
  FakePlugin plugin_;
  ExecOptions options_;
};

TEST_F(ExecPlugin, RunsOnceUntilTheTokenIsAboutToExpire) {
  const auto expires = format_rfc3339(clock_.system_now() + 100s);
  plugin_.outputs = {credential(R"({"token":"one","expirationTimestamp":")" + expires + "\"}"),
                     credential(R"({"token":"two"})")};
  auto source = exec_token(options_, clock_);
  EXPECT_EQ(plugin_.runs, 0u) << "only when needed";
  EXPECT_EQ(get(*source), "one");
  clock_.advance(89s);
  EXPECT_EQ(get(*source), "one");
  EXPECT_EQ(plugin_.runs, 1u);
  clock_.advance(1s);
  EXPECT_EQ(get(*source), "two");
  clock_.advance(1000h);
  EXPECT_EQ(get(*source), "two") << "no expiration: until a 401";
  source->invalidate("one");
  EXPECT_EQ(get(*source), "two");
  EXPECT_EQ(plugin_.runs, 2u);
  source->invalidate("two");
  EXPECT_EQ(get(*source), "two");
  EXPECT_EQ(plugin_.runs, 3u);
}

TEST_F(ExecPlugin, GetsItsArgumentsEnvironmentAndExecInfo) {
  plugin_.outputs = {credential(R"({"token":"t"})")};
  options_.cluster_json = R"({"server":"https://h"})";
  auto source = exec_token(options_, clock_);
  EXPECT_EQ(get(*source), "t");
  EXPECT_EQ(plugin_.last.argv, options_.argv);
  EXPECT_THAT(*plugin_.last.environment, ::testing::Contains("REGION=x"));
  EXPECT_THAT(*plugin_.last.environment,
              ::testing::Contains(
                  R"(KUBERNETES_EXEC_INFO={"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",)"
                  R"("spec":{"cluster":{"server":"https://h"},"interactive":false}})"));
  EXPECT_THAT(*plugin_.last.environment, ::testing::Contains(HasSubstr("PATH="))) << "ours is inherited";
}

TEST_F(ExecPlugin, HostileOutputIsAnErrorThatDoesNotQuoteIt) {
  for (
      const auto& output : std::vector<std::string>{
          "", "hunter2", "[]", "{}", R"({"kind":"Pod"})", credential("null"), credential("{}"),
          credential(R"({"token":7})"), credential(R"({"token":"hunter2\nX: y"})"),
          credential(R"({"token":"hunter2","expirationTimestamp":"soon"})"),
          credential(R"({"token":"hunter2","expirationTimestamp":7})"), credential(R"({"token":"hunter2")"),
          std::string(100'000, '['),
          R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"hunter2"}})"}) {
    auto parsed = parse_exec_credential(output, "client.authentication.k8s.io/v1");
    ASSERT_FALSE(parsed) << output.substr(0, 60);
    EXPECT_THAT(parsed.error().message, Not(HasSubstr("hunter2")));
  }
}

TEST_F(ExecPlugin, AClientCertificateIsRefusedWithTheRemedy) {
  auto parsed = parse_exec_credential(credential(R"({"clientCertificateData":"c","clientKeyData":"k"})"),
                                      "client.authentication.k8s.io/v1");
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("client certificate, which is not supported; use"));
}

TEST_F(ExecPlugin, AFailureIsNotRepeatedForEachRequest) {
  plugin_.outputs = {"broken", credential(R"({"token":"t"})")};
  auto source = exec_token(options_, clock_);
  EXPECT_THAT(get(*source),
              HasSubstr(R"(kubeconfig /p: users["u"].user.exec: plug-in "get-token": its output is no JSON object)"));
  EXPECT_THAT(get(*source), HasSubstr("error"));
  EXPECT_EQ(plugin_.runs, 1u);
  clock_.advance(1s);
  EXPECT_EQ(get(*source), "t");
}

// Real programs from here on.
class ExecProgram : public ExecPlugin {
 protected:
  std::string script(const std::string& text) {
    const std::string path = directory_ / "plugin";
    EXPECT_TRUE(write_file_atomic(path, "#!/bin/sh\n" + text, {.mode = 0700}));
    return path;
  }
  std::string run(std::vector<std::string> argv) {
    options_.argv = std::move(argv);
    options_.run = run_command;
    auto source = exec_token(options_, clock_);
    return get(*source);
  }
  TemporaryDirectory directory_ = *TemporaryDirectory::create();
};

TEST_F(ExecProgram, AnswersWithAToken) {
  const auto path = script(R"(case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 9;; esac
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s-%s-%s"}}' "$1" "$2" "$REGION"
)");
  EXPECT_EQ(run({path, "a b", "$HOME"}),
            "error: "
            R"(kubeconfig /p: users["u"].user.exec: plug-in ")" +
                path + R"(": status.token: holds a space or control character, which no token does)");
  EXPECT_EQ(run({path, "a", "$HOME"}), "a-$HOME-x") << "no shell in between";
}

TEST_F(ExecProgram, FailureShowsItsStandardErrorAndNotItsOutput) {
  const auto said = run({script("echo 'session expired, run x login' >&2; echo hunter2; exit 3\n")});
  EXPECT_THAT(said, AllOf(HasSubstr("exit code 3: session expired, run x login"), Not(HasSubstr("hunter2"))));
}

TEST_F(ExecProgram, AMissingProgramShowsTheInstallHint) {
  options_.install_hint = "Install it with: apt install get-token";
  const auto said = run({"fracta-no-such-plugin"});
  EXPECT_THAT(said, AllOf(HasSubstr("fracta-no-such-plugin"), HasSubstr("Install it with: apt install get-token")));
}

TEST_F(ExecProgram, EndlessOutputIsCut) {
  EXPECT_THAT(run({script("while :; do echo hunter2hunter2hunter2hunter2hunter2; done\n")}),
              AllOf(HasSubstr("error: "), Not(HasSubstr("hunter2"))));
}

TEST_F(ExecProgram, StopEndsARunningPlugin) {
  options_.argv = {script("exec sleep 600\n")};
  options_.run = run_command;
  auto source = exec_token(options_, clock_);
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  auto token = source->token(stop.get_token());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, ErrorCode::kCanceled);
}

}  // namespace
}  // namespace fracta::kube
