// Secret files in places where others may write: what is planted there is replaced or refused, never followed.
#include "runner/credentials/secret_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "fracta/base/file.hpp"
#include "runner/credentials/journal.hpp"

namespace fracta::runner {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

class SecretFile : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create("fracta-run-");
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return *directory_ / name; }
  static struct stat look(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  static std::string error_of(const Result<void>& result) { return result ? "" : result.error().message; }
  static Result<void> put(const std::string& path, std::string_view text = "secret") {
    return write_secret_file(path, text, ".tmp-test");
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(directory_->path())) out.push_back(entry.path().filename());
    return out;
  }
  std::optional<TemporaryDirectory> directory_;
};

TEST_F(SecretFile, IsPrivateWhateverTheUmask) {
  const mode_t before = umask(0);
  EXPECT_EQ(error_of(put(path("f"))), "");
  umask(0777);
  EXPECT_EQ(error_of(put(path("g"))), "");
  umask(before);
  EXPECT_EQ(look(path("f")).st_mode & 07777, 0600u);
  EXPECT_EQ(look(path("g")).st_mode & 07777, 0600u);
  EXPECT_EQ(*read_file(path("f")), "secret");
  EXPECT_EQ(names().size(), 2u) << "no temporary file is left";
}

TEST_F(SecretFile, ASymbolicLinkIsReplacedNotFollowed) {
  std::ofstream(path("victim")) << "mine";
  fs::create_symlink(path("victim"), path("f"));
  EXPECT_EQ(error_of(put(path("f"))), "");
  EXPECT_TRUE(S_ISREG(look(path("f")).st_mode));
  EXPECT_EQ(*read_file(path("victim")), "mine");
  fs::create_symlink(path("nowhere"), path("dangling"));
  EXPECT_EQ(error_of(put(path("dangling"))), "");
  EXPECT_FALSE(fs::exists(path("nowhere")));
}

TEST_F(SecretFile, ATemporaryFileOfAnEarlierRunIsNoHindrance) {
  std::ofstream(path("victim")) << "mine";
  fs::create_symlink(path("victim"), path("f.tmp-test"));
  EXPECT_EQ(error_of(put(path("f"))), "");
  EXPECT_EQ(*read_file(path("victim")), "mine");
  EXPECT_EQ(*read_file(path("f")), "secret");
}

TEST_F(SecretFile, AFileAnybodyCouldReadBecomesAPrivateOne) {
  std::ofstream(path("f")) << "old";
  chmod(path("f").c_str(), 0666);
  const int reader = open(path("f").c_str(), O_RDONLY | O_CLOEXEC);  // somebody waits for the secret to appear
  EXPECT_EQ(error_of(put(path("f"))), "");
  EXPECT_EQ(look(path("f")).st_mode & 07777, 0600u);
  std::array<char, 16> seen{};
  EXPECT_EQ(read(reader, seen.data(), seen.size()), 3) << "the old file, not the secret";
  close(reader);
}

TEST_F(SecretFile, AHardLinkKeepsItsOldContent) {
  std::ofstream(path("victim")) << "mine";
  fs::create_hard_link(path("victim"), path("f"));
  EXPECT_EQ(error_of(put(path("f"))), "");
  EXPECT_EQ(*read_file(path("victim")), "mine");
}

TEST_F(SecretFile, ADirectoryInItsPlaceIsRefused) {
  fs::create_directory(path("f"));
  EXPECT_THAT(error_of(put(path("f"))), HasSubstr("is a directory"));
  EXPECT_THAT(names(), ElementsAre("f"));
}

TEST_F(SecretFile, ThePathMustBePlain) {
  for (const std::string bad : {"relative", "/tmp/../etc/x", "/tmp/./x", "/tmp/", ""})
    EXPECT_THAT(error_of(put(bad)), HasSubstr("no absolute path")) << bad;
  EXPECT_THAT(error_of(put(std::string("/tmp/a\0b", 8))), HasSubstr("no absolute path"));
}

