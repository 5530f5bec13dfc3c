// Whole runs of agents with stored credentials: a controlplane in a process of its own, a runner in another, a real
// child. They talk through files, as neither process may have had threads when it was forked.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <nlohmann/json.hpp>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/http_server.hpp"
#include "fracta/runner/runner.hpp"

namespace fracta::runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

namespace fs = std::filesystem;

template <class Condition>
bool eventually(const Condition& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    wait_for(std::stop_token{}, std::chrono::milliseconds{10});
  }
  return condition();
}

class CredentialRun : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create("fracta-run-");
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    for (const char* name : {"work", "home", "private", "answers"}) fs::create_directories(path(name));
    chmod(path("private").c_str(), 0700);
    std::ofstream(path("token")) << "pod-token";
    std::ofstream(path("termination-log")) << "";
    std::fflush(nullptr);
    server_ = fork();
    if (server_ == 0) serve();
    ASSERT_TRUE(eventually([&] { return !text("port").empty(); }));
    add("k1", "prod", "kubeconfig");
  }
  void TearDown() override {
    if (runner_ > 0) kill(runner_, SIGKILL), waitpid(runner_, nullptr, 0);
    kill(server_, SIGKILL);
    waitpid(server_, nullptr, 0);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return *directory_ / name; }
  [[nodiscard]] std::string text(const std::string& name) const { return read_file(path(name)).value_or(""); }
  [[nodiscard]] std::string kubeconfig() const { return path("private/kubeconfig"); }
  [[nodiscard]] std::string output() const { return text("out"); }
  [[nodiscard]] std::string said() const { return text("err"); }

  void add(const std::string& id, const std::string& name, const std::string& provider) {
    bound_.push_back({{"id", id}, {"name", name}, {"provider", provider}});
  }
  // What the controlplane says from now on about this credential.
  void answer(const std::string& id, int status, const Json& body) const {
    const Json entry = {{"status", status}, {"body", body.is_string() ? body.get<std::string>() : body.dump()}};
    ASSERT_TRUE(write_file_atomic(path("answers/" + id), entry.dump()).ok());
  }
  void give(const std::string& id, const std::string& provider, const std::string& token, const Json& more = {}) const {
    Json body = {{"credential_id", id}, {"provider", provider}, {"token", token}};
    if (more.is_object()) body.update(more);
    answer(id, 200, body);
  }

  void start(const std::string& script, const std::function<void()>& prepare = {}) {
    const Json manifest = {
        {"version", 1},
        {"controlplane", {{"url", "http://127.0.0.1:" + text("port")}, {"ca", ""}}},
        {"token_file", path("token")},
        {"paths", {{"kubeconfig", kubeconfig()}, {"directory", path("private")}, {"workspace", path("private/ws")}}},
        {"credentials", bound_}};
    std::ofstream(path("credentials.json")) << manifest.dump();
    for (const char* name : {"out", "err"}) fs::remove(path(name));
    std::fflush(nullptr);
    runner_ = fork();
    if (runner_ != 0) return;
    alarm(60);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    redirect("out", STDOUT_FILENO);
    redirect("err", STDERR_FILENO);
    setenv("HOME", path("home").c_str(), 1);
    if (chdir(path("work").c_str()) != 0) _exit(99);
    if (prepare) prepare();
    RunOptions options;
    options.command = {"sh", "-c", script};
    options.credential_manifest = path("credentials.json");
    options.termination_log = path("termination-log");
    options.credentials = timings_;
    _exit(run_agent(options));
  }
  int end() {
    int status = 0;
    waitpid(std::exchange(runner_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  int run(const std::string& script, const std::function<void()>& prepare = {}) {
    start(script, prepare);
    return end();
  }
  [[nodiscard]] std::vector<std::string> left() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(path("private")))
      if (!entry.is_directory()) out.push_back(entry.path().filename());
    return out;
  }

  std::optional<TemporaryDirectory> directory_;
  CredentialTimings timings_{.attempt = std::chrono::milliseconds{2'000},
                             .total = std::chrono::milliseconds{3'000},
                             .poll = std::chrono::milliseconds{100},
                             .retry = {.initial = std::chrono::milliseconds{50},
                                       .maximum = std::chrono::milliseconds{200},
                                       .factor = 2.0,
                                       .jitter = 0.5}};
  Json bound_ = Json::array();
  pid_t runner_ = 0;

 private:
  void redirect(const std::string& name, int target) const {
    const int file = open(path(name).c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_APPEND, 0600);
    dup2(file, target);
    close(file);
  }
  [[noreturn]] void serve() const {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto server = net::HttpServer::create({}, [this](const net::ServerRequest& request) {
      const std::string id = request.segments.size() == 5 ? request.segments[3] : "";
      static std::mutex mutex;
      {
        std::lock_guard lock(mutex);
        std::ofstream(path("requests"), std::ios::app) << request.target << "\n";
      }
      if (request.headers.get("Authorization") != "Bearer pod-token") return net::ServerResponse::json(401, "{}");
      const auto entry = parse_json(text("answers/" + id));
      if (!entry) return net::ServerResponse::json(503, "{\"reason\":\"not ready\"}");
      const std::string body = string_at(*entry, "body");
      const std::string etag = "\"" + sha256_hex(body).substr(0, 16) + "\"";
      if (request.headers.get("If-None-Match") == etag) return net::ServerResponse::json(304, "");
      auto response = net::ServerResponse::json(static_cast<int>(int_at(*entry, "status").value_or(500)), body);
      response.headers.add("ETag", etag);
      return response;
    });
    if (!server) _exit(1);
    (*server)->start();
    (void)write_file_atomic(path("port"), std::to_string((*server)->port()));
    while (true) pause();
  }
  pid_t server_ = 0;
};

constexpr const char* kShow =
    "stat -c '%a %F' \"$KUBECONFIG\"; echo \"at $KUBECONFIG\"; cat \"$KUBECONFIG\"; echo; echo \"gh $GITHUB_TOKEN\"";

TEST_F(CredentialRun, TheChildSeesFileAndVariablesAndNothingIsLeft) {
  add("g1", "bot", "github");
  give("k1", "kubeconfig", "kubeconfig-text");
  give("g1", "github", "ghp_value");
  EXPECT_EQ(run(kShow), 0) << said();
  EXPECT_THAT(output(), AllOf(HasSubstr("600 regular file\nat " + kubeconfig() + "\nkubeconfig-text\n"),
                              HasSubstr("gh ghp_value\n")));
  EXPECT_TRUE(left().empty()) << left().front();
  EXPECT_THAT(said(), AllOf(HasSubstr("fracta: credential \"prod\" (kubeconfig): " + kubeconfig() + ", KUBECONFIG\n"),
                            HasSubstr("GITHUB_TOKEN"), Not(HasSubstr("kubeconfig-text")), Not(HasSubstr("ghp_value"))));
  EXPECT_THAT(said(), StartsWith("fracta: user-settings.json present=false; auth-helpers=[none]\n"));
}

TEST_F(CredentialRun, WithoutAManifestNothingChanges) {
  RunOptions none;
  EXPECT_EQ(none.credential_manifest, "/etc/fracta/credentials.json");
  bound_ = Json::array();
  start("true", [this] { fs::remove(path("credentials.json")); });
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(said(), "fracta: user-settings.json present=false; auth-helpers=[none]\n");
}

TEST_F(CredentialRun, AMissingOneStopsTheStartByNameAndTheOthersWereAskedFor) {
  add("g1", "bot", "github");
  add("j1", "tickets", "jira");
  give("k1", "kubeconfig", "kubeconfig-text");
  answer("g1", 404, {{"reason", "no credential g1"}});
  answer("j1", 403, {{"reason", "not bound to this agent"}});
  EXPECT_EQ(run("echo started"), kExitCredentials);
  EXPECT_EQ(output(), "");
  const auto both = AllOf(HasSubstr("credential \"bot\" (github): "), HasSubstr("404 Not Found: no credential g1"),
                          HasSubstr("credential \"tickets\" (jira): "), HasSubstr("not bound to this agent"),
                          Not(HasSubstr("kubeconfig-text")));
  EXPECT_THAT(said(), both);
  EXPECT_THAT(text("termination-log"), both) << "what `fracta get` shows as the reason";
  EXPECT_THAT(text("requests"), HasSubstr("/credentials/k1/token"));
  EXPECT_TRUE(left().empty());
}

TEST_F(CredentialRun, AControlplaneThatComesUpLateIsWaitedFor) {
  start("cat \"$KUBECONFIG\"");
  ASSERT_TRUE(eventually([&] { return text("requests").size() > 60; }));  // it has been refused more than once
  give("k1", "kubeconfig", "late");
  EXPECT_EQ(end(), 0) << said();
  EXPECT_EQ(output(), "late");
}

TEST_F(CredentialRun, AControlplaneThatStaysAwayEndsTheStart) {
  timings_.total = std::chrono::milliseconds{1'000};
  EXPECT_EQ(run("echo started"), kExitCredentials);
  EXPECT_THAT(said(),
              AllOf(HasSubstr("503 Service Unavailable: not ready; trying for 1 s\n"), HasSubstr("(tried for 1 s)")));
  EXPECT_LT(text("requests").size(), 40u * 60u) << "with pauses in between";
}

TEST_F(CredentialRun, ATermWhileFetchingEndsItAtOnce) {
  timings_.total = std::chrono::milliseconds{30'000};
  start("echo started");
  ASSERT_TRUE(eventually([&] { return !text("requests").empty(); }));
  kill(runner_, SIGTERM);
  EXPECT_EQ(end(), 128 + SIGTERM);
  EXPECT_EQ(output(), "");
  EXPECT_TRUE(left().empty());
}

TEST_F(CredentialRun, RotationReachesTheFileWhileTheChildRuns) {
  give("k1", "kubeconfig", "first");
  start("cat \"$KUBECONFIG\"; until grep -q second \"$KUBECONFIG\"; do sleep 0.02; done; stat -c %a \"$KUBECONFIG\"");
  ASSERT_TRUE(eventually([&] { return output() == "first"; })) << said();
  give("k1", "kubeconfig", "second");
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(output(), "first600\n");
  EXPECT_THAT(said(), HasSubstr("credential \"prod\" (kubeconfig): changed; written to " + kubeconfig()));
  EXPECT_TRUE(left().empty());
}

// A reader never sees half a file, whenever it looks.
TEST_F(CredentialRun, RotationIsAtomic) {
  const std::string a(200'000, 'a'), b(200'000, 'b');
  timings_.poll = std::chrono::milliseconds{1};
  give("k1", "kubeconfig", a);
  start(
      "for i in $(seq 300); do sort -u \"$KUBECONFIG\" | cut -c1-3; done | sort -u; echo; for i in $(seq 200); do wc "
      "-c < \"$KUBECONFIG\"; done | sort -u");
  for (int i = 0; i < 40; ++i) {
    give("k1", "kubeconfig", i % 2 == 0 ? b : a);
    wait_for(std::stop_token{}, std::chrono::milliseconds{20});
  }
  EXPECT_EQ(end(), 0);
  EXPECT_THAT(output(), testing::AnyOf(testing::Eq("aaa\nbbb\n\n200000\n"), testing::Eq("aaa\n\n200000\n"),
                                       testing::Eq("bbb\n\n200000\n")));
}

TEST_F(CredentialRun, AVariableThatChangedIsSaidToBeOld) {
  bound_ = Json::array();
  add("j1", "tickets", "jira");
  give("j1", "jira", "api-token-1", {{"url", "https://j.example"}, {"email", "a@b.example"}});
  start("echo \"$JIRA_API_TOKEN\"; until [ -e ../go ]; do sleep 0.02; done");
  ASSERT_TRUE(eventually([&] { return output() == "api-token-1\n"; }));
  give("j1", "jira", "api-token-2", {{"url", "https://j.example"}, {"email", "a@b.example"}});
  EXPECT_TRUE(eventually([&] {
    return said().find("changed; JIRA_API_TOKEN keep their values until the agent is started again") !=
           std::string::npos;
  })) << said();
  std::ofstream(path("go")) << "";
  EXPECT_EQ(end(), 0);
}

TEST_F(CredentialRun, ARevokedOneIsTakenAwayAndMayComeBack) {
  give("k1", "kubeconfig", "first");
  start(
      "until [ ! -e \"$KUBECONFIG\" ]; do sleep 0.02; done; echo gone; until [ -e \"$KUBECONFIG\" ]; do sleep 0.02; "
      "done; cat \"$KUBECONFIG\"");
  ASSERT_TRUE(eventually([&] { return fs::exists(kubeconfig()); }));
  answer("k1", 403, {{"reason", "unbound"}});
  ASSERT_TRUE(eventually([&] { return output() == "gone\n"; })) << said();
  EXPECT_THAT(said(), HasSubstr("taken away: "));
  give("k1", "kubeconfig", "again");
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(output(), "gone\nagain");
}

TEST_F(CredentialRun, AControlplaneThatIsDownTakesNothingAway) {
  give("k1", "kubeconfig", "first");
  start("until [ -e ../go ]; do sleep 0.02; done; cat \"$KUBECONFIG\"");
  ASSERT_TRUE(eventually([&] { return fs::exists(kubeconfig()); }));
  answer("k1", 503, "{}");
  ASSERT_TRUE(eventually([&] { return said().find("not renewed") != std::string::npos; })) << said();
  give("k1", "kubeconfig", "first");
  ASSERT_TRUE(eventually([&] { return said().find("answered again, unchanged") != std::string::npos; })) << said();
  std::ofstream(path("go")) << "";
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(output(), "first");
}

TEST_F(CredentialRun, SignalsCrashesAndFailuresOfTheChildLeaveNothing) {
  give("k1", "kubeconfig", "first");
  EXPECT_EQ(run("test -e \"$KUBECONFIG\"; kill -SEGV $$"), 128 + SIGSEGV);
  EXPECT_TRUE(left().empty());
  EXPECT_EQ(run("exit 7"), 7);
  EXPECT_TRUE(left().empty());
  start("trap 'echo term; exit 0' TERM; echo up; while :; do sleep 0.02; done");
  ASSERT_TRUE(eventually([&] { return output() == "up\n"; }));
  EXPECT_TRUE(fs::exists(kubeconfig()));
  kill(runner_, SIGTERM);
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(output(), "up\nterm\n");
  EXPECT_TRUE(left().empty());
}

TEST_F(CredentialRun, ACommandThatCannotBeStartedLeavesNothing) {
  give("k1", "kubeconfig", "first");
  start("true", [] { setenv("PATH", "/nowhere", 1); });
  EXPECT_EQ(end(), kExitNotFound);
  EXPECT_TRUE(left().empty());
}

TEST_F(CredentialRun, WhatASigkillLeftTheNextRunRemoves) {
  add("g1", "bot", "github");
  give("k1", "kubeconfig", "first");
  give("g1", "github", "ghp_value");
  start("echo up; while :; do sleep 0.02; done");
  ASSERT_TRUE(eventually([&] { return output() == "up\n"; })) << said();
  kill(runner_, SIGKILL);
  EXPECT_EQ(end(), 1000 + SIGKILL);
  EXPECT_EQ(left().size(), 3u) << "two files and the journal";
  bound_.erase(1);  // the next agent here has another set
  EXPECT_EQ(run("ls -A ../private"), 0);
  EXPECT_THAT(output(), Not(HasSubstr("github")));
  EXPECT_THAT(said(), HasSubstr(".ambient_github_token of an earlier run removed"));
  EXPECT_TRUE(left().empty());
}

TEST_F(CredentialRun, ASecondRunnerDoesNotTakeTheFilesOfTheFirst) {
  give("k1", "kubeconfig", "first");
  start("echo up; until [ -e ../go ]; do sleep 0.02; done; cat \"$KUBECONFIG\"");
  ASSERT_TRUE(eventually([&] { return output() == "up\n"; }));
  const pid_t first = runner_;
  const std::string out = output();
  runner_ = 0;
  start("echo never", [this] { std::ofstream(path("second")) << ""; });
  EXPECT_EQ(end(), kExitCredentials);
  EXPECT_THAT(said(), HasSubstr("another `fracta agent run` has credentials in "));
  EXPECT_TRUE(fs::exists(kubeconfig()));
  std::ofstream(path("go")) << "";
  runner_ = first;
  EXPECT_EQ(end(), 0);
  EXPECT_TRUE(left().empty());
}

TEST_F(CredentialRun, ALinkPlantedAtThePathIsReplaced) {
  std::ofstream(path("victim")) << "mine";
  fs::create_symlink(path("victim"), kubeconfig());
  give("k1", "kubeconfig", "first");
  EXPECT_EQ(run("stat -c %F \"$KUBECONFIG\""), 0);
  EXPECT_EQ(output(), "regular file\n");
  EXPECT_EQ(text("victim"), "mine");
}

// The child may do with the place what it likes; what the runner writes and removes afterwards stays its own.
TEST_F(CredentialRun, ALinkTheChildPutThereIsNeitherFollowedNorSpared) {
  std::ofstream(path("victim")) << "mine";
  give("k1", "kubeconfig", "first");
  start("ln -sf " + path("victim") +
        " \"$KUBECONFIG\"; echo up; until [ ! -L \"$KUBECONFIG\" ]; do sleep 0.02; done; cat "
        "\"$KUBECONFIG\"");
  ASSERT_TRUE(eventually([&] { return output() == "up\n"; }));
  give("k1", "kubeconfig", "second");
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(output(), "up\nsecond");
  EXPECT_EQ(text("victim"), "mine");
  EXPECT_TRUE(left().empty());
}

TEST_F(CredentialRun, TheRunnerCannotBeReadOrDumpedAndTheChildCan) {
  give("k1", "kubeconfig", "first");
  start("ulimit -c; cat /proc/self/status | grep -c Name; until [ -e ../go ]; do sleep 0.02; done", [] {
    rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &limit);
  });
  ASSERT_TRUE(eventually([&] { return output().find("1\n") != std::string::npos; }));
  // Files of a process that may not be dumped belong to root.
  struct stat info {};
  ASSERT_EQ(stat(("/proc/" + std::to_string(runner_) + "/environ").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0u);
  std::ofstream(path("go")) << "";
  EXPECT_EQ(end(), 0);
  EXPECT_THAT(output(), HasSubstr("unlimited\n")) << "the child's own limit is nobody's business";
}

TEST_F(CredentialRun, OrphansAreStillReapedAndSignalsStillReachTheChildsGroup) {
  give("k1", "kubeconfig", "first");
  EXPECT_EQ(run("(sleep 0.05 &) ; (sleep 0.05 &) ; sleep 0.2; exit 3"), 3);
}

}  // namespace
}  // namespace fracta::runner
