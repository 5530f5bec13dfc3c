#include "fracta/config/reference.hpp"

#include <fstream>
#include <sstream>

namespace fracta::config {
namespace {

// To write it anew: FRACTA_UPDATE_DOCS=1 build/dev/tests/unit_config --gtest_filter=Reference.*
TEST(Reference, ThePageInDocsIsUpToDate) {
  const std::string path = FRACTA_SOURCE_DIR "/docs/configuration.md";
  if (std::getenv("FRACTA_UPDATE_DOCS") != nullptr) std::ofstream(path) << reference_markdown();
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), reference_markdown());
}

}  // namespace
}  // namespace fracta::config
