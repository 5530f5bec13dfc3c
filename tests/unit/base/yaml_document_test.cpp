#include "fracta/base/yaml.hpp"

namespace fracta {
namespace {

YamlDocument document_of(std::string_view text, const ScalarHook& hook = {}) {
  auto parsed = parse_yaml_document(text, {}, hook);
  if (const auto* error = std::get_if<YamlError>(&parsed)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<YamlDocument>(std::move(parsed));
}

TEST(YamlDocument, PositionsPointAtKeysAndItems) {
  const auto document = document_of("a: 1\nb:\n  c:\n    - x: 1\n    - y: 2\n      \"z.w\": 3\n");
  EXPECT_EQ(document.position_of("a"), (TextPosition{1, 1}));
  EXPECT_EQ(document.position_of("b.c"), (TextPosition{3, 3}));
  EXPECT_EQ(document.position_of("b.c[1]"), (TextPosition{5, 7}));
  EXPECT_EQ(document.position_of("b.c[1].y"), (TextPosition{5, 7}));
  EXPECT_EQ(document.position_of("b.c[1][\"z.w\"]"), (TextPosition{6, 7}));
}

TEST(YamlDocument, AMissingPathHasThePlaceOfItsNearestAncestor) {
  const auto document = document_of("a:\n  b: {}\n");
  EXPECT_EQ(document.position_of("a.b.c[3].d"), (TextPosition{2, 3}));
  EXPECT_EQ(document.position_of("a.x"), (TextPosition{1, 1}));
  EXPECT_EQ(document.position_of("zzz"), (TextPosition{1, 1}));
  EXPECT_EQ(document.position_of("a[\"k.l\"].m"), (TextPosition{1, 1}));
}

TEST(YamlDocument, ColumnsCountCharacters) {
  const auto document = document_of("{\"\xC3\xA9\": 1, b: 2}");
  EXPECT_EQ(document.position_of("b"), (TextPosition{1, 10}));
}

TEST(YamlDocument, KeepsTheTextOfNumbersAndBooleans) {
  const auto document = document_of("v: 1.10\nm: 0755\nb: yes\nq: \"1.10\"\nl: [007]\n");
  EXPECT_EQ(document.plain_texts.at("v"), "1.10");
  EXPECT_EQ(document.plain_texts.at("m"), "0755");
  EXPECT_EQ(document.plain_texts.at("b"), "yes");
  EXPECT_EQ(document.plain_texts.at("l[0]"), "007");
  EXPECT_EQ(document.plain_texts.count("q"), 0u);
}

TEST(YamlDocument, TheHookSeesScalarsBeforeTheyHaveAType) {
  std::vector<std::string> seen;
  const auto document = document_of("a: ${N}\n'b': \"${N}\"\n# ${N}\nc: [x, 1]\n", [&](YamlScalar& scalar) {
    seen.push_back((scalar.key ? "key " : "") + scalar.text + (scalar.plain ? " plain" : ""));
    if (scalar.text == "${N}") scalar.text = "0x10";
  });
  EXPECT_THAT(
      seen, ::testing::ElementsAre("key a plain", "${N} plain", "key b", "${N}", "key c plain", "x plain", "1 plain"));
  EXPECT_EQ((*document.value)["a"], 16);
  EXPECT_EQ((*document.value)["b"], "0x10");
}

TEST(YamlDocument, AReplacedTextStaysOneScalar) {
  const std::string evil = "x\nadmin: true\n- [a, {b: &c *d}] # <<";
  const auto document = document_of("a: V\nc: V\nb: {V: 1}\n", [&](YamlScalar& scalar) {
    if (scalar.text == "V") scalar.text = evil;
    if (scalar.text == "b") scalar.text = "<<";
  });
  EXPECT_EQ(document.value->size(), 3u) << document.value->dump();
}

}  // namespace
}  // namespace fracta
