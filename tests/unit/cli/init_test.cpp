// fracta init, as typed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>

#include "fracta/base/file.hpp"
#include "fracta/cli/cli.hpp"
#include "fracta/version.hpp"

namespace fracta::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Init : public ::testing::Test {
 protected:
  void SetUp() override {
    auto created = TemporaryDirectory::create();
    ASSERT_TRUE(created);
    root_ = std::make_unique<TemporaryDirectory>(*std::move(created));
  }
  int init(std::vector<std::string> more, const std::string& input = "") {
    std::vector<std::string> arguments{"init", "--dir", root_->path()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::istringstream in(input);
    out_.str("");
    err_.str("");
    Context context{.out = out_,
                    .err = err_,
                    .in = in,
                    .environment = [](const std::string&) { return std::optional<std::string>{}; },
                    .stop = {}};
    return run(arguments, context);
  }
  [[nodiscard]] std::string client_config() const { return read_file(*root_ / "fracta.yaml").value_or("<missing>"); }

  std::unique_ptr<TemporaryDirectory> root_;
  std::ostringstream out_, err_;
};

TEST_F(Init, ReportsWhatItDid) {
  ASSERT_EQ(init({"--scaffold", "k8s"}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), ::testing::StartsWith("Fracta initialized successfully.\n  scaffold: k8s\n  source:   "
                                                "embedded (fracta " +
                                                std::string(kVersion) + ")\n  files:    "));
  EXPECT_THAT(out_.str(), HasSubstr(" written, 0 skipped\nwritten:\n  deployment/auth-helpers/README.md\n"));
  EXPECT_THAT(err_.str(), HasSubstr("kubectl is not on PATH"));
  ASSERT_EQ(init({"--scaffold=k8s"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("  files:    0 written, "));
  EXPECT_THAT(out_.str(), Not(HasSubstr("differ")));
}

TEST_F(Init, NamesDriftAndKeepsTheFile) {
  ASSERT_EQ(init({"--scaffold", "k8s"}), kExitOk);
  ASSERT_TRUE(write_file_atomic(*root_ / "fracta.yaml", "mine: 1\n"));
  ASSERT_EQ(init({"--scaffold", "k8s", "--yes"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("kept, though they differ from the template (--force replaces them):\n"
                                    "  fracta.yaml\n"));
  EXPECT_EQ(client_config(), "mine: 1\n");
}

TEST_F(Init, ForceAsksUnlessYes) {
  ASSERT_EQ(init({"--scaffold", "k8s", "--force"}), kExitOk) << "nothing to lose, nothing to ask";
  ASSERT_TRUE(write_file_atomic(*root_ / "fracta.yaml", "mine: 1\n"));
  for (const char* answer : {"n\n", "\n", ""}) {
    EXPECT_EQ(init({"--scaffold", "k8s", "--force"}, answer), kExitFailed);
    EXPECT_EQ(err_.str(), "aborted\n");
    EXPECT_EQ(client_config(), "mine: 1\n");
  }
  EXPECT_EQ(init({"--scaffold", "k8s", "--force"}, "y\n"), kExitOk);
  EXPECT_THAT(client_config(), HasSubstr("control_plane_api"));
  ASSERT_TRUE(write_file_atomic(*root_ / "fracta.yaml", "mine: 1\n"));
  EXPECT_EQ(init({"--scaffold", "k8s", "--force", "--yes"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("1 written"));
}

TEST_F(Init, WrongUsage) {
  EXPECT_EQ(init({}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("required flag \"scaffold\" not set; valid: k8s"));
  EXPECT_EQ(init({"--scaffold", "nomad"}), kExitFailed);
  EXPECT_THAT(err_.str(), HasSubstr("unknown scaffold \"nomad\"; valid: k8s"));
  EXPECT_TRUE(std::filesystem::is_empty(root_->path()));
}

}  // namespace
}  // namespace fracta::cli
