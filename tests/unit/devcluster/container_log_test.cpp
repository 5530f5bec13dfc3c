// The container's log, as `kubectl logs` reads it.
#include "devcluster/node/container_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "fracta/base/file.hpp"

namespace fracta::devcluster {
namespace {

const SystemTime kNow = SystemTime{} + std::chrono::hours{24 * 365 * 50};

class ContainerLogTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create();
    ASSERT_TRUE(made.ok());
    directory_.emplace(std::move(*made));
  }
  [[nodiscard]] std::string path() const { return *directory_ / "0.log"; }
  static std::string read(ContainerLog& log, const NodeLogOptions& options = {}) {
    std::string text;
    EXPECT_TRUE(log.read(options,
                         [&](std::string_view bytes) {
                           text.append(bytes);
                           return true;
                         },
                         {})
                    .ok());
    return text;
  }
  std::optional<TemporaryDirectory> directory_;
};

TEST_F(ContainerLogTest, SelectsByLinesTimeAndBytes) {
  ContainerLog log(path());
  for (int i = 0; i < 5; ++i) log.append(false, "line " + std::to_string(i) + "\n", kNow + std::chrono::seconds{i});
  NodeLogOptions tail;
  tail.tail_lines = 2;
  EXPECT_EQ(read(log, tail), "line 3\nline 4\n");
  tail.tail_lines = 0;
  EXPECT_EQ(read(log, tail), "");
  NodeLogOptions since;
  since.since_time = "2019-12-20T00:00:04Z";
  EXPECT_EQ(read(log, since), "line 4\n");
  NodeLogOptions limit;
  limit.limit_bytes = 9;
  EXPECT_EQ(read(log, limit), "line 0\nli");
  NodeLogOptions stamped;
  stamped.timestamps = true;
  stamped.tail_lines = 1;
  EXPECT_EQ(read(log, stamped), "2019-12-20T00:00:04Z line 4\n");
}

TEST_F(ContainerLogTest, ALongLineComesBackWhole) {
  ContainerLog log(path());
  const std::string line(40'000, 'x');
  log.append(true, line + "\n", kNow);
  EXPECT_EQ(read(log), line + "\n");
}

TEST_F(ContainerLogTest, AnUnfinishedLineIsThereWhenTheContainerHasEnded) {
  ContainerLog log(path());
  log.append(false, "no newline", kNow);
  log.close(kNow);
  EXPECT_EQ(read(log), "no newline");
}

TEST_F(ContainerLogTest, WhoFollowsLosesNothingInRotations) {
  ContainerLog log(path(), 2'000);
  std::string seen, expected;
  std::atomic<bool> started{false};
  std::jthread follower;
  {
    NodeLogOptions follow;
    follow.follow = true;
    log.append(false, "first\n", kNow);
    expected = "first\n";
    follower = std::jthread([&, follow] {
      (void)log.read(follow,
                     [&](std::string_view bytes) {
                       seen.append(bytes);
                       started = true;
                       return true;
                     },
                     {});
    });
    while (!started) std::this_thread::yield();
    for (int i = 0; i < 500; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      log.append(false, line, kNow);
      expected += line;
    }
    log.close(kNow);
  }
  follower.join();
  EXPECT_EQ(seen, expected);
  EXPECT_LT(read(log).size(), 2'000U);  // new readers see the current file only
}

}  // namespace
}  // namespace fracta::devcluster
