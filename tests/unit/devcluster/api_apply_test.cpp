// Server-side apply and metadata.managedFields: what applying people see of each other's fields.
#include "devcluster/server/apply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devcluster/server/managed_fields.hpp"
#include "devcluster/server/typed_value.hpp"
#include "devcluster/store/packed_owners.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

using ::testing::HasSubstr;

Json json(std::string_view text) { return *parse_json(text); }

class Apply : public ::testing::Test {
 protected:
  // Applies and, when it succeeds, keeps the result as the live object.
  std::string apply(const std::string& manager, std::string_view config, bool force = false,
                    const std::string& subresource = "") {
    const Json wanted = json(config);
    ApplyRequest request;
    request.live = live_.is_null() ? nullptr : &live_;
    request.config = &wanted;
    request.manager = manager;
    request.force = force;
    request.subresource = subresource;
    request.now = "2026-01-01T00:00:0" + std::to_string(tick_++) + "Z";
    auto applied = apply_config(kind_of(resource_), request);
    if (!applied.ok()) {
      failure_ = applied.failure();
      return applied.failure().message;
    }
    live_ = std::move(applied->object);
    if (Json list = encode_managers(applied->managers); !list.is_null()) live_["metadata"]["managedFields"] = list;
    return "";
  }
  void update(const std::string& manager, const std::function<void(Json&)>& change,
              const std::string& subresource = "") {
    const Json before = live_;
    change(live_);
    WriteOptions options;
    options.field_manager = manager;
    track_fields(kind_of(resource_), live_, &before, options, subresource, clock_);
  }
  // "manager/operation[/subresource]" -> its fields.
  std::map<std::string, Json> owners() const {
    Json copy = live_;
    unpack_owners(copy);
    std::map<std::string, Json> result;
    for (const Json& entry : copy["metadata"].value("managedFields", Json::array())) {
      std::string name = string_at(entry, "manager") + "/" + string_at(entry, "operation");
      if (entry.contains("subresource")) name += "/" + string_at(entry, "subresource");
      result[name] = entry["fieldsV1"];
    }
    return result;
  }

  std::string resource_ = "configmaps";
  Json live_;
  Failure failure_;
  RealClock clock_;
  int tick_ = 1;
};

constexpr const char* kOne =
    R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","b":"2"}})";

TEST_F(Apply, TheApplierOwnsWhatItNames) {
  EXPECT_EQ(apply("m1", kOne), "");
  EXPECT_EQ(live_["data"], json(R"({"a":"1","b":"2"})"));
  EXPECT_EQ(owners()["m1/Apply"], json(R"({"f:data":{"f:a":{},"f:b":{}}})"));
}

TEST_F(Apply, AnotherValueIsAConflictThatNamesOwnerAndField) {
  apply("m1", kOne);
  const std::string other = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"9"}})";
  EXPECT_EQ(apply("m2", other), "Apply failed with 1 conflict: conflict with \"m1\": .data.a");
  EXPECT_EQ(failure_.code, 409);
  EXPECT_EQ(failure_.details["causes"],
            json(R"([{"reason":"FieldManagerConflict","message":"conflict with \"m1\"","field":".data.a"}])"));
  EXPECT_EQ(apply("m2", other, true), "");
  EXPECT_EQ(owners()["m2/Apply"], json(R"({"f:data":{"f:a":{}}})"));
  EXPECT_EQ(owners()["m1/Apply"], json(R"({"f:data":{"f:b":{}}})"));
}

TEST_F(Apply, TheSameValueIsShared) {
  apply("m1", kOne);
  EXPECT_EQ(apply("m2", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1"}})"), "");
  EXPECT_EQ(owners().size(), 2U);
  // The second owner keeps the field when the first one gives it up.
  EXPECT_EQ(apply("m1", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}})"), "");
  EXPECT_EQ(live_["data"], json(R"({"a":"1"})"));
  EXPECT_EQ(owners().count("m1/Apply"), 0U);
}

TEST_F(Apply, FieldsNoLongerAppliedGoOnlyWhenNobodyElseHasThem) {
  apply("m1", kOne);
  update("editor", [](Json& object) { object["data"]["c"] = "3"; });
  EXPECT_EQ(owners()["editor/Update"], json(R"({"f:data":{"f:c":{}}})"));
  apply("m1", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"b":"2"}})");
  EXPECT_EQ(live_["data"], json(R"({"b":"2","c":"3"})"));
}

TEST_F(Apply, AnUpdateTakesAFieldAway) {
  apply("m1", kOne);
  update("editor", [](Json& object) { object["data"]["a"] = "7"; });
  EXPECT_EQ(owners()["m1/Apply"], json(R"({"f:data":{"f:b":{}}})"));
  EXPECT_EQ(apply("m1", kOne), "Apply failed with 1 conflict: conflict with \"editor\" using v1: .data.a");
}

TEST_F(Apply, AnObjectWithoutHistoryBelongsToWhoeverCameBefore) {
  live_ = json(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"0"}})");
  EXPECT_EQ(apply("m1", kOne), "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.a");
}

TEST_F(Apply, KubectlTakesOverWhatItsClientSideApplySet) {
  live_ = json(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","b":"2"}})");
  live_["metadata"]["annotations"] = {{"kubectl.kubernetes.io/last-applied-configuration", kOne}};
  const Json created = live_;
  WriteOptions options;
  options.field_manager = "kubectl-client-side-apply";
  track_fields(kind_of(resource_), live_, nullptr, options, "", clock_);
  const std::string changed = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"5"}})";
  EXPECT_THAT(apply("other", changed), HasSubstr("kubectl-client-side-apply"));
  EXPECT_EQ(apply("kubectl", changed), "");
  EXPECT_EQ(live_["data"]["a"], "5");
  const Json annotations = live_["metadata"]["annotations"];
  const Json kept = json(annotations.value("kubectl.kubernetes.io/last-applied-configuration", ""));
  EXPECT_EQ(kept, json(changed)) << "the annotation follows";
}

