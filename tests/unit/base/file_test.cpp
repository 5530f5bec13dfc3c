#include "fracta/base/file.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace fracta {
namespace {

struct File : testing::Test {
  TemporaryDirectory directory = *TemporaryDirectory::create();
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory.path()), {}));
  }
};

TEST_F(File, AtomicWriteIsPrivateAndLeavesNoTemporary) {
  const std::string path = directory / "secret";
  ASSERT_TRUE(write_file_atomic(path, "one"));
  ASSERT_TRUE(write_file_atomic(path, "two"));
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  EXPECT_EQ(*read_file(path), "two");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(File, SymlinkIsReplacedNeverFollowed) {
  ASSERT_TRUE(write_file_atomic(directory / "victim", "untouched"));
  ASSERT_EQ(::symlink((directory / "victim").c_str(), (directory / "secret").c_str()), 0);
  ASSERT_TRUE(write_file_atomic(directory / "secret", "token"));
  EXPECT_EQ(*read_file(directory / "victim"), "untouched");
  EXPECT_FALSE(std::filesystem::is_symlink(directory / "secret"));
}

TEST_F(File, FailureNamesThePathAndLeavesNothing) {
  const auto result = write_file_atomic(directory / "missing/file", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(result.error().message, testing::HasSubstr("missing/file"));
  std::filesystem::create_directory(directory / "taken");
  EXPECT_FALSE(write_file_atomic(directory / "taken", "x"));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(File, ReadHasALimitAndRefusesOddFiles) {
  ASSERT_TRUE(write_file_atomic(directory / "big", std::string(1000, 'x')));
  EXPECT_EQ(read_file(directory / "big", 999).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(read_file(directory.path()).error().code, ErrorCode::kInvalid);
  ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(directory / "fifo").error().code, ErrorCode::kInvalid);
}

TEST_F(File, MakeDirectories) {
  ASSERT_TRUE(make_directories(directory / "a/b/c", 0700));
  ASSERT_TRUE(make_directories(directory / "a/b/c"));
  ASSERT_TRUE(write_file_atomic(directory / "plain", ""));
  EXPECT_FALSE(make_directories(directory / "plain"));
}

}  // namespace
}  // namespace fracta
