// The journal: what a store leaves behind and finds again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "devcluster/store/store.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

Json named(const std::string& name, const std::string& value = "") {
  return {{"kind", "ConfigMap"},
          {"apiVersion", "v1"},
          {"metadata", {{"name", name}, {"uid", "u-" + name}}},
          {"data", {{"k", value}}}};
}

class JournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create();
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    path_ = *directory_ / "journal";
  }
  std::unique_ptr<Store> open() {
    auto store = std::make_unique<Store>();
    auto kept = store->keep_in(path_);
    EXPECT_TRUE(kept) << kept.error().message;
    return store;
  }
  std::optional<TemporaryDirectory> directory_;
  std::string path_;
};

TEST_F(JournalTest, ObjectsUidsAndVersionsContinue) {
  std::uint64_t last = 0;
  {
    auto store = open();
    auto a = store->create("configmaps", "n/a", named("a"));
    store->update("configmaps", "n/a", a.record->version, named("a", "changed"));
    auto b = store->create("configmaps", "n/b", named("b"));
    store->erase("configmaps", "n/b", b.record->version);
    store->create("secrets", "n/s", named("s"));
    last = store->version();
  }
  auto store = open();
  EXPECT_EQ(store->version(), last);
  const auto a = store->get("configmaps", "n/a");
  ASSERT_TRUE(a);
  EXPECT_EQ(string_at(a->object, "data/k"), "changed");
  EXPECT_EQ(string_at(a->object, "metadata/uid"), "u-a");
  EXPECT_EQ(string_at(a->object, "metadata/resourceVersion"), std::to_string(a->version));
  EXPECT_FALSE(store->get("configmaps", "n/b"));
  EXPECT_TRUE(store->get("secrets", "n/s"));
  EXPECT_GT(store->create("configmaps", "n/c", named("c")).record->version, last);
}

TEST_F(JournalTest, VersionsFromBeforeTheRestartAreTooOld) {
  std::uint64_t old = 0, last = 0;
  {
    auto store = open();
    old = store->create("configmaps", "n/a", named("a")).record->version;
    last = store->create("configmaps", "n/b", named("b")).record->version;
  }
  auto store = open();
  std::vector<Change> changes;
  EXPECT_FALSE(store->changes("configmaps", old, 10, std::chrono::milliseconds(0), {}, changes));
  EXPECT_FALSE(store->list("configmaps", "", old));
  // The very last state is still the present one.
  EXPECT_TRUE(store->changes("configmaps", last, 10, std::chrono::milliseconds(0), {}, changes));
  EXPECT_TRUE(changes.empty());
}

TEST_F(JournalTest, AHalfWrittenEndIsCutOffWhereverItEnds) {
  std::string whole;
  std::uintmax_t before = 0;
  {
    auto store = open();
    store->create("configmaps", "n/a", named("a"));
    before = std::filesystem::file_size(path_);
    store->create("configmaps", "n/b", named("b"));
  }
  whole = *read_file(path_);
  for (std::size_t size = before; size < whole.size(); ++size) {
    ASSERT_TRUE(write_file_atomic(path_, std::string_view(whole).substr(0, size)));
    auto store = open();
    ASSERT_TRUE(store->get("configmaps", "n/a")) << size;
    ASSERT_FALSE(store->get("configmaps", "n/b")) << size;
    ASSERT_EQ(std::filesystem::file_size(path_), before) << size;
  }
  // A flipped bit is damage, too.
  whole[before + 20] = static_cast<char>(whole[before + 20] ^ 1);
  ASSERT_TRUE(write_file_atomic(path_, whole));
  auto store = open();
  EXPECT_FALSE(store->get("configmaps", "n/b"));
  store->create("configmaps", "n/c", named("c"));
  store.reset();
  EXPECT_TRUE(open()->get("configmaps", "n/c")) << "what is written behind the cut is found again";
}

TEST_F(JournalTest, ItsSizeIsBounded) {
  const std::string big(100'000, 'x');
  {
    auto store = open();
    auto last = store->create("configmaps", "n/a", named("a", big)).record->version;
    for (int i = 0; i < 400; ++i)  // 40 MB
      last = store->update("configmaps", "n/a", last, named("a", big + std::to_string(i))).record->version;
    store->create("secrets", "n/s", named("s"));
  }
  EXPECT_LT(std::filesystem::file_size(path_), 12u << 20);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
  auto store = open();
  EXPECT_EQ(string_at(store->get("configmaps", "n/a")->object, "data/k"), big + "399");
  EXPECT_TRUE(store->get("secrets", "n/s"));
}

TEST_F(JournalTest, AnotherFileIsLeftAlone) {
  ASSERT_TRUE(write_file_atomic(path_, "something else entirely"));
  Store store;
  auto kept = store.keep_in(path_);
  ASSERT_FALSE(kept);
  EXPECT_THAT(kept.error().message, ::testing::HasSubstr("is no journal"));
  EXPECT_EQ(*read_file(path_), "something else entirely");
}

}  // namespace
}  // namespace fracta::devcluster
