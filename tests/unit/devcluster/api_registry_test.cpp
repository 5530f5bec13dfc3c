// What clients see when they write: defaults, words of refusals, locking, deletion. Expected words were taken from a
// kube-apiserver 1.26.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devcluster/schema/decode.hpp"
#include "devcluster/server/in_process_api.hpp"
#include "devcluster/server/patch.hpp"
#include "devcluster/store/selector.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

using testing::HasSubstr;

class RegistryTest : public testing::Test {
 protected:
  RegistryTest() {
    signer_ = std::move(*TokenSigner::create(""));
    api_ = std::make_unique<InProcessApi>(registry_, *signer_);
    EXPECT_TRUE(api_->create("namespaces", "", {{"metadata", {{"name", "default"}}}}).ok());
    EXPECT_TRUE(api_->create("serviceaccounts", "default", {{"metadata", {{"name", "default"}}}}).ok());
  }
  Result<Object> create(ResourceName resource, const char* text) {
    return api_->create(resource, "default", *parse_json(text));
  }

  FakeClock clock_;
  Store store_;
  Registry registry_{store_, clock_};
  std::unique_ptr<TokenSigner> signer_;
  std::unique_ptr<Api> api_;
};

TEST_F(RegistryTest, PodGetsTheDefaultsOfARealCluster) {
  const auto pod =
      create("pods", R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"busybox"}]}})");
  ASSERT_TRUE(pod.ok()) << pod.error().message;
  const Json& spec = (**pod)["spec"];
  EXPECT_EQ(spec["restartPolicy"], "Always");
  EXPECT_EQ(spec["terminationGracePeriodSeconds"], 30);
  EXPECT_EQ(spec["serviceAccountName"], "default");
  EXPECT_EQ(spec["containers"][0]["imagePullPolicy"], "Always");
  EXPECT_EQ(spec["containers"][0]["volumeMounts"][0]["mountPath"], "/var/run/secrets/kubernetes.io/serviceaccount");
  EXPECT_EQ((**pod)["status"], (Json{{"phase", "Pending"}, {"qosClass", "BestEffort"}}));
}

TEST_F(RegistryTest, JobGetsSelectorAndLabels) {
  const auto job = create(
      "jobs.batch",
      R"({"metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"b:1"}]}}}})");
  ASSERT_TRUE(job.ok()) << job.error().message;
  EXPECT_EQ(string_at(**job, "spec/selector/matchLabels/controller-uid"), string_at(**job, "metadata/uid"));
  EXPECT_EQ(string_at(**job, "spec/template/metadata/labels/job-name"), "j");
  EXPECT_EQ(int_at(**job, "spec/backoffLimit"), 6);
}

struct Refusal {
  const char* resource;
  const char* object;
  const char* message;
};

class Refusals : public RegistryTest, public testing::WithParamInterface<Refusal> {};

TEST_P(Refusals, SayWhatARealServerSays) {
  const auto result = create(GetParam().resource, GetParam().object);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().http_status, 422);
  EXPECT_EQ(result.error().message, GetParam().message);
}

