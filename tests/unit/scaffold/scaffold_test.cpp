#include "fracta/scaffold/scaffold.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/yaml.hpp"
#include "fracta/config/load.hpp"

namespace fracta::scaffold {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kExample = "deployment/auth-helpers/fetch-token-example";
constexpr const char* kControlplane = "deployment/k8s/manifests/fracta-controlplane.yaml";

class Scaffold : public ::testing::Test {
 protected:
  void SetUp() override {
    auto created = TemporaryDirectory::create();
    ASSERT_TRUE(created);
    root_ = std::make_unique<TemporaryDirectory>(*std::move(created));
    project_ = *root_ / "project";
  }
  [[nodiscard]] std::string at(const std::string& path) const { return project_ + "/" + path; }
  [[nodiscard]] std::string text(const std::string& path) const { return read_file(at(path)).value_or("<missing>"); }
  void put(const std::string& path, const std::string& content) const {
    ASSERT_TRUE(make_directories(fs::path(at(path)).parent_path().string()));
    ASSERT_TRUE(write_file_atomic(at(path), content, {.mode = 0644}));
  }
  [[nodiscard]] mode_t mode(const std::string& path) const {
    struct stat info {};
    EXPECT_EQ(stat(at(path).c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  Outcome init(bool overwrite = false) const {
    auto plan = make_plan("k8s", project_);
    EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
    if (!plan) return {};
    auto outcome = apply(*plan, overwrite);
    EXPECT_TRUE(outcome.ok()) << (outcome.ok() ? "" : outcome.error().message);
    return outcome.value_or({});
  }
  [[nodiscard]] std::string refusal(const std::string& kind = "k8s") const {
    auto plan = make_plan(kind, project_);
    return plan ? "" : plan.error().message;
  }

  std::unique_ptr<TemporaryDirectory> root_;
  std::string project_;
};

TEST_F(Scaffold, WritesTheProjectsOwnDeploymentFilesAndListsEachOne) {
  const auto outcome = init();
  EXPECT_EQ(outcome.skipped, 0U);
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(project_))
    if (entry.is_regular_file()) found.push_back(fs::relative(entry.path(), project_).string());
  EXPECT_THAT(outcome.written, ::testing::UnorderedElementsAreArray(found));
  for (const auto& path : found) {
    if (path == ".gitignore") continue;
    const std::string shipped =
        std::string(FRACTA_SOURCE_DIR) + (path == "fracta.yaml" ? "/deployment/fracta.yaml" : "/" + path);
    EXPECT_EQ(text(path), read_file(shipped).value_or("<not in deployment/>")) << path;
  }
  EXPECT_EQ(text(".gitignore"), ".fracta/\n.worktrees/\n");
}

TEST_F(Scaffold, HelpersAreExecutableWhateverTheUmask) {
  const mode_t before = umask(0077);
  init();
  umask(before);
  EXPECT_EQ(mode(kExample), 0755U);
  EXPECT_EQ(mode("deployment/auth-helpers/README.md"), 0644U);
  EXPECT_EQ(mode(kControlplane), 0644U);
  EXPECT_EQ(mode("fracta.yaml"), 0644U);
}

TEST_F(Scaffold, ASecondRunWritesNothing) {
  const auto first = init();
  const auto second = init();
  EXPECT_THAT(second.written, IsEmpty());
  EXPECT_EQ(second.skipped, first.written.size() - 1) << "all but .gitignore, which is no template";
}

TEST_F(Scaffold, ChangedFilesAreKeptReportedAndReplacedOnlyByForce) {
  init();
  put("fracta.yaml", "runtime: {backend: kubernetes}\n");
  ASSERT_EQ(chmod(at(kExample).c_str(), 0644), 0);
  ASSERT_TRUE(fs::remove(at(kControlplane)));
  auto plan = make_plan("k8s", project_);
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->paths(FileState::kDiffers), ElementsAre(kExample, "fracta.yaml"));
  EXPECT_THAT(plan->paths(FileState::kMissing), ElementsAre(kControlplane));

  EXPECT_THAT(init().written, ElementsAre(kControlplane));
  EXPECT_EQ(text("fracta.yaml"), "runtime: {backend: kubernetes}\n");
  EXPECT_THAT(init(true).written, ElementsAre(kExample, "fracta.yaml"));
  EXPECT_THAT(text("fracta.yaml"), HasSubstr("control_plane_api:"));
  EXPECT_EQ(mode(kExample), 0755U);
}

TEST_F(Scaffold, ARenamedExampleDoesNotComeBack) {
  init();
  fs::rename(at(kExample), at("deployment/auth-helpers/fetch-vertex-token"));
  EXPECT_THAT(init(true).written, IsEmpty());
  EXPECT_FALSE(fs::exists(at(kExample)));
  fs::remove(at("deployment/auth-helpers/fetch-vertex-token"));
  EXPECT_THAT(init().written, ElementsAre(kExample));
}

TEST_F(Scaffold, ManifestsOfAnotherOriginAreNamed) {
  init();
  EXPECT_THAT(make_plan("k8s", project_)->foreign, IsEmpty());
  put("deployment/k8s/manifests/agent-job-template.yaml", "kind: Job\n");
  put("deployment/k8s/manifests/notes.txt", "mine\n");
  EXPECT_THAT(make_plan("k8s", project_)->foreign, ElementsAre("deployment/k8s/manifests/agent-job-template.yaml"));
}

TEST_F(Scaffold, GitignoreKeepsItsLinesAndGetsEachEntryOnce) {
  put(".gitignore", "build/\n.fracta/");
  EXPECT_THAT(init().written, Contains(".gitignore"));
  EXPECT_EQ(text(".gitignore"), "build/\n.fracta/\n.worktrees/\n");
  EXPECT_THAT(init().written, Not(Contains(".gitignore")));
}

TEST_F(Scaffold, UnknownKindsAreNamedWithWhatThereIs) {
  EXPECT_EQ(refusal("helm"), "unknown scaffold \"helm\"; valid: k8s");
  EXPECT_THAT(refusal("local"), HasSubstr("`fracta devcluster`"));
  EXPECT_FALSE(fs::exists(project_));
}

TEST_F(Scaffold, AProjectOfAnotherKindIsRefusedUntouched) {
  put("deployment/docker-compose.yml", "services: {}\n");
  EXPECT_THAT(refusal(),
              HasSubstr("this project is already scaffolded as docker-compose; cannot re-init as k8s without losing "
                        "customizations."));
  fs::remove(at("deployment/docker-compose.yml"));
  put("fracta.yaml", "runtime:\n  backend: local\n");
  EXPECT_THAT(refusal(), HasSubstr("already scaffolded as local"));
  EXPECT_FALSE(fs::exists(at("deployment/k8s")));
  put("fracta.yaml", "runtime:\n  backend: kubernetes\n");
  EXPECT_EQ(refusal(), "");
  put("fracta.yaml", ": {not yaml");
  EXPECT_EQ(refusal(), "") << "a broken file is kept, and is no reason to refuse";
}

TEST_F(Scaffold, SymlinksAreRefusedBeforeAnythingIsWritten) {
  const std::string outside = *root_ / "outside";
  ASSERT_TRUE(make_directories(outside));
  ASSERT_TRUE(make_directories(at("deployment")));
  for (const char* link : {"deployment/auth-helpers", "deployment/k8s"}) {
    ASSERT_EQ(symlink(outside.c_str(), at(link).c_str()), 0);
    EXPECT_THAT(refusal(), HasSubstr(std::string(link) + ": a symlink")) << link;
    fs::remove(at(link));
  }
  ASSERT_TRUE(write_file_atomic(outside + "/target", "precious"));
  for (const char* link : {"fracta.yaml", ".gitignore"}) {
    ASSERT_EQ(symlink((outside + "/target").c_str(), at(link).c_str()), 0);
    EXPECT_THAT(refusal(), HasSubstr("symlink")) << link;
    fs::remove(at(link));
  }
  EXPECT_EQ(read_file(outside + "/target").value_or(""), "precious");
  EXPECT_TRUE(fs::is_empty(at("deployment")));
}

TEST_F(Scaffold, ASymlinkThatAppearsAfterTheLookIsNotFollowedEither) {
  const std::string outside = *root_ / "outside";
  ASSERT_TRUE(make_directories(outside));
  auto plan = make_plan("k8s", project_);
  ASSERT_TRUE(plan);
  ASSERT_TRUE(make_directories(at("deployment")));
  ASSERT_EQ(symlink(outside.c_str(), at("deployment/k8s").c_str()), 0);
  EXPECT_FALSE(apply(*plan, true));
  EXPECT_TRUE(fs::is_empty(outside));
}

TEST_F(Scaffold, OtherThingsInTheWayAreRefused) {
  ASSERT_TRUE(make_directories(at("fracta.yaml")));
  EXPECT_THAT(refusal(), HasSubstr("fracta.yaml"));
  fs::remove(at("fracta.yaml"));
  ASSERT_EQ(mkfifo(at("fracta.yaml").c_str(), 0600), 0);
  EXPECT_THAT(refusal(), HasSubstr("no plain file"));
}

// Both configurations, as shipped, to the validator that the daemon uses, unknown keys being errors.
TEST_F(Scaffold, BothConfigurationsAreValid) {
  init();
  auto manifests = parse_yaml_stream(text(kControlplane));
  ASSERT_TRUE(manifests);
  const std::string server = string_at(manifests->front(), "data/fracta-k8s.yaml");
  ASSERT_NE(server, "");
  for (const auto& [name, yaml] : {std::pair{"server", server}, std::pair{"client", text("fracta.yaml")}}) {
    const auto loaded =
        config::load_text(yaml, {.strict = true, .environment = [](const std::string&) { return std::nullopt; }});
    EXPECT_TRUE(loaded.config.has_value()) << name;
    for (const auto& diagnostic : loaded.diagnostics) ADD_FAILURE() << config::format_diagnostic(name, diagnostic);
  }
}

TEST_F(Scaffold, KustomizationListsEveryManifest) {
  init();
  auto kustomization = parse_yaml(text("deployment/k8s/kustomization.yaml"));
  ASSERT_TRUE(kustomization);
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(at("deployment/k8s/manifests")))
    found.push_back("manifests/" + entry.path().filename().string());
  std::sort(found.begin(), found.end());
  std::vector<std::string> listed = (*kustomization)["resources"];
  EXPECT_EQ(listed, found) << "in the order `kubectl apply -f` takes them";
  EXPECT_EQ(found.front(), "manifests/00-namespace.yaml");
}

}  // namespace
}  // namespace fracta::scaffold
