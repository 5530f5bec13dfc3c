// The store: versions, conflicts, watching, forgetting, lists of the past.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devcluster/store/store.hpp"

namespace fracta::devcluster {
namespace {

Json named(const char* name) { return {{"kind", "ConfigMap"}, {"apiVersion", "v1"}, {"metadata", {{"name", name}}}}; }

TEST(Store, EveryWriteGetsAHigherVersion) {
  Store store;
  const auto first = store.create("configmaps", "a/x", named("x"));
  const auto second = store.create("configmaps", "a/y", named("y"));
  ASSERT_EQ(first.error, StoreError::kNone);
  EXPECT_LT(first.record->version, second.record->version);
  EXPECT_EQ(first.record->object["metadata"]["resourceVersion"], std::to_string(first.record->version));
}

TEST(Store, AWriterWithAnOldVersionLoses) {
  Store store;
  const auto made = store.create("configmaps", "a/x", named("x"));
  EXPECT_EQ(store.update("configmaps", "a/x", made.record->version, named("x")).error, StoreError::kNone);
  EXPECT_EQ(store.update("configmaps", "a/x", made.record->version, named("x")).error, StoreError::kConflict);
  EXPECT_EQ(store.erase("configmaps", "a/x", made.record->version).error, StoreError::kConflict);
  EXPECT_EQ(store.create("configmaps", "a/x", named("x")).error, StoreError::kExists);
  EXPECT_EQ(store.update("configmaps", "a/nope", 1, named("nope")).error, StoreError::kMissing);
}

TEST(Store, ChangesComeInOrderAfterAVersion) {
  Store store;
  const auto made = store.create("pods", "a/x", named("x"));
  const auto changed = store.update("pods", "a/x", made.record->version, named("x"));
  store.erase("pods", "a/x", changed.record->version);
  std::vector<Change> changes;
  const auto upto = store.changes("pods", made.record->version, 10, std::chrono::milliseconds(0), {}, changes);
  ASSERT_TRUE(upto.has_value());
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].type, EventType::kModified);
  EXPECT_EQ(changes[1].type, EventType::kDeleted);
  EXPECT_GT(changes[1].record->version, changed.record->version) << "a deletion has a version of its own";
}

TEST(Store, AWatchFromAForgottenVersionIsTold) {
  Store store(2);
  const auto first = store.create("pods", "a/1", named("1"));
  for (const char* name : {"a/2", "a/3", "a/4", "a/5"}) store.create("pods", name, named(name));
  std::vector<Change> changes;
  EXPECT_FALSE(store.changes("pods", first.record->version, 10, std::chrono::milliseconds(0), {}, changes).has_value());
  EXPECT_FALSE(store.list("pods", "", first.record->version).has_value());
}

TEST(Store, AListOfThePastShowsWhatWasThere) {
  Store store;
  const auto x = store.create("pods", "a/x", named("x"));
  const auto y = store.create("pods", "a/y", named("y"));
  store.erase("pods", "a/x", x.record->version);
  store.create("pods", "a/z", named("z"));
  const auto past = store.list("pods", "a/", y.record->version);
  ASSERT_TRUE(past.has_value());
  ASSERT_EQ(past->records.size(), 2u);
  EXPECT_EQ(past->records[0].first, "a/x");
  EXPECT_EQ(past->records[1].first, "a/y");
}

TEST(Store, ListItemsCarryNoKind) {
  Store store;
  const auto made = store.create("configmaps", "a/x", named("x"));
  EXPECT_THAT(made.record->body(), testing::Not(testing::HasSubstr("\"kind\"")));
  EXPECT_THAT(made.record->text(), testing::StartsWith("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\","));
}

}  // namespace
}  // namespace fracta::devcluster
