// Processes in their own file system, as the node starts them.
#include "devcluster/node/launch.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "devcluster/node/pod_sockets.hpp"
#include "devcluster/node/root_file_system.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/stop.hpp"

namespace fracta::devcluster {
namespace {

using testing::HasSubstr;

struct Outcome {
  int code = -1;
  std::string output;
};

class LaunchTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create();
    ASSERT_TRUE(made.ok());
    directory_.emplace(std::move(*made));
    ASSERT_TRUE(make_directories(*directory_ / "staging").ok());
    isolation_ = find_isolation(*directory_ / "staging", sockets_);
    if (!isolation_.namespaces) GTEST_SKIP() << "no mount namespaces here: " << isolation_.reason;
    host_.root = "/";
    request_.image = &host_;
    request_.staging = *directory_ / "staging";
    request_.overlay = isolation_.overlay;
    request_.working_directory = "/";
  }

  LaunchPlan shell(const std::string& script) {
    LaunchPlan plan;
    plan.user_namespace = isolation_.user_namespace;
    plan.candidates = {"/bin/sh"};
    plan.argv = {"sh", "-c", script};
    plan.environment = {"PATH=/usr/bin:/bin"};
    plan.working_directory = request_.working_directory;
    plan_file_system(request_, plan);
    return plan;
  }

  static Outcome finish(LaunchPlan& plan) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    UniqueFd out(ends[0]), in(ends[1]);
    plan.standard_output = plan.standard_error = in.get();
    auto process = launch(plan);
    in.reset();
    if (!process) return {-1, process.error().message};
    Outcome outcome;
    char buffer[4096];
    for (ssize_t n; (n = read(out.get(), buffer, sizeof buffer)) > 0;)
      outcome.output.append(buffer, static_cast<std::size_t>(n));
    pollfd wait{process->pidfd.get(), POLLIN, 0};
    poll(&wait, 1, 10'000);
    ExitState exit;
    EXPECT_TRUE(try_wait(*process, exit));
    outcome.code = exit.code;
    return outcome;
  }

  Outcome run(const std::string& script) {
    auto plan = shell(script);
    return finish(plan);
  }

  std::optional<TemporaryDirectory> directory_;
  PodSockets sockets_;
  Isolation isolation_;
  Image host_;
  FileSystemRequest request_;
};

TEST_F(LaunchTest, IsPidOneWithItsOwnProcessList) {
  const auto outcome = run("echo $$; ls -d /proc/[0-9]* | wc -l; exit 7");
  EXPECT_EQ(outcome.code, 7);
  EXPECT_THAT(outcome.output, testing::StartsWith("1\n"));
}

TEST_F(LaunchTest, WritesAnywhereAndTheHostSeesNothing) {
  const auto outcome =
      run("mkdir -p /etc/fracta /opt/x /workspace && echo hi > /etc/fracta-launch-test && cat /etc/fracta-launch-test");
  EXPECT_EQ(outcome.output, "hi\n");
  EXPECT_FALSE(std::filesystem::exists("/etc/fracta-launch-test"));
}

TEST_F(LaunchTest, MountPointsTheImageLacksAreMade) {
  ASSERT_TRUE(make_directories(*directory_ / "volume").ok());
  std::ofstream(*directory_ / "volume/key") << "value";
  request_.mounts = {{*directory_ / "volume", "", "/etc/fracta", true, true},
                     {*directory_ / "volume/key", "", "/var/run/fracta-auth/token", false, true},
                     {*directory_ / "volume", "", "/opt/fracta/auth-helpers", true, false}};
  const auto outcome =
      run("cat /etc/fracta/key /run/fracta-auth/token; test -e /etc/passwd && touch /opt/fracta/auth-helpers/new && "
          "touch /etc/fracta/x");
  EXPECT_THAT(outcome.output, HasSubstr("valuevalue"));
  EXPECT_THAT(outcome.output, HasSubstr("Read-only file system"));
  EXPECT_TRUE(std::filesystem::exists(*directory_ / "volume/new"));
}