constexpr Refusal kRefusals[] = {
    {"pods", R"({"metadata":{"name":"x"},"spec":{"containers":[]}})",
     "Pod \"x\" is invalid: spec.containers: Required value"},
    {"pods",
     R"({"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"b","volumeMounts":[{"name":"z","mountPath":"/x"}]}]}})",
     "Pod \"x\" is invalid: spec.containers[0].volumeMounts[0].name: Not found: \"z\""},
    {"pods", R"({"metadata":{"name":"x"},"spec":{"restartPolicy":"Foo","containers":[{"name":"a","image":"b"}]}})",
     "Pod \"x\" is invalid: spec.restartPolicy: Unsupported value: \"Foo\": supported values: \"Always\", "
     "\"OnFailure\", \"Never\""},
    {"pods",
     R"({"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"b"}],"volumes":[{"name":"v","emptyDir":{},"hostPath":{"path":"/x"}}]}})",
     "Pod \"x\" is invalid: spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"},
    {"pods",
     R"({"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"b"}],"volumes":[{"name":"v","secret":{"secretName":"a","items":[{"key":"a","path":"../x"}]}}]}})",
     "Pod \"x\" is invalid: spec.volumes[0].secret.items[0].path: Invalid value: \"../x\": must not contain '..'"},
    {"pods",
     R"({"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"b","ports":[{"containerPort":70000}]}]}})",
     "Pod \"x\" is invalid: spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and "
     "65535, inclusive"},
    {"jobs.batch",
     R"({"metadata":{"name":"x"},"spec":{"template":{"spec":{"containers":[{"name":"a","image":"b"}]}}}})",
     "Job.batch \"x\" is invalid: spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", "
     "\"Never\""},
    {"jobs.batch",
     R"({"metadata":{"name":"x"},"spec":{"backoffLimit":-1,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"b"}]}}}})",
     "Job.batch \"x\" is invalid: spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"},
    {"pods",
     R"({"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"b"}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In"}]}]}}}}})",
     "Pod \"x\" is invalid: "
     "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions["
     "0]"
     ".values: Required value: must be specified when `operator` is 'In' or 'NotIn'"},
    {"pods",
     R"({"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"b"}],"affinity":{"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":101,"podAffinityTerm":{"topologyKey":"zone"}}]}}}})",
     "Pod \"x\" is invalid: spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: "
     "Invalid value: 101: must be in the range 1-100"},
    {"pods",
     R"({"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"b"}],"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]}})",
     "Pod \"x\" is invalid: spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"},
    {"pods",
     R"({"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"b"}],"hostAliases":[{"ip":"1.2.3"}]}})",
     "Pod \"x\" is invalid: spec.hostAliases.ip: Invalid value: \"1.2.3\": must be valid IP address"},
    {"configmaps", R"({"metadata":{"name":"x"},"data":{"..":"y"}})",
     "ConfigMap \"x\" is invalid: data[..]: Invalid value: \"..\": must not be '..'"},
    {"configmaps", R"({"metadata":{}})",
     "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"},
};
INSTANTIATE_TEST_SUITE_P(Words, Refusals, testing::ValuesIn(kRefusals));

TEST_F(RegistryTest, APolicyRuleWithoutConditionsIsRefusedNotACrash) {
  const auto job = create(
      "jobs.batch",
      R"({"metadata":{"name":"x"},"spec":{"podFailurePolicy":{"rules":[{"action":"Count"}]},"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"b"}]}}}})");
  ASSERT_FALSE(job.ok());
  EXPECT_EQ(job.error().http_status, 422);
}

TEST_F(RegistryTest, AnOldResourceVersionIsAConflict) {
  const auto made = create("configmaps", R"({"metadata":{"name":"x"},"data":{"a":"1"}})");
  Json changed = **made;
  changed["data"]["a"] = "2";
  ASSERT_TRUE(api_->update("configmaps", "default", "x", changed).ok());
  changed["data"]["a"] = "3";
  const auto late = api_->update("configmaps", "default", "x", changed);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().message,
            "Operation cannot be fulfilled on configmaps \"x\": the object has been modified; please apply your "
            "changes to the latest version and try again");
}

TEST_F(RegistryTest, AJobsTemplateCannotChange) {
  ASSERT_TRUE(
      create(
          "jobs.batch",
          R"({"metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"b:1"}]}}}})")
          .ok());
  const auto changed = api_->mutate("jobs.batch", "default", "j", [](Json& job) {
    job["spec"]["template"]["spec"]["containers"][0]["image"] = "c:1";
    return true;
  });
  ASSERT_FALSE(changed.ok());
  EXPECT_THAT(changed.error().message, HasSubstr("spec.template: Invalid value"));
  EXPECT_THAT(changed.error().message, HasSubstr("field is immutable"));
}

TEST_F(RegistryTest, FinalizersKeepADeletedObjectUntilTheyAreGone) {
  ASSERT_TRUE(create("configmaps", R"({"metadata":{"name":"x","finalizers":["example.com/hold"]}})").ok());
  ASSERT_TRUE(api_->remove("configmaps", "default", "x").ok());
  const auto waiting = api_->get("configmaps", "default", "x");
  ASSERT_TRUE(waiting.ok());
  EXPECT_TRUE((**waiting)["metadata"].contains("deletionTimestamp"));
  ASSERT_TRUE(api_->mutate("configmaps", "default", "x",
                           [](Json& object) { return object["metadata"].erase("finalizers") > 0; })
                  .ok());
  EXPECT_FALSE(api_->get("configmaps", "default", "x").ok());
}

