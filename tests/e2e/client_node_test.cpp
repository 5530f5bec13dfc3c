// @kubernetes/client-node, a client nobody here wrote, drives the cluster (client-node/drive.mjs). It needs node and
// the package: FRACTA_NODE_MODULES names a node_modules folder with it; `scripts/test --long` installs one.
#include "e2e/world.hpp"

namespace fracta::e2e {
namespace {

class ClientNode : public World {};

TEST_F(ClientNode, ReadsWritesWatchesAndInforms) {
  const char* modules = std::getenv("FRACTA_NODE_MODULES");
  const char* search = std::getenv("PATH");
  if (modules == nullptr || find_on_path("node", search == nullptr ? "" : search).empty())
    GTEST_SKIP() << "NOT TESTED: needs node and FRACTA_NODE_MODULES (a node_modules with @kubernetes/client-node)";
  std::filesystem::copy_file(FRACTA_SOURCE_DIR "/tests/e2e/client-node/drive.mjs", path("drive.mjs"));
  std::filesystem::create_directory_symlink(modules, path("node_modules"));
  const auto result = run({"node", "drive.mjs", ns_});
  EXPECT_EQ(result.exit_code, 0) << result.standard_output << result.standard_error;
  for (const char* part : {"objects", "refusals", "jobs", "watch", "informer"})
    EXPECT_NE(result.standard_output.find(std::string("ok ") + part + "\n"), std::string::npos) << part;
}

}  // namespace
}  // namespace fracta::e2e