TEST_F(Apply, ListsWithKeysMergeItemByItem) {
  resource_ = "pods";
  apply("m1", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[
      {"name":"a","image":"i","command":["x"],"ports":[{"containerPort":80}]},{"name":"b","image":"i"}]}})");
  EXPECT_EQ(owners()["m1/Apply"]["f:spec"]["f:containers"]["k:{\"name\":\"a\"}"],
            json(R"({".":{},"f:name":{},"f:image":{},"f:command":{},
                     "f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}})"));
  EXPECT_EQ(apply("m2", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[
      {"name":"b","env":[{"name":"E","value":"1"}]},{"name":"c","image":"i"}]}})"),
            "");
  ASSERT_EQ(live_["spec"]["containers"].size(), 3U);
  EXPECT_EQ(live_["spec"]["containers"][1], json(R"({"name":"b","image":"i","env":[{"name":"E","value":"1"}]})"));
  apply("m1", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[{"name":"b"}]}})");
  ASSERT_EQ(live_["spec"]["containers"].size(), 2U) << live_.dump();
  EXPECT_FALSE(live_["spec"]["containers"][0].contains("image"));
}

TEST_F(Apply, AtomicListsAreReplaced) {
  resource_ = "pods";
  apply("m1", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[
      {"name":"a","args":["x","y"]}]}})");
  EXPECT_THAT(apply("m2", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[
      {"name":"a","args":["z"]}]}})"),
              HasSubstr(".spec.containers[name=\"a\"].args"));
}

TEST_F(Apply, ASubresourceOwnsOnlyItsPart) {
  resource_ = "pods";
  apply(
      "m1",
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"nodeName":"n"},"status":{"phase":"Failed"}})");
  EXPECT_EQ(owners()["m1/Apply"], json(R"({"f:spec":{"f:nodeName":{}}})"));
  update(
      "kubelet", [](Json& pod) { pod["status"]["phase"] = "Running"; }, "status");
  EXPECT_EQ(owners()["kubelet/Update/status"], json(R"({"f:status":{"f:phase":{}}})"));
}

TEST_F(Apply, RefusesWhatIsNotOfTheType) {
  EXPECT_EQ(apply("m1", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"foo":1})"),
            "failed to create typed patch object (/x; /v1, Kind=ConfigMap): .foo: field not declared in schema");
  EXPECT_EQ(failure_.code, 500) << "as a real server answers";
  EXPECT_EQ(apply("m1", R"({"apiVersion":"v2","kind":"ConfigMap","metadata":{"name":"x"}})"),
            "Incorrect version specified in apply patch. Specified patch version: v2, expected: v1");
  EXPECT_EQ(apply("m1", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","managedFields":[]}})"),
            "metadata.managedFields must be nil");
  resource_ = "pods";
  EXPECT_THAT(apply("m1", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[
      {"name":"a","env":[{"name":"A"},{"name":"A"}]}]}})"),
              HasSubstr("duplicate entries for key [name=\"A\"]"));
}

TEST_F(Apply, AnEmptyListForgetsTheOwners) {
  apply("m1", kOne);
  update("editor", [](Json& object) { object["metadata"]["managedFields"] = json("[{}]"); });
  EXPECT_TRUE(owners().empty());
  update("editor", [](Json& object) { object["data"]["a"] = "7"; });
  EXPECT_TRUE(owners().empty()) << "not noted again before somebody applies";
}

TEST_F(Apply, ClientsThatDropManagedFieldsDoNotLoseThem) {
  apply("m1", kOne);
  update("editor", [](Json& object) { object["metadata"].erase("managedFields"); });
  EXPECT_EQ(owners().count("m1/Apply"), 1U);
}

TEST_F(Apply, TheOldestOfManyUpdatersAreMerged) {
  apply("m1", kOne);
  for (int i = 0; i < 12; ++i) {
    update("u" + std::to_string(10 + i), [&](Json& object) { object["data"]["k" + std::to_string(i)] = "v"; });
  }
  EXPECT_EQ(owners().size(), 11U) << "ten updaters and the applier";
  EXPECT_EQ(owners().count("ancient-changes/Update"), 1U);
}

TEST(FieldSets, SurviveTheWire) {
  const Json fields = json(R"({"f:a":{".":{},"f:b":{}},"k:{\"n\":\"x\"}":{"f:c":{}},"v:\"s\"":{},"i:3":{}})");
  const auto set = FieldSet::from_json(fields);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->to_json(), fields);
  EXPECT_EQ(json(set->to_text()), fields);
  std::vector<std::string> paths;
  set->for_each([&](const FieldPath& path) { paths.push_back(path_text(path)); });
  EXPECT_THAT(paths, ::testing::ElementsAre(".a", "[=\"s\"]", "[3]", ".a.b", "[n=\"x\"].c"));
  EXPECT_FALSE(FieldSet::from_json(json(R"({"nocolon":{}})")).ok());
}

TEST(FieldSets, ChildrenOutliveTheirParentInADifference) {
  const auto set = *FieldSet::from_json(json(R"({"f:a":{".":{},"f:b":{}}})"));
  const auto parent = *FieldSet::from_json(json(R"({"f:a":{}})"));
  EXPECT_EQ(set.without(parent).to_json(), json(R"({"f:a":{"f:b":{}}})"));
  EXPECT_TRUE(set.without_below(parent).empty());
  EXPECT_EQ(set.intersected(parent).to_json(), json(R"({"f:a":{}})"));
}

}  // namespace
}  // namespace fracta::devcluster