TEST_F(LaunchTest, HidesTheUsersFilesAndTheDaemonsDescriptors) {
  std::ofstream(*directory_ / "secret") << "x";
  UniqueFd leaked(open((*directory_ / "secret").c_str(), O_RDONLY));
  const auto outcome =
      run("ls /root /home /tmp; ls /proc/self/fd | wc -l; env | grep -v '^PATH\\|^PWD\\|^_\\|^SHLVL\\|^OLDPWD'");
  EXPECT_EQ(outcome.output, "/home:\n\n/root:\n\n/tmp:\n4\n");
}

TEST_F(LaunchTest, ReadOnlyRootKeepsVolumesWritable) {
  ASSERT_TRUE(make_directories(*directory_ / "volume").ok());
  request_.mounts = {{*directory_ / "volume", "", "/data", true, false}};
  request_.read_only_root = true;
  const auto outcome = run("touch /data/ok && ls /data; touch /etc/x /y /tmp/z");
  EXPECT_THAT(outcome.output, testing::StartsWith("ok\n"));
  EXPECT_THAT(outcome.output, HasSubstr("/etc/x"));
  EXPECT_THAT(outcome.output, HasSubstr("'/y'"));
}

TEST_F(LaunchTest, MissingProgramIsToldInRuncsWords) {
  auto plan = shell("");
  plan.candidates = {"/usr/bin/no-such-program", "/bin/no-such-program"};
  plan.argv = {"no-such-program"};
  EXPECT_EQ(finish(plan).output, "exec: \"no-such-program\": executable file not found in $PATH");
}

TEST_F(LaunchTest, RunsAsAnotherUserWithoutCapabilities) {
  if (isolation_.user_namespace) GTEST_SKIP() << "one user only";
  auto plan = shell("id -u; id -g; id -G; grep CapEff /proc/self/status");
  plan.uid = 1234;
  plan.gid = 2345;
  plan.groups = {3456};
  EXPECT_EQ(finish(plan).output, "1234\n2345\n2345 3456\nCapEff:\t0000000000000000\n");
}

TEST_F(LaunchTest, TmpIsForEveryUser) {
  auto plan = shell("stat -c %a /tmp; umask; touch /tmp/mine && echo written");
  if (!isolation_.user_namespace) plan.uid = plan.gid = 1234;
  EXPECT_EQ(finish(plan).output, "1777\n0022\nwritten\n");
}

TEST_F(LaunchTest, ACommandRunsInsideARunningContainer) {
  auto plan = shell("mkdir /inside; sleep 60");
  auto container = launch(plan);
  ASSERT_TRUE(container.ok()) << container.error().message;
  LaunchPlan inside = shell("while [ ! -d /inside ]; do sleep 0.01; done; exit 3");
  auto process = launch_inside(container->pidfd.get(), inside);
  ASSERT_TRUE(process.ok()) << process.error().message;
  pollfd wait{process->pidfd.get(), POLLIN, 0};
  ASSERT_EQ(poll(&wait, 1, 10'000), 1);
  ExitState exit;
  ASSERT_TRUE(try_wait(*process, exit));
  EXPECT_EQ(exit.code, 3);
  kill_process(*container, SIGKILL);
  wait.fd = container->pidfd.get();
  ASSERT_EQ(poll(&wait, 1, 10'000), 1);
  ASSERT_TRUE(try_wait(*container, exit));
  EXPECT_EQ(exit.code, 137);
  EXPECT_EQ(exit.signal, SIGKILL);
}

TEST_F(LaunchTest, DiesWithADaemonThatIsKilled) {
  request_.mounts = {{directory_->path(), "", "/h", true, false}};
  auto plan = shell("exec 9>/h/alive; flock -n 9; touch /h/locked; sleep 60");
  const pid_t daemon = fork();
  if (daemon == 0) {
    const bool started = launch(plan).ok();
    if (started) pause();
    _exit(1);
  }
  const auto eventually = [](const auto& condition) {
    for (int i = 0; i < 2'000 && !condition(); ++i) wait_for({}, std::chrono::milliseconds{5});
    return condition();
  };
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(*directory_ / "locked"); }));
  kill(daemon, SIGKILL);
  waitpid(daemon, nullptr, 0);
  // Free again only when the last process of the container has gone.
  UniqueFd lock(open((*directory_ / "alive").c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_TRUE(eventually([&] { return flock(lock.get(), LOCK_EX | LOCK_NB) == 0; }));
}

}  // namespace
}  // namespace fracta::devcluster
