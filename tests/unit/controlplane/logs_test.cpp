// Logs: reading, following, resuming by timestamp.
#include <thread>

#include "controlplane/log_reader.hpp"
#include "unit/controlplane/fixture.hpp"

namespace fracta {
namespace {

using controlplane::LineResume;
using controlplane::LogQuery;
using testing::eventually;
using ::testing::HasSubstr;

class LogsTest : public testing::ControlPlaneTest {
 protected:
  void SetUp() override {
    ControlPlaneTest::SetUp();
    ASSERT_TRUE(ready().spawn(request("a1")));
  }
  // Follows on a thread of its own.
  void follow(LogQuery query = {}) {
    query.follow = true;
    follower_ = std::jthread([this, query](const std::stop_token& stop) {
      auto result = plane().logs(
          "a1", query,
          [this](std::string_view bytes) {
            std::lock_guard lock(mutex_);
            text_ += bytes;
            return true;
          },
          stop);
      std::lock_guard lock(mutex_);
      error_ = result ? "" : result.error().message;
      ended_ = true;
    });
  }
  std::string text() {
    std::lock_guard lock(mutex_);
    return text_;
  }
  bool ended() {
    std::lock_guard lock(mutex_);
    return ended_;
  }
  bool has(const std::string& wanted) {
    return eventually([&] { return text() == wanted; });
  }

  std::mutex mutex_;
  std::string text_, error_;
  bool ended_ = false;
  std::jthread follower_;  // last: ends before the rest goes
};

constexpr const char* kPod = "fracta-agent-a1-x1";

TEST_F(LogsTest, ReadsTheTail) {
  set_running("a1");
  cluster_->append_log(kPod, "2026-01-01T00:00:01.5Z one\n2026-01-01T00:00:02Z two\n");
  ASSERT_TRUE(shows("a1", "Running"));
  auto output = plane().log_tail("a1", {}, 1000, {});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->text, "one\ntwo\n");
  EXPECT_FALSE(output->truncated);
  auto cut = plane().log_tail("a1", {}, 5, {});
  EXPECT_EQ(cut->text, "two\n") << "cut at a line";
  EXPECT_TRUE(cut->truncated);
}

TEST_F(LogsTest, UnknownAgentAndMissingPodAreNotFound) {
  EXPECT_EQ(plane().log_tail("nobody", {}, 10, {}).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(eventually([&] { return phase("a1") != "-"; }));
  auto none = plane().log_tail("a1", {}, 10, {});
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(none.error().message, HasSubstr("no pods found for job fracta-agent-a1"));
}

TEST_F(LogsTest, FollowWaitsForTheStartAndEndsWithTheAgent) {
  ASSERT_TRUE(eventually([&] { return phase("a1") != "-"; }));
  follow();
  cluster_->append_log(kPod, "2026-01-01T00:00:01Z one\n");
  set_running("a1");
  ASSERT_TRUE(has("one\n"));
  cluster_->append_log(kPod, "2026-01-01T00:00:02Z two\n");
  ASSERT_TRUE(has("one\ntwo\n"));
  EXPECT_FALSE(ended());
  cluster_->append_log(kPod, "2026-01-01T00:00:03Z three\n");
  set_completed("a1");
  cluster_->finish_log(kPod);
  EXPECT_TRUE(eventually([&] { return ended(); }));
  EXPECT_EQ(text(), "one\ntwo\nthree\n");
  EXPECT_EQ(error_, "");
}

TEST_F(LogsTest, ABrokenFollowIsResumedWithoutRepeatingLines) {
  cluster_->append_log(kPod, "2026-01-01T00:00:01.1Z one\n2026-01-01T00:00:01.2Z same\n2026-01-01T00:00:01.2Z same\n");
  set_running("a1");
  ASSERT_TRUE(shows("a1", "Running"));
  follow();
  ASSERT_TRUE(has("one\nsame\nsame\n"));
  cluster_->cut_logs();
  cluster_->append_log(kPod, "2026-01-01T00:00:01.2Z same\n2026-01-01T00:00:01.9Z more\n");
  EXPECT_TRUE(has("one\nsame\nsame\nsame\nmore\n")) << text();
}

TEST_F(LogsTest, AFollowerCanLeaveAtAnyTime) {
  cluster_->append_log(kPod, "2026-01-01T00:00:01Z one\n");
  set_running("a1");
  follow();
  ASSERT_TRUE(has("one\n"));
  follower_.request_stop();
  EXPECT_TRUE(eventually([&] { return ended(); }));
}

TEST_F(LogsTest, TimestampsOnRequest) {
  cluster_->append_log(kPod, "2026-01-01T00:00:01Z one\n");
  set_running("a1");
  LogQuery query;
  query.timestamps = true;
  follow(query);
  EXPECT_TRUE(has("2026-01-01T00:00:01Z one\n"));
}

TEST(LineResume, TellsWhenTheLastKnownLineIsGone) {
  LineResume resume;
  EXPECT_EQ(resume.take("2026-01-01T00:00:01Z a")->text, "a");
  resume.reconnected();
  auto next = resume.take("2026-01-01T00:00:05Z e");
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->lost_before);
  resume.reconnected();
  EXPECT_FALSE(resume.take("2026-01-01T00:00:05Z e"));
  next = resume.take("2026-01-01T00:00:06Z f");
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->lost_before);
}

TEST(LineResume, PassesOnWhatIsNoLogLine) {
  LineResume resume;
  EXPECT_EQ(resume.take("failed to watch file")->text, "failed to watch file");
  EXPECT_EQ(resume.take("")->text, "");
  EXPECT_EQ(resume.last(), "");
}

}  // namespace
}  // namespace fracta
