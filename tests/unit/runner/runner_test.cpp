// The in-pod half with real child processes. Each test runs run_agent() in a forked process, as it changes the
// environment and signal handling of its own.
#include "fracta/runner/runner.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "fracta/base/file.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"

namespace fracta::runner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

namespace fs = std::filesystem;

class RunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create();
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    workspace_ = fs::canonical(directory_->path()).string() + "/work";
    mounted_ = directory_->path() + "/mounted";
    home_ = directory_->path() + "/home";
    for (const auto& path : {workspace_ + "/.fracta/auth-helpers", mounted_, home_}) fs::create_directories(path);
  }

  void script(const std::string& path, const std::string& body, mode_t mode = 0755) const {
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    chmod(path.c_str(), mode);
  }
  [[nodiscard]] std::string local(const std::string& name) const {
    return workspace_ + "/.fracta/auth-helpers/" + name;
  }
  [[nodiscard]] std::string mounted(const std::string& name) const { return mounted_ + "/" + name; }
  [[nodiscard]] std::string output() const { return slurp("out"); }
  [[nodiscard]] std::string diagnostics() const { return slurp("err"); }
  [[nodiscard]] std::string slurp(const std::string& name) const { return read_file(*directory_ / name).value_or(""); }

  // Starts the runner in a process of its own; `prepare` runs there first.
  pid_t start(const std::vector<std::string>& command, const std::function<void()>& prepare = {}) {
    for (const char* name : {"out", "err"}) fs::remove(*directory_ / name);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    alarm(30);  // nothing here may hang; the child dies with the runner
    redirect("out", STDOUT_FILENO);
    redirect("err", STDERR_FILENO);
    setenv("HOME", home_.c_str(), 1);
    if (chdir(workspace_.c_str()) != 0) _exit(99);
    if (prepare) prepare();
    _exit(run_agent({.command = command, .workspace = "", .auth_helpers_directory = mounted_}));
  }
  int run(const std::vector<std::string>& command, const std::function<void()>& prepare = {}) {
    return end_of(start(command, prepare));
  }
  int shell(const std::string& text) { return run({"sh", "-c", text}); }
  static int end_of(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  // Until the child has written `marker`: it is up and its traps are set.
  void await_output(const std::string& marker) const {
    for (int i = 0; i < 1000 && output().find(marker) == std::string::npos; ++i)
      wait_for(std::stop_token{}, std::chrono::milliseconds{10});
    ASSERT_THAT(output(), HasSubstr(marker));
  }

  std::string workspace_, mounted_, home_;
  std::optional<TemporaryDirectory> directory_;

 private:
  void redirect(const std::string& name, int target) const {
    const int file = open((*directory_ / name).c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    dup2(file, target);
    close(file);
  }
};

TEST_F(RunnerTest, ReturnsTheChildsExitCode) {
  EXPECT_EQ(shell("exit 0"), 0);
  EXPECT_EQ(shell("exit 42"), 42);
}

TEST_F(RunnerTest, ReturnsHundredTwentyEightPlusSignal) {
  EXPECT_EQ(shell("kill -KILL $$"), 128 + SIGKILL);
  EXPECT_EQ(shell("kill -TERM $$"), 128 + SIGTERM);
}

TEST_F(RunnerTest, NoCommandIsUsage) {
  EXPECT_EQ(run({}), kExitUsage);
  EXPECT_THAT(diagnostics(), HasSubstr("usage: fracta agent run -- COMMAND"));
}

TEST_F(RunnerTest, UnknownProgramIs127AndNamesIt) {
  EXPECT_EQ(run({"no-such-agent-cli", "-p", "x"}), kExitNotFound);
  EXPECT_THAT(diagnostics(), HasSubstr("no-such-agent-cli: command not found"));
}

TEST_F(RunnerTest, ProgramThatIsNotExecutableIs126) {
  script(workspace_ + "/tool", "echo hi", 0644);
  EXPECT_EQ(run({workspace_ + "/tool"}), kExitNotExecutable);
  EXPECT_THAT(diagnostics(), HasSubstr("cannot execute: Permission denied"));
}

TEST_F(RunnerTest, PathStartsWithBothHelperDirectories) {
  setenv("PATH", "/usr/bin:/bin", 1);
  ASSERT_EQ(shell("echo $PATH"), 0);
  EXPECT_EQ(output(), workspace_ + "/.fracta/auth-helpers:" + mounted_ + ":/usr/bin:/bin\n");
}

TEST_F(RunnerTest, DocumentedDirectoryIsTheDefault) {
  EXPECT_EQ(RunOptions{}.auth_helpers_directory, "/opt/fracta/auth-helpers");
  EXPECT_EQ(helper_path("/w", "/opt/fracta/auth-helpers", "/bin"),
            "/w/.fracta/auth-helpers:/opt/fracta/auth-helpers:/bin");
}

TEST_F(RunnerTest, EmptyPathBecomesTheSystemDirectoriesAndNeverTheWorkingDirectory) {
  EXPECT_THAT(helper_path("/w", "/o", ""), ::testing::EndsWith(":/usr/sbin:/usr/bin:/sbin:/bin"));
  EXPECT_EQ(run({"sh", "-c", "true"}, [] { unsetenv("PATH"); }), 0);
}

TEST_F(RunnerTest, MountedHelperIsCalledByBareName) {
  script(mounted("fetch-token"), "echo mounted-token");
  ASSERT_EQ(run({"fetch-token"}), 0);
  EXPECT_EQ(output(), "mounted-token\n");
}

TEST_F(RunnerTest, WorkspaceHelperShadowsTheMountedOne) {
  script(mounted("fetch-token"), "echo mounted");
  script(local("fetch-token"), "echo local");
  ASSERT_EQ(shell("fetch-token"), 0);
  EXPECT_EQ(output(), "local\n");
}

TEST_F(RunnerTest, BrokenWorkspaceHelperShadowsNothing) {
  script(mounted("fetch-token"), "echo mounted");
  script(local("fetch-token"), "echo local", 0644);
  ASSERT_EQ(run({"fetch-token"}), 0);
  EXPECT_EQ(output(), "mounted\n");
}

TEST_F(RunnerTest, DiagnosticLineWithNothing) {
  ASSERT_EQ(shell("true"), 0);
  EXPECT_EQ(diagnostics(), "fracta: user-settings.json present=false; auth-helpers=[none]\n");
}

TEST_F(RunnerTest, DiagnosticLineListsExecutablesOfBothDirectoriesSortedAndUnique) {
  script(mounted("fetch-vertex-token"), "");
  script(mounted("both"), "");
  script(local("both"), "");
  script(local("a-local-one"), "");
  std::ofstream(workspace_ + "/.fracta/user-settings.json") << "{}";
  ASSERT_EQ(shell("true"), 0);
  EXPECT_EQ(diagnostics(),
            "fracta: user-settings.json present=true; auth-helpers=[a-local-one,both,fetch-vertex-token]\n");
}

TEST_F(RunnerTest, DiagnosticLineComesBeforeTheChildsOutput) {
  ASSERT_EQ(shell("echo child >&2"), 0);
  EXPECT_THAT(diagnostics(), StartsWith("fracta: user-settings.json present="));
  EXPECT_THAT(diagnostics(), ::testing::EndsWith("\nchild\n"));
}

TEST_F(RunnerTest, ConfigMapVolumesLayoutIsFollowed) {
  const std::string data = mounted_ + "/..2026_11_21_20_00_00.123";
  fs::create_directory(data);
  script(data + "/fetch-token", "echo x");
  fs::create_directory_symlink("..2026_11_21_20_00_00.123", mounted_ + "/..data");
  fs::create_symlink("..data/fetch-token", mounted_ + "/fetch-token");
  const auto found = find_auth_helpers({mounted_});
  EXPECT_THAT(found.executable, ElementsAre("fetch-token"));
}

TEST_F(RunnerTest, DirectoriesDotFilesDeadLinksAndPlainFilesAreNoHelpers) {
  fs::create_directory(mounted("directory"));
  script(mounted(".hidden"), "");
  fs::create_symlink("nowhere", mounted("dangling"));
  std::ofstream(mounted("README.md")) << "# read me";
  ASSERT_EQ(mkfifo(mounted("pipe").c_str(), 0755), 0);
  const auto found = find_auth_helpers({mounted_, "/does/not/exist"});
  EXPECT_THAT(found.executable, IsEmpty());
  EXPECT_THAT(found.not_executable, IsEmpty());
}

// What `kubectl create configmap --from-file=deployment/auth-helpers/` and defaultMode: 0755 make of the scaffold.
TEST_F(RunnerTest, DocumentsPackagedWithTheHelpersAreNoHelpers) {
  script(mounted("fetch-token"), "");
  for (const char* name : {"README.md", "notes.txt"}) {
    std::ofstream(mounted(name)) << "# read me";
    fs::permissions(mounted(name), fs::perms{0755});
  }
  script(mounted("odd.md"), "echo but a program");
  ASSERT_EQ(shell("true"), 0);
  EXPECT_EQ(diagnostics(), "fracta: user-settings.json present=false; auth-helpers=[fetch-token,odd.md]\n");
}

TEST_F(RunnerTest, ScriptWithoutExecuteBitIsNamedWithTheRemedy) {
  script(mounted("fetch-token"), "echo x", 0644);
  ASSERT_EQ(shell("true"), 0);
  EXPECT_THAT(diagnostics(), HasSubstr("auth-helpers=[none]\n"));
  EXPECT_THAT(diagnostics(),
              HasSubstr("not executable, so not used: fetch-token (a ConfigMap volume needs defaultMode: 0755)"));
}

TEST_F(RunnerTest, WhereNothingRunsEveryFileIsNamed) {
  std::ofstream(mounted("fetch-token")) << "echo a script without its first line\n";
  EXPECT_THAT(find_auth_helpers({mounted_}).not_executable, ElementsAre("fetch-token"));
  script(mounted("another"), "");
  EXPECT_THAT(find_auth_helpers({mounted_}).not_executable, IsEmpty()) << "data beside a helper";
}

TEST_F(RunnerTest, HelperNameCannotBreakTheLine) {
  const auto line = diagnostic_line(false, {.executable = {"a\nfracta: forged"}, .not_executable = {}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST_F(RunnerTest, SettingsAreInstalledPrivately) {
  std::ofstream(workspace_ + "/.fracta/user-settings.json") << R"({"apiKeyHelper":"fetch-token"})";
  ASSERT_EQ(shell("cat ~/.claude/settings.json"), 0);
  EXPECT_EQ(output(), R"({"apiKeyHelper":"fetch-token"})");
  struct stat info {};
  ASSERT_EQ(stat((home_ + "/.claude/settings.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(RunnerTest, SettingsReplaceOlderOnesAndASymlinkIsNotFollowed) {
  const std::string victim = *directory_ / "victim";
  std::ofstream(victim) << "precious";
  fs::create_directory(home_ + "/.claude");
  fs::create_symlink(victim, home_ + "/.claude/settings.json");
  std::ofstream(workspace_ + "/.fracta/user-settings.json") << "{}";
  ASSERT_EQ(shell("true"), 0);
  EXPECT_EQ(*read_file(victim), "precious");
  EXPECT_FALSE(fs::is_symlink(home_ + "/.claude/settings.json"));
  EXPECT_EQ(*read_file(home_ + "/.claude/settings.json"), "{}");
}

TEST_F(RunnerTest, WithoutSettingsNothingIsWritten) {
  ASSERT_EQ(shell("true"), 0);
  EXPECT_FALSE(fs::exists(home_ + "/.claude"));
}

TEST_F(RunnerTest, SettingsThatCannotBeInstalledStopTheAgentWithAClearMessage) {
  std::ofstream(workspace_ + "/.fracta/user-settings.json") << "{}";
  std::ofstream(home_ + "/.claude") << "a file where a directory should be";
  EXPECT_EQ(shell("echo started"), kExitFailed);
  EXPECT_EQ(output(), "");
  EXPECT_THAT(diagnostics(), HasSubstr("present=true"));
  EXPECT_THAT(diagnostics(), HasSubstr("is HOME writable"));
}

TEST_F(RunnerTest, HomeUnsetComesFromThePasswdDatabase) {
  const int code = run({"sh", "-c", "echo home=$HOME"}, [] { unsetenv("HOME"); });
  ASSERT_EQ(code, 0);
  EXPECT_THAT(output(), StartsWith("home=/"));
}

TEST_F(RunnerTest, StandardInputReachesTheChild) {
  std::ofstream(*directory_ / "in") << "from stdin";
  const int code = run({"cat"}, [this] {
    const int file = open((*directory_ / "in").c_str(), O_RDONLY);
    dup2(file, STDIN_FILENO);
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(output(), "from stdin");
}

TEST_F(RunnerTest, SignalsAreForwarded) {
  for (const auto& [number, name] : {std::pair{SIGTERM, "TERM"},
                                     {SIGINT, "INT"},
                                     {SIGHUP, "HUP"},
                                     {SIGQUIT, "QUIT"},
                                     {SIGUSR1, "USR1"},
                                     {SIGUSR2, "USR2"},
                                     {SIGWINCH, "WINCH"}}) {
    const std::string text =
        std::string("trap 'echo got ") + name + "; exit 7' " + name + "; echo ready; while :; do sleep 0.02; done";
    const pid_t pid = start({"sh", "-c", text});
    await_output("ready");
    kill(pid, number);
    EXPECT_EQ(end_of(pid), 7) << name;
    EXPECT_THAT(output(), HasSubstr(std::string("got ") + name));
  }
}

TEST_F(RunnerTest, ChildStartsWithDefaultSignalHandling) {
  // main() ignores SIGPIPE; an agent that inherited that would behave differently from one started by a shell.
  const int code = run({"sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status"}, [] { signal(SIGPIPE, SIG_IGN); });
  ASSERT_EQ(code, 0);
  EXPECT_EQ(output(), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(RunnerTest, OrphansAreReaped) {
  // The grandchild outlives its parent and dies while the agent still runs: afterwards no zombie may be left.
  ASSERT_EQ(shell("runner=$PPID; sh -c 'sleep 0.05 & exit 0'; "
                  "for i in $(seq 100); do sleep 0.02; "
                  "[ \"$(ps -o stat= --ppid $runner | wc -l)\" = 1 ] && { echo clean; exit 0; }; done; "
                  "ps -o pid,stat,args --ppid $runner"),
            0);
  EXPECT_EQ(output(), "clean\n");
}

TEST_F(RunnerTest, ChildDiesWithTheRunner) {
  const pid_t pid = start({"sh", "-c", "echo child=$$=; while :; do sleep 0.02; done"});
  await_output("=");
  const auto number = parse_int(split(output(), '=')[1]);
  ASSERT_TRUE(number);
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that this test can see its grandchild end
  kill(pid, SIGKILL);
  EXPECT_EQ(end_of(pid), 1000 + SIGKILL);
  int status = 0;
  EXPECT_EQ(waitpid(static_cast<pid_t>(*number), &status, 0), *number);
  EXPECT_TRUE(WIFSIGNALED(status));
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace fracta::runner