TEST_F(SecretFile, MissingDirectoriesAreMadePrivate) {
  EXPECT_EQ(error_of(put(path("a/b/f"))), "");
  EXPECT_EQ(look(path("a")).st_mode & 0777, 0700u);
  EXPECT_EQ(look(path("a/b")).st_mode & 0777, 0700u);
}

TEST_F(SecretFile, RemovingIsForOursOnlyAndIdempotent) {
  EXPECT_EQ(error_of(put(path("f"))), "");
  EXPECT_EQ(error_of(remove_secret_file(path("f"))), "");
  EXPECT_EQ(error_of(remove_secret_file(path("f"))), "");
  EXPECT_EQ(error_of(remove_secret_file(path("no/such/dir/f"))), "");
  std::ofstream(path("victim")) << "mine";
  fs::create_symlink(path("victim"), path("link"));
  EXPECT_EQ(error_of(remove_secret_file(path("link"))), "");
  EXPECT_TRUE(fs::exists(path("victim")));
  fs::create_directory(path("d"));
  EXPECT_EQ(error_of(remove_secret_file(path("d"))), "");
  EXPECT_TRUE(fs::exists(path("d")));
}

// Somebody swaps links and files at the place and its temporary name as fast as they can: the secret must not land
// anywhere else, and nothing else may be changed.
TEST_F(SecretFile, ARaceOverThePlaceLeaksNothing) {
  std::ofstream(path("victim")) << "mine";
  std::atomic<bool> stop = false;
  std::thread attacker([&] {
    while (!stop) {
      for (const char* name : {"f", "f.tmp-test"}) {
        std::error_code ignored;
        fs::remove(path(name), ignored);
        fs::create_symlink(path("victim"), path(name), ignored);
      }
    }
  });
  for (int i = 0; i < 300; ++i) (void)put(path("f"), "secret" + std::to_string(i));
  stop = true;
  attacker.join();
  EXPECT_EQ(*read_file(path("victim")), "mine");
  EXPECT_EQ(error_of(put(path("f"))), "");
  EXPECT_TRUE(S_ISREG(look(path("f")).st_mode));
}

// ---- Other users. Root only: it takes one to be another. ----

// Runs `body` as uid 4242 in a process of its own; its text comes back.
std::string as_somebody(const std::function<std::string()>& body) {
  std::array<int, 2> pipe_fd{};
  if (pipe(pipe_fd.data()) != 0) return "no pipe";
  const pid_t pid = fork();
  if (pid == 0) {
    if (setgid(4242) != 0 || setuid(4242) != 0) _exit(1);
    const std::string text = body();
    [[maybe_unused]] const auto written = write(pipe_fd[1], text.data(), text.size());
    _exit(0);
  }
  close(pipe_fd[1]);
  std::string out(4096, '\0');
  const auto got = read(pipe_fd[0], out.data(), out.size());
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  close(pipe_fd[0]);
  waitpid(pid, nullptr, 0);
  return out;
}

class OtherUsers : public SecretFile {
 protected:
  void SetUp() override {
    SecretFile::SetUp();
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    chmod(directory_->path().c_str(), 01777);
  }
};

TEST_F(OtherUsers, TheirFileInAStickyDirectoryIsRefused) {
  std::ofstream(path("f")) << "planted";
  chmod(path("f").c_str(), 0666);
  EXPECT_THAT(as_somebody([&] { return error_of(put(path("f"))); }), HasSubstr("belongs to another user (0)"));
  EXPECT_EQ(*read_file(path("f")), "planted");
}

TEST_F(OtherUsers, TheirLinkInAStickyDirectoryIsRefused) {
  std::ofstream(path("victim")) << "mine";
  chmod(path("victim").c_str(), 0666);
  fs::create_symlink(path("victim"), path("f"));
  EXPECT_THAT(as_somebody([&] { return error_of(put(path("f"))); }), HasSubstr("belongs to another user"));
  EXPECT_EQ(*read_file(path("victim")), "mine");
}

