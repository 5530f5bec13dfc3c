#include "fracta/base/subprocess.hpp"

#include "fracta/base/file.hpp"

namespace fracta {
namespace {
using namespace std::chrono_literals;

CommandOptions shell(const std::string& script) {
  CommandOptions options;
  options.argv = {"sh", "-c", script};
  return options;
}

TEST(Subprocess, CollectsOutputsAndExitCode) {
  auto options = shell("cat; echo err >&2; exit 3");
  options.standard_input = "in";
  const auto result = run_command(options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->standard_output, "in");
  EXPECT_EQ(result->standard_error, "err\n");
}

TEST(Subprocess, EnvironmentIsOnlyWhatWasGiven) {
  auto options = shell("echo \"$HOME|$ONLY\"");
  options.environment = {{"PATH=/usr/bin:/bin", "ONLY=this"}};
  EXPECT_EQ(run_command(options)->standard_output, "|this\n");
}

TEST(Subprocess, TimeOutEndsTheWholeGroupEvenWhenItIgnoresTerm) {
  auto options = shell("trap '' TERM; sleep 60 & sleep 60");
  options.timeout = 100ms;
  options.kill_grace = 100ms;
  const auto result = run_command(options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDeadlineExceeded);
}

TEST(Subprocess, TooMuchOutputIsAnErrorAndNotKept) {
  auto options = shell("yes");
  options.max_stdout = 1000;
  const auto result = run_command(options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
}

TEST(Subprocess, LongStandardErrorIsCut) {
  auto options = shell("head -c 100000 /dev/zero | tr '\\0' x >&2");
  options.max_stderr = 10;
  EXPECT_EQ(run_command(options)->standard_error, "xxxxxxxxxx");
}

TEST(Subprocess, OfStandardErrorTheEndIsKept) {
  CommandOptions options;
  options.argv = {"sh", "-c", "yes progress | head -c 100000 >&2; echo 'and then: no such role' >&2"};
  const auto result = run_command(options);
  ASSERT_TRUE(result);
  EXPECT_LE(result->standard_error.size(), options.max_stderr);
  EXPECT_TRUE(result->standard_error.ends_with("and then: no such role\n"));
}

TEST(Subprocess, AChildThatNeverStopsWritingToStandardErrorIsStoppedInTime) {
  CommandOptions options;
  options.argv = {"sh", "-c", "exec yes >&2"};
  options.timeout = std::chrono::milliseconds{200};
  EXPECT_EQ(run_command(options).error().code, ErrorCode::kDeadlineExceeded);
}

TEST(Subprocess, BackgroundChildDoesNotKeepUs) {
  const auto result = run_command(shell("sleep 60 & echo done"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->standard_output, "done\n");
}

TEST(Subprocess, UnknownProgramAndStop) {
  CommandOptions options;
  options.argv = {"no-such-program-anywhere"};
  EXPECT_EQ(run_command(options).error().code, ErrorCode::kNotFound);
  std::stop_source stop;
  stop.request_stop();
  auto waiting = shell("sleep 60");
  waiting.stop = stop.get_token();
  EXPECT_EQ(run_command(waiting).error().code, ErrorCode::kCanceled);
}

TEST(Subprocess, PathLookUpTakesExecutableRegularFilesOnly) {
  const auto directory = *TemporaryDirectory::create();
  ASSERT_TRUE(write_file_atomic(directory / "tool", "#!/bin/sh\n", {.mode = 0644}));
  EXPECT_EQ(find_on_path("tool", directory.path() + ":/bin"), "");
  ASSERT_TRUE(write_file_atomic(directory / "tool", "#!/bin/sh\n", {.mode = 0755}));
  EXPECT_EQ(find_on_path("tool", "/nowhere:" + directory.path()), directory / "tool");
}

}  // namespace
}  // namespace fracta
