// OpenAPI v2 as protobuf, byte by byte: field numbers are those of openapi.v2.Document.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "devcluster/front/openapi_protobuf.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

// A length-delimited field of a message.
std::string field(unsigned number, const std::string& value) {
  std::string tag;
  const unsigned key = number << 3 | 2u;
  if (key < 0x80) {
    tag += static_cast<char>(key);
  } else {
    tag += static_cast<char>((key & 0x7f) | 0x80);
    tag += static_cast<char>(key >> 7);
  }
  EXPECT_LT(value.size(), 0x80u);
  return tag + static_cast<char>(value.size()) + value;
}

Json document(Json paths, Json definitions) {
  return {{"swagger", "2.0"}, {"info", Json::object()}, {"paths", paths}, {"definitions", definitions}};
}

TEST(OpenApiProtobuf, WritesDefinitionsWithTheirExtensions) {
  const Json schema = {{"type", "object"},
                       {"required", {"a"}},
                       {"properties", {{"a", {{"$ref", "#/definitions/B"}, {"x-key", "name"}}}}}};
  const std::string reference =
      field(1, "#/definitions/B") + field(31, field(1, "x-key") + field(2, field(2, "\"name\"")));
  const std::string expected =
      field(19, "a") + field(22, field(1, "object")) + field(25, field(1, field(1, "a") + field(2, reference)));
  EXPECT_EQ(encode_openapi_v2(document(Json::object(), {{"A", schema}})),
            field(1, "2.0") + field(2, "") + field(8, "") + field(9, field(1, field(1, "A") + field(2, expected))));
}

TEST(OpenApiProtobuf, WritesQueryParametersWhereClientsLookForDryRun) {
  const Json patch = {{"parameters", {{{"name", "dryRun"}, {"in", "query"}, {"type", "string"}}}},
                      {"responses", Json::object()},
                      {"x-kubernetes-group-version-kind", {{"kind", "A"}}}};
  const std::string query = field(2, "query") + field(4, "dryRun") + field(6, "string");
  const std::string operation =
      field(8, field(1, field(2, field(3, query)))) + field(9, "") +
      field(13, field(1, "x-kubernetes-group-version-kind") + field(2, field(2, R"({"kind":"A"})")));
  const std::string path = field(2, field(1, "/a") + field(2, field(8, operation)));
  EXPECT_EQ(encode_openapi_v2(document({{"/a", {{"patch", patch}}}}, Json::object())),
            field(1, "2.0") + field(2, "") + field(8, path) + field(9, ""));
}

}  // namespace
}  // namespace fracta::devcluster
