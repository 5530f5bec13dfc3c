// The daemon as a process: what it says when it cannot start, and how it ends.
#include <signal.h>

#include <thread>

#include "fracta/base/subprocess.hpp"
#include "fracta/base/text.hpp"
#include "integration/daemon_fixture.hpp"

namespace fracta {
namespace {

using ::testing::HasSubstr;

class DaemonProcess : public testing::DaemonTest {
 protected:
  ~DaemonProcess() override { kill_now(); }

  // `fracta controlplane …` on a thread; a shell that becomes it tells its process id.
  void launch(std::vector<std::string> arguments) {
    auto pid_file = *directory_ / "pid";
    CommandOptions command;
    command.argv = {"sh", "-c", "echo $$ > \"$0\"; exec \"$@\"", pid_file, FRACTA_BINARY, "controlplane"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.timeout = std::chrono::minutes(2);
    command.max_stderr = 1u << 20;
    process_ = std::jthread([this, command](const std::stop_token& stop) {
      auto limited = command;
      limited.stop = stop;
      result_ = std::make_unique<Result<CommandResult>>(run_command(limited));
    });
    ASSERT_TRUE(testing::within(std::chrono::seconds(10), [&] {
      auto text = read_file(pid_file);
      auto pid = text ? parse_int(trim(*text)) : std::nullopt;
      pid_ = pid ? static_cast<pid_t>(*pid) : 0;
      return pid_ > 0;
    }));
  }
  void launch_ready() {
    auto address_file = *directory_ / "address";
    launch({"--config", write_config(), "--kubeconfig", cluster().kubeconfig(), "--listen", "127.0.0.1:0",
            "--address-file", address_file});
    ASSERT_TRUE(testing::within(std::chrono::seconds(30), [&] { return read_file(address_file).ok(); }))
        << "it never listened";
    connect(std::string(trim(*read_file(address_file))));
    ASSERT_TRUE(testing::within(std::chrono::seconds(30), [&] { return call("GET", "/readyz").status == 200; }));
  }
  Result<CommandResult>& wait() {
    process_.join();
    pid_ = 0;
    return *result_;
  }
  void kill_now() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (process_.joinable()) process_.join();
  }

  pid_t pid_ = 0;
  std::unique_ptr<Result<CommandResult>> result_;
  std::jthread process_;
};

TEST_F(DaemonProcess, EndsInOrderOnSigtermWithAnOpenStream) {
  launch_ready();
  std::atomic<bool> open{false};
  std::string text;
  std::jthread watcher([&] {
    net::Request request;
    request.target = "/api/v1/watch";
    static_cast<void>(transport_->stream(request, {},
                                         {[](const net::Response&) { return true; },
                                          [&](std::string_view bytes) {
                                            text += bytes;
                                            open = true;
                                            return true;
                                          }}));
  });
  ASSERT_TRUE(testing::within(std::chrono::seconds(10), [&] { return open.load(); }));
  ::kill(pid_, SIGTERM);
  auto& result = wait();
  watcher.join();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 0) << result->standard_error;
  EXPECT_THAT(result->standard_error, HasSubstr("\"msg\":\"controlplane stopped\""));
  EXPECT_THAT(text, HasSubstr("event: shutdown"));
}

TEST_F(DaemonProcess, SurvivesKillMinusNineWithoutLosingAnAgent) {
  launch_ready();
  ASSERT_EQ(call("POST", "/api/v1/agents", {{"task", "a1"}, {"command", {"sh", "-c", "sleep 300"}}}).status, 201);
  kill_now();
  pid_ = 0;
  start();
  EXPECT_EQ(json("GET", "/api/v1/agents")["agents"].size(), 1u);
}

TEST_F(DaemonProcess, ABadConfigurationIsToldWithItsPlaceAndExitCode1) {
  auto path = write_config("runtime2: {}\nreaper:\n  max_age: soon\n");
  CommandOptions command;
  command.argv = {FRACTA_BINARY,  "controlplane",         "--config", path,
                  "--kubeconfig", cluster().kubeconfig(), "--listen", "127.0.0.1:0"};
  auto result = run_command(command);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 1);
  EXPECT_THAT(result->standard_error, HasSubstr(path + ":"));
  EXPECT_THAT(result->standard_error, HasSubstr("reaper.max_age"));
}

TEST_F(DaemonProcess, AMissingNamespaceIsNotReadyWithTheRemedyAndAlive) {
  auto config = write_config();
  auto text = *read_file(config);
  auto at = text.find(cluster().ns());
  text.replace(at, cluster().ns().size(), "no-such-namespace");
  ASSERT_TRUE(write_file_atomic(config, text));
  auto address_file = *directory_ / "address";
  launch({"--config", config, "--kubeconfig", cluster().kubeconfig(), "--listen", "127.0.0.1:0", "--address-file",
          address_file});
  ASSERT_TRUE(testing::within(std::chrono::seconds(30), [&] { return read_file(address_file).ok(); }));
  connect(std::string(trim(*read_file(address_file))));
  EXPECT_TRUE(testing::within(std::chrono::seconds(30), [&] {
    return call("GET", "/readyz").body.find("kubectl create namespace no-such-namespace") != std::string::npos;
  })) << call("GET", "/readyz").body;
  EXPECT_EQ(call("GET", "/livez").status, 200);
}

TEST_F(DaemonProcess, APortInUseIsAClearError) {
  start();
  auto second = daemon::DaemonOptions(options());
  second.listen = daemon_->address();
  auto created = daemon::Daemon::create(second);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, ErrorCode::kAlreadyExists) << created.error().message;
}

}  // namespace
}  // namespace fracta
