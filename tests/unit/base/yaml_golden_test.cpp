// tests/data/yaml/golden.json holds texts and what sigs.k8s.io/yaml 1.3 (strict) made of them; recorded from the Go
// library. Kept differences: a key given as text and as number ("1" and 1) is a duplicate here, and own keys win over
// merged ones where the strict Go reader calls that a duplicate.
#include <fstream>

#include "fracta/base/yaml.hpp"

namespace fracta {
namespace {

Json golden() {
  std::ifstream file(FRACTA_SOURCE_DIR "/tests/data/yaml/golden.json");
  return Json::parse(file);
}

TEST(YamlGolden, ReadsTextsAsKubernetesDoes) {
  const Json cases = golden();
  ASSERT_GE(cases.size(), 200u);
  for (const Json& item : cases) {
    const auto result = parse_yaml(item["yaml"].get<std::string>());
    SCOPED_TRACE(item["yaml"].dump());
    if (item.contains("error")) {
      EXPECT_FALSE(result.ok()) << result->dump();
    } else if (result.ok()) {
      EXPECT_EQ(*result, item["json"]);
      EXPECT_EQ(result->is_string(), item["json"].is_string());
    } else {
      ADD_FAILURE() << result.error().message;
    }
  }
}

TEST(YamlGolden, KeysKeepTheirTextWhenAsked) {
  YamlLimits limits;
  limits.keys_as_written = true;
  const auto result = parse_yaml("{x: 1, y: 2, 0755: 3, on: 4, 1.10: 5}", limits);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*result, Json::parse(R"({"x":1,"y":2,"0755":3,"on":4,"1.10":5})"));
}

TEST(YamlGolden, JsonIsReadAsJson) {
  const auto result = parse_yaml(R"({"a": "\/ \ud83d\ude00", "b": [1, 2.5]})");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ((*result)["a"], "/ \xF0\x9F\x98\x80");
}

}  // namespace
}  // namespace fracta
