#include "fracta/base/quantity.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "fracta/base/json_fwd.hpp"

namespace fracta {
namespace {

// tests/data/quantities.json was recorded from apimachinery 1.26, less its two quirks: it echoes some odd spellings
// ("1.G") and wraps to 0 where a value does not fit into 64 bits (we saturate).
TEST(Quantity, ParsesAndPrintsAsKubernetesDoes) {
  std::ifstream file(FRACTA_SOURCE_DIR "/tests/data/quantities.json");
  for (const Json& item : Json::parse(file)) {
    SCOPED_TRACE(item["text"].dump());
    const auto quantity = Quantity::parse(item["text"].get<std::string>());
    if (item.contains("error")) {
      ASSERT_FALSE(quantity.ok()) << quantity->canonical();
      EXPECT_EQ(quantity.error().message, item["error"]);
      continue;
    }
    ASSERT_TRUE(quantity.ok()) << quantity.error().message;
    if (item.contains("canonical")) {
      EXPECT_EQ(quantity->canonical(), item["canonical"]);
    }
    EXPECT_EQ(quantity->value(), item["value"].get<std::int64_t>());
    EXPECT_EQ(quantity->milli_value(), item["milli"].get<std::int64_t>());
    EXPECT_EQ(quantity->negative(), item["sign"].get<int>() < 0);
    EXPECT_EQ(quantity->zero(), item["sign"].get<int>() == 0);
  }
}

TEST(Quantity, ComparesByValueNotByText) {
  const auto of = [](std::string_view text) { return *Quantity::parse(text); };
  EXPECT_EQ(of("1000m"), of("1"));
  EXPECT_EQ(of("1Gi"), of("1024Mi"));
  EXPECT_LT(of("1G"), of("1Gi"));
  EXPECT_LT(of("-1"), of("0"));
  EXPECT_GT(of("0.0000000001"), of("0"));
}

TEST(Quantity, HugeExponentsSaturateAtOnce) {
  EXPECT_EQ(Quantity::parse("1e99999999999999999999")->value(), INT64_MAX);
  EXPECT_EQ(Quantity::parse("-1e2000000000")->value(), INT64_MIN);
  EXPECT_EQ(Quantity::parse("1e-2000000000")->canonical(), "1e-9");
  EXPECT_FALSE(Quantity::parse(std::string(100'000, '9')).ok());
}

}  // namespace
}  // namespace fracta
