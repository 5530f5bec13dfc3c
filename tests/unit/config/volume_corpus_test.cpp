// tests/data/volumes holds documents with the verdicts and words of real API servers. This test holds the offline check
// to them: same verdict, same errors at the same places, and exactly the warnings written there.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fracta/base/yaml.hpp"
#include "fracta/config/volumes.hpp"

namespace fracta::config {
namespace {

struct Case {
  std::string file;
  Json body;
};

std::vector<Case> corpus() {
  std::vector<Case> cases;
  for (const auto& entry : std::filesystem::directory_iterator(FRACTA_SOURCE_DIR "/tests/data/volumes")) {
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    auto parsed = parse_yaml(text.str());
    if (!parsed) {
      ADD_FAILURE() << entry.path() << ": " << parsed.error().message;
      continue;
    }
    for (const Json& item : *parsed) cases.push_back({entry.path().filename().string(), item});
  }
  return cases;
}

using Finding = std::pair<std::string, std::string>;

std::multiset<Finding> expected(const Json& body, const char* key) {
  std::multiset<Finding> result;
  if (!body.contains(key)) return result;
  for (const Json& item : body[key])
    result.insert({item["field"].get<std::string>(), item["message"].get<std::string>()});
  return result;
}

std::multiset<Finding> found(const std::vector<Diagnostic>& diagnostics, Severity severity) {
  std::multiset<Finding> result;
  for (const Diagnostic& d : diagnostics) {
    if (d.severity == severity) result.insert({d.path, d.message});
  }
  return result;
}

TEST(VolumeCorpus, AgreesWithRealApiServers) {
  const std::vector<Case> cases = corpus();
  ASSERT_GE(cases.size(), 300u);
  const Json none;
  for (const Case& item : cases) {
    SCOPED_TRACE(item.file + ": " + item.body["name"].get<std::string>());
    const auto diagnostics = validate_extra_volumes(item.body.value("volumes", none), item.body.value("mounts", none));
    EXPECT_EQ(!has_errors(diagnostics), item.body["valid"].get<bool>());
    EXPECT_EQ(found(diagnostics, Severity::kError), expected(item.body, "errors"));
    EXPECT_EQ(found(diagnostics, Severity::kWarning), expected(item.body, "warnings"));
  }
}

TEST(VolumeCorpus, CoversEverySource) {
  std::set<std::string> sources;
  for (const Case& item : corpus()) {
    for (const Json& volume : item.body.value("volumes", Json::array())) {
      if (!volume.is_object() || !item.body["valid"].get<bool>()) continue;
      for (const auto& [key, value] : volume.items()) sources.insert(key);
    }
  }
  for (const char* source : {"awsElasticBlockStore",
                             "azureDisk",
                             "azureFile",
                             "cephfs",
                             "cinder",
                             "configMap",
                             "csi",
                             "downwardAPI",
                             "emptyDir",
                             "ephemeral",
                             "fc",
                             "flexVolume",
                             "flocker",
                             "gcePersistentDisk",
                             "gitRepo",
                             "glusterfs",
                             "hostPath",
                             "image",
                             "iscsi",
                             "nfs",
                             "persistentVolumeClaim",
                             "photonPersistentDisk",
                             "portworxVolume",
                             "projected",
                             "quobyte",
                             "rbd",
                             "scaleIO",
                             "secret",
                             "storageos",
                             "vsphereVolume"}) {
    EXPECT_EQ(sources.count(source), 1u) << source;
  }
}

TEST(Volumes, BidirectionalPropagationIsForPrivilegedContainers) {
  const Json volumes = Json::parse(R"([{"name": "a", "hostPath": {"path": "/x"}}])");
  const Json mounts = Json::parse(R"([{"name": "a", "mountPath": "/a", "mountPropagation": "Bidirectional"}])");
  EXPECT_TRUE(has_errors(validate_extra_volumes(volumes, mounts)));
  EXPECT_FALSE(has_errors(validate_extra_volumes(volumes, mounts, {"/workspace", true})));
}

TEST(Volumes, TheWorkspacePathIsTheConfiguredOne) {
  const Json mounts = Json::parse(R"([{"name": "workspace", "mountPath": "/data"}])");
  EXPECT_FALSE(has_errors(validate_extra_volumes(Json::array(), mounts)));
  EXPECT_TRUE(has_errors(validate_extra_volumes(Json::array(), mounts, {"/data", false})));
}

TEST(Volumes, AnyJsonIsAnswered) {
  for (const char* text :
       {"null", "5", "\"x\"", "{}", "[]", "[[]]", "[{\"name\": {}}]", "[{\"projected\": {\"sources\": 1}}]",
        "[{\"name\": \"\\u0000\", \"iscsi\": {\"lun\": 99999999999999999999}}]"}) {
    const Json value = Json::parse(text);
    validate_extra_volumes(value, value);
    validate_extra_volumes(Json::array(), value);
  }
}

}  // namespace
}  // namespace fracta::config
