// fracta config validate|show: forms, exit codes, and no secret on the screen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "fake_daemon.hpp"
#include "fracta/base/file.hpp"

namespace fracta::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ConfigVerb : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create();
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    file_ = *directory_ / "fracta.yaml";
  }
  void write(const std::string& text) const { std::ofstream(file_) << text; }
  Outcome validate(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"config", "validate", "--config", file_});
    return run_cli(more);
  }
  std::optional<TemporaryDirectory> directory_;
  std::string file_;
};

constexpr const char* kMismatch = R"(runtime:
  backend: kubernetes
  kubernetes:
    image: i
    extra_volumes:
      - name: auth-helpers
        configMap: {name: fracta-auth-helpers}
    extra_volume_mounts:
      - name: nonexistent
        mountPath: /opt/fracta/auth-helpers
)";

TEST_F(ConfigVerb, ValidIsZero) {
  write("runtime:\n  backend: kubernetes\n  kubernetes:\n    image: i\n");
  const auto outcome = validate();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr(file_ + ": valid"));
}

TEST_F(ConfigVerb, MountMismatchIsOneAndNamesItsLineAndTheValidNames) {
  write(kMismatch);
  const auto outcome = validate();
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr(file_ + ":9:"));
  EXPECT_THAT(outcome.err, HasSubstr("runtime.kubernetes.extra_volume_mounts[0].name"));
  EXPECT_THAT(outcome.err, HasSubstr("nonexistent"));
  EXPECT_THAT(outcome.err, HasSubstr("agent-config, auth-helpers, auth-secret, workspace"));
}

TEST_F(ConfigVerb, JsonForMachines) {
  write(kMismatch);
  const auto outcome = validate({"-o", "json"});
  EXPECT_EQ(outcome.code, 1);
  const auto json = parse_json(outcome.out);
  ASSERT_TRUE(json) << outcome.out;
  EXPECT_FALSE(bool_at(*json, "valid", true));
  EXPECT_FALSE(json->at("diagnostics").empty());
  EXPECT_EQ(outcome.err, "");
}

TEST_F(ConfigVerb, UnknownKeyIsAWarningAndWithStrictAnError) {
  write("runtime:\n  backend: kubernetes\n  kubernetes:\n    image: i\n    extra_volume: []\n");
  const auto warned = validate();
  EXPECT_EQ(warned.code, 0);
  EXPECT_THAT(warned.err, HasSubstr("warning: "));
  EXPECT_THAT(warned.out, HasSubstr("(1 warning)"));
  EXPECT_EQ(validate({"--strict"}).code, 1);
}

TEST_F(ConfigVerb, MissingFileIsOneAndNamed) {
  const auto outcome = validate();
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr(file_));
}

TEST_F(ConfigVerb, ShowPrintsDefaultsAndHashWithoutSecrets) {
  write(
      "runtime:\n  backend: kubernetes\n  kubernetes:\n    image: i\n  state:\n    driver: postgres\n    postgres:\n"
      "      dsn: postgres://u:hunter2@db/x\n");
  const auto outcome = run_cli({"config", "show", "--config", file_});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("# hash: "));
  EXPECT_THAT(outcome.out, HasSubstr("namespace: fracta"));
  EXPECT_THAT(outcome.out + outcome.err, Not(HasSubstr("hunter2")));
  const auto json = parse_json(run_cli({"config", "show", "--config", file_, "-o", "json"}).out);
  ASSERT_TRUE(json);
  EXPECT_EQ(string_at(*json, "config/runtime/kubernetes/namespace"), "fracta");
}

}  // namespace
}  // namespace fracta::cli