TEST_F(OtherUsers, TheirDirectoryOnTheWayIsRefused) {
  fs::create_directory(path("theirs"));
  chmod(path("theirs").c_str(), 0777);
  ASSERT_EQ(chown(path("theirs").c_str(), 5151, 5151), 0);
  EXPECT_THAT(as_somebody([&] { return error_of(put(path("theirs/f"))); }),
              HasSubstr("belongs to another user (5151)"));
  EXPECT_THAT(as_somebody([&] { return error_of(put(path("theirs/sub/f"))); }), HasSubstr("another user (5151)"));
  EXPECT_EQ(error_of(put("/tmp/x/../y")).empty(), false);
}

TEST_F(OtherUsers, TheirLinkToADirectoryOnTheWayIsRefused) {
  fs::create_directory(path("real"));
  chmod(path("real").c_str(), 0777);
  fs::create_symlink(path("real"), path("way"));
  ASSERT_EQ(lchown(path("way").c_str(), 5151, 5151), 0);
  EXPECT_THAT(as_somebody([&] { return error_of(put(path("way/f"))); }), HasSubstr("is a symbolic link"));
  EXPECT_TRUE(fs::is_empty(path("real")));
  ASSERT_EQ(lchown(path("way").c_str(), 0, 0), 0);
  EXPECT_EQ(as_somebody([&] { return error_of(put(path("way/f"))); }), "") << "root's links are the system's own";
}

TEST_F(OtherUsers, RootReplacesWhatTheyPlanted) {
  std::ofstream(path("victim")) << "mine";
  fs::create_symlink(path("victim"), path("f"));
  ASSERT_EQ(lchown(path("f").c_str(), 5151, 5151), 0);
  EXPECT_EQ(error_of(put(path("f"))), "");
  EXPECT_EQ(*read_file(path("victim")), "mine");
  EXPECT_EQ(look(path("f")).st_uid, 0u);
}

// ---- The journal ----

class JournalTest : public SecretFile {
 protected:
  Result<Journal> open() { return Journal::open(directory_->path()); }
  [[nodiscard]] std::string file() const { return path(".fracta-agent-credentials." + std::to_string(geteuid())); }
};

TEST_F(JournalTest, TheNextRunRemovesWhatAKilledOneLeft) {
  {
    auto journal = open();
    ASSERT_TRUE(journal);
    ASSERT_TRUE(journal->note({path("kubeconfig"), path("kubeconfig.tmp-1"), path("gone")}).ok());
    EXPECT_EQ(error_of(put(path("kubeconfig"))), "");
    EXPECT_EQ(error_of(put(path("kubeconfig.tmp-1"))), "");
  }  // as after SIGKILL: the lock is gone, the files are not
  auto next = open();
  ASSERT_TRUE(next);
  EXPECT_THAT(next->removed(), ElementsAre(path("kubeconfig"), path("kubeconfig.tmp-1")));
  next->finish();
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(JournalTest, ARunThatStillLivesKeepsItsFiles) {
  auto first = open();
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->note({path("kubeconfig")}).ok());
  EXPECT_EQ(error_of(put(path("kubeconfig"))), "");
  auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(fs::exists(path("kubeconfig")));
}

TEST_F(JournalTest, OnlyFilesLikeItsOwnAreRemoved) {
  std::ofstream(path("notes")) << "a person's";
  chmod(path("notes").c_str(), 0644);
  fs::create_symlink(path("notes"), path("link"));
  {
    auto journal = open();
    ASSERT_TRUE(journal);
    ASSERT_TRUE(journal->note({path("notes"), path("link"), "relative", "/etc/../etc/hostname"}).ok());
  }
  auto next = open();
  ASSERT_TRUE(next);
  EXPECT_THAT(next->removed(), IsEmpty());
  EXPECT_TRUE(fs::exists(path("notes")));
}

TEST_F(JournalTest, OneThatIsNotOursIsNotBelieved) {
  fs::create_symlink("/dev/null", file());
  EXPECT_FALSE(open());
  fs::remove(file());
  std::ofstream(file()) << path("x") << "\n";
  chmod(file().c_str(), 0666);
  auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("is not a private file of ours"));
  chmod(file().c_str(), 0600);
  fs::create_hard_link(file(), path("second-name"));
  EXPECT_FALSE(open());
}

}  // namespace
}  // namespace fracta::runner