TEST_F(RegistryTest, ABoundPodIsDeletedGracefully) {
  ASSERT_TRUE(create("pods", R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"b"}]}})").ok());
  ASSERT_TRUE(api_->bind_pod("default", "p", "node-1").ok());
  EXPECT_EQ(api_->bind_pod("default", "p", "node-2").error().code, ErrorCode::kConflict);
  ASSERT_TRUE(api_->remove("pods", "default", "p").ok());
  EXPECT_EQ(int_at(**api_->get("pods", "default", "p"), "metadata/deletionGracePeriodSeconds"), 30);
  RemoveOptions now;
  now.grace_period_seconds = 0;
  ASSERT_TRUE(api_->remove("pods", "default", "p", now).ok());
  EXPECT_FALSE(api_->get("pods", "default", "p").ok());
}

TEST_F(RegistryTest, NothingIsCreatedInAMissingOrDyingNamespace) {
  EXPECT_EQ(api_->create("configmaps", "nope", {{"metadata", {{"name", "x"}}}}).error().message,
            "namespaces \"nope\" not found");
  ASSERT_TRUE(api_->remove("namespaces", "", "default").ok());
  const auto late = create("configmaps", R"({"metadata":{"name":"x"}})");
  EXPECT_EQ(late.error().message,
            "configmaps \"x\" is forbidden: unable to create new content in namespace default because it is being "
            "terminated");
}

TEST_F(RegistryTest, SameEventsAreCounted) {
  const auto pod = create("pods", R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"b"}]}})");
  for (int i = 0; i < 3; ++i) api_->record_event(**pod, "Warning", "Failed", "no", "kubelet");
  const auto events = api_->list("events", "default");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(int_at(*events[0], "count"), 3);
}

TEST(Decode, NamesUnknownAndRepeatedFieldsInTheOrderOfTheText) {
  const auto decoded =
      decode_object(R"({"metadata":{"foo":1},"spec":{"x":1,"containers":[{"name":"a","bogus":2,"name":"a"}]}})",
                    *schema().find("core.Pod"));
  ASSERT_TRUE(decoded.ok());
  EXPECT_THAT(decoded->strict_errors, testing::ElementsAre("unknown field \"metadata.foo\"", "unknown field \"spec.x\"",
                                                           "unknown field \"spec.containers[0].bogus\"",
                                                           "duplicate field \"spec.containers[0].name\""));
}

TEST(Decode, SaysWhichFieldHasTheWrongType) {
  const auto decoded =
      decode_object(R"({"spec":{"containers":[{"ports":[{"containerPort":"x"}]}]}})", *schema().find("core.Pod"));
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().message,
            "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of "
            "type int32");
}

TEST(StrategicMerge, ListsMergeByTheirKey) {
  const Json target = *parse_json(R"({"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}})");
  const Json patch =
      *parse_json(R"({"spec":{"containers":[{"name":"b","image":"2"},{"name":"a","$patch":"delete"}]}})");
  const auto merged = strategic_merge_patch(target, patch, *schema().find("core.Pod"));
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(*merged, *parse_json(R"({"spec":{"containers":[{"name":"b","image":"2"}]}})"));
}

TEST(MergePatch, NullRemoves) {
  EXPECT_EQ(merge_patch(*parse_json(R"({"a":1,"b":{"c":1}})"), *parse_json(R"({"a":null,"b":{"d":2}})")),
            *parse_json(R"({"b":{"c":1,"d":2}})"));
}

TEST(LabelSelector, UnderstandsTheWholeSyntax) {
  const auto selector = LabelSelector::parse("app=x, tier in (a,b), !gone, env notin (prod), here");
  ASSERT_TRUE(selector.ok());
  EXPECT_TRUE(selector->matches({{"app", "x"}, {"tier", "b"}, {"here", ""}}));
  EXPECT_FALSE(selector->matches({{"app", "x"}, {"tier", "c"}, {"here", ""}}));
  EXPECT_FALSE(selector->matches({{"app", "x"}, {"tier", "a"}, {"here", ""}, {"gone", "1"}}));
  EXPECT_EQ(LabelSelector::parse("a b").error().message,
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
}

}  // namespace
}  // namespace fracta::devcluster
