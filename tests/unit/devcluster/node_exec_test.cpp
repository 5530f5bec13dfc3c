// Commands in running containers, and terminals, as clients of exec and attach see them.
#include "devcluster/front/session_streams.hpp"
#include "node_fixture.hpp"

namespace fracta::devcluster {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

// A client that keeps what it is sent.
class Client final : public SessionStreams {
 public:
  explicit Client(SessionOptions options = {true, true, true, false}) : SessionStreams(options) {}
  // Waits until `text` has come on standard output.
  bool saw(const std::string& text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return out_.find(text) != std::string::npos; });
  }
  std::string out() {
    const std::lock_guard lock(mutex_);
    return out_;
  }
  std::string err() {
    const std::lock_guard lock(mutex_);
    return err_;
  }

 private:
  bool send(SessionChannel channel, std::string_view bytes) override {
    {
      const std::lock_guard lock(mutex_);
      (channel == SessionChannel::kStdout ? out_ : err_).append(bytes);
    }
    changed_.notify_all();
    return true;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string out_, err_;
};

class NodeExecTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    start_node();
  }
  Json running(const std::string& name, const std::string& script, const Json& main = Json::object()) {
    create("pods", pod(name, script, {{"main", main}}));
    return wait_for_phase(name, "Running");
  }
  Result<int> exec(const Json& pod, Client& client, const std::string& script, bool tty = false, bool input = false) {
    return node_->exec(pod, {"main", {"sh", "-c", script}, input, tty}, client);
  }
};

TEST_F(NodeExecTest, RunsNextToTheContainerAndTellsItsExitCode) {
  const Json p = running("p", "touch /tmp/here; sleep 60", {{"env", Json::array({{{"name", "A"}, {"value", "b"}}})}});
  Client client;
  const auto code = exec(p, client, "until ls /tmp/here; do :; done; echo $A; echo bad >&2; exit 3");
  ASSERT_TRUE(code.ok()) << code.error().message;
  EXPECT_EQ(*code, 3);
  EXPECT_THAT(client.out(), HasSubstr("/tmp/here\nb\n"));
  EXPECT_THAT(client.err(), HasSubstr("bad\n"));
}

TEST_F(NodeExecTest, StandardInputEndsWhenTheClientEndsIt) {
  const Json p = running("p", "sleep 60");
  Client client;
  const std::string large(3u << 20, 'x');
  std::jthread sender([&] {
    client.input(large);
    client.input("end");
    client.end_of_input();
  });
  const auto code = exec(p, client, "wc -c", false, true);
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(client.out(), std::to_string(large.size() + 3) + "\n");
}

TEST_F(NodeExecTest, AMissingProgramIsSaidInTheRuntimesWords) {
  const Json p = running("p", "sleep 60");
  Client client;
  const auto code = node_->exec(p, {"main", {"no-such-program"}, false, false}, client);
  ASSERT_FALSE(code.ok());
  EXPECT_THAT(code.error().message,
              HasSubstr("exec: \"no-such-program\": executable file not found in $PATH: unknown"));
}

TEST_F(NodeExecTest, ATerminalHasASizeAJobControlAndAName) {
  const Json p = running("p", "sleep 60");
  Client client({true, true, false, true});
  client.resize(R"({"Width":91,"Hei)");
  client.resize(R"(ght":17}
)");
  std::jthread typist([&] {
    client.saw("prompt");
    client.input("typed\r");
  });
  const auto code = exec(p, client,
                         "until [ \"$(stty size)\" = '17 91' ]; do sleep 0.01; done; tty; printf prompt; read line; "
                         "echo got $line; ps -o tpgid= -p $$ | tr -d ' '",
                         true, true);
  ASSERT_TRUE(code.ok()) << code.error().message;
  EXPECT_EQ(*code, 0);
  EXPECT_THAT(client.out(), HasSubstr("/dev/pts/"));
  EXPECT_THAT(client.out(), HasSubstr("got typed\r\n"));
  EXPECT_THAT(client.out(), testing::Not(HasSubstr("-1\r\n")));
}

TEST_F(NodeExecTest, WhatTheClientLeavesBehindEnds) {
  const Json p = running("p", "sleep 60");
  Client client;
  std::jthread leaver([&] {
    client.saw("started");
    client.client_gone();
  });
  const auto code = exec(p, client, "echo started; sleep 60");
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(*code, 137);
}

TEST_F(NodeExecTest, OnlyRunningContainersTakeCommands) {
  create("pods", pod("p", "exit 0"));
  const Json p = wait_for_phase("p", "Succeeded");
  EXPECT_FALSE(node_->is_running(p, "main"));
  Client client;
  const auto code = exec(p, client, "true");
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().message, "container not found (\"main\")");
}

TEST_F(NodeExecTest, AttachSeesOutputAndFeedsStandardInput) {
  const Json p = running("p", "while read line; do echo got $line; done; echo end of input",
                         {{"stdin", true}, {"stdinOnce", true}});
  Client client;
  std::jthread typist([&] {
    client.input("one\n");
    client.saw("got one\n");
    client.end_of_input();
  });
  ASSERT_TRUE(node_->attach(p, {"main", {}, true, false}, client).ok());
  EXPECT_EQ(client.out(), "got one\nend of input\n");
  wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), "got one\nend of input\n");
}

TEST_F(NodeExecTest, AContainerWithATerminal) {
  const Json p =
      running("p", "test -t 0 && echo is a terminal; read line; echo got $line", {{"stdin", true}, {"tty", true}});
  Client client({true, true, false, true});
  std::jthread typist([&] { client.input("typed\r"); });
  ASSERT_TRUE(node_->attach(p, {"main", {}, true, true}, client).ok());
  EXPECT_THAT(client.out(), HasSubstr("got typed\r\n"));
  wait_for_phase("p", "Succeeded");
  EXPECT_THAT(logs("p"), HasSubstr("is a terminal\r\n"));  // the echo of what was typed may come before it
}

TEST_F(NodeExecTest, WithoutStdinAContainerReadsNothing) {
  create("pods", pod("p", "cat; echo end"));
  wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), "end\n");
}

}  // namespace
}  // namespace fracta::devcluster
