// A configuration where operators keep it: inside the ConfigMap of a manifest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "fracta/base/file.hpp"
#include "fracta/config/load.hpp"

namespace fracta::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kManifest = R"(# head
apiVersion: v1
kind: ConfigMap
metadata:
  name: fracta-controlplane-config
data:
  # what the daemon reads
  fracta-k8s.yaml: |
    runtime:
      backend: kubernetes
      kubernetes:
        image: agent:1

        namespaces: typo
---
apiVersion: v1
kind: Service
metadata: {name: s}
)";

class Manifest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create();
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    file_ = *directory_ / "m.yaml";
  }
  std::vector<std::string> problems(const std::string& text, bool strict = false) {
    std::ofstream(file_) << text;
    std::vector<std::string> lines;
    auto loaded = load_file(file_, {.strict = strict, .environment = process_environment()});
    for (const auto& diagnostic : loaded.diagnostics) lines.push_back(format_diagnostic("m.yaml", diagnostic));
    config_ = std::move(loaded.config);
    return lines;
  }
  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  }
  std::optional<TemporaryDirectory> directory_;
  std::string file_;
  std::optional<Config> config_;
};

TEST_F(Manifest, ItsConfigurationIsReadAndPositionsAreTheManifests) {
  EXPECT_THAT(problems(kManifest, true), ElementsAre(HasSubstr("m.yaml:14:9: runtime.kubernetes.namespaces: ")));
  EXPECT_THAT(problems(replaced(kManifest, "        namespaces: typo\n", "")), IsEmpty());
  ASSERT_TRUE(config_);
  EXPECT_EQ(config_->kubernetes.image, "agent:1");
}

TEST_F(Manifest, QuotedKeysAndChompingAreBlocksToo) {
  EXPECT_THAT(problems(replaced(replaced(kManifest, "fracta-k8s.yaml: |", "\"fracta-k8s.yaml\": |- # text"),
                                "        namespaces: typo\n", "")),
              IsEmpty());
}

TEST_F(Manifest, WithoutASingleConfigurationItIsWhatItAlwaysWas) {
  const std::string two = std::string(kManifest) + "---\n" + kManifest;
  EXPECT_THAT(problems(two), ElementsAre(HasSubstr("a second document")));
  EXPECT_THAT(problems(replaced(kManifest, "kind: ConfigMap", "kind: Secret")),
              ElementsAre(HasSubstr("a second document")));
  EXPECT_THAT(problems(replaced(kManifest, "\ndata:", "\nbinaryData:")), ElementsAre(HasSubstr("a second document")));
}

TEST_F(Manifest, AConfigurationWithSuchAKeySomewhereInsideIsNoManifest) {
  EXPECT_THAT(problems("runtime:\n  backend: kubernetes\n  kubernetes: {image: i}\n"), IsEmpty());
  EXPECT_TRUE(config_);
}

}  // namespace
}  // namespace fracta::config
