#include "fracta/credentials/store.hpp"

#include "credentials/store/ksuid.hpp"
#include "credentials/store/secret_codec.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/text.hpp"
#include "fracta/credentials/keyring.hpp"
#include "unit/credentials/fake_secrets.hpp"
#include "unit/credentials/kubeconfig_samples.hpp"

namespace fracta::credentials {
namespace {

using ::testing::ElementsAre;
using testing::FakeSecrets;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::shared_ptr<const Keyring> keyring(int active = 1) {
  Json ring = {{"1", base64_encode(std::string(32, 'a'))}, {"2", base64_encode(std::string(32, 'b'))}};
  return Keyring::of(*KeySet::parse(dump_json(ring), std::to_string(active)));
}

CredentialChange change(const std::string& name, const std::string& token = "ghp_0123456789abcdefghij") {
  CredentialChange out;
  out.name = name;
  out.provider = "github";
  out.token = token;
  return out;
}

class Store : public ::testing::Test {
 protected:
  std::unique_ptr<CredentialStore> store(std::shared_ptr<const Keyring> keys = nullptr) {
    return make_secret_store(secrets, std::move(keys), clock, {"fracta", false, false});
  }
  StoredCredential created(CredentialStore& in, const CredentialChange& what) {
    auto made = in.create(what);
    EXPECT_TRUE(made.ok()) << (made ? "" : made.error().message);
    return made ? made->credential : StoredCredential{};
  }
  FakeClock clock;
  std::shared_ptr<FakeSecrets> secrets = std::make_shared<FakeSecrets>();
};

TEST_F(Store, EncryptedRoundtrip) {
  auto s = store(keyring());
  const auto made = created(*s, change("main"));
  EXPECT_THAT(secrets->data("token"), StartsWith("enc:v1:"));
  EXPECT_THAT(secrets->everything(), Not(HasSubstr(base64_encode("ghp_0123456789abcdefghij"))));
  EXPECT_EQ(s->with_token(made.id)->token, "ghp_0123456789abcdefghij");
}

TEST_F(Store, PlaintextTokenPassthrough) {
  const auto made = created(*store(), change("main"));
  EXPECT_EQ(secrets->data("token"), "ghp_0123456789abcdefghij");
  EXPECT_EQ(store(keyring())->with_token(made.id)->token, "ghp_0123456789abcdefghij");
}

TEST_F(Store, AadPreventsRowSwap) {
  auto s = store(keyring());
  const auto one = created(*s, change("one", "first-token"));
  const auto two = created(*s, change("two", "second-token"));
  auto& a = secrets->objects[secret_name_of("one")];
  auto& b = secrets->objects[secret_name_of("two")];
  std::swap(a["data"]["token"], b["data"]["token"]);
  for (const auto& id : {one.id, two.id}) {
    const auto got = s->with_token(id);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, ErrorCode::kInternal);
    EXPECT_THAT(got.error().message, HasSubstr("another credential"));
  }
}

TEST_F(Store, EncryptedLargeKubeconfig) {
  auto what = change("cluster", testing::sample_kubeconfig() + "# " + std::string(300'000, 'x') + "\n");
  what.provider = "kubeconfig";
  auto s = store(keyring());
  const auto made = created(*s, what);
  EXPECT_EQ(s->with_token(made.id)->token, *what.token);
}

TEST_F(Store, SealedTokenWithoutKeyringIsAnErrorAndNeverCiphertext) {
  const auto made = created(*store(keyring()), change("main"));
  const auto got = store()->with_token(made.id);
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.error().message, HasSubstr("no keyring"));
  EXPECT_THAT(got.error().message, Not(HasSubstr("enc:v1")));
}

TEST_F(Store, MalformedEnvelopeIsAnError) {
  const auto made = created(*store(keyring()), change("main"));
  secrets->objects.begin()->second["data"]["token"] = base64_encode("enc:broken");
  EXPECT_THAT(store(keyring())->with_token(made.id).error().message, HasSubstr("is no envelope"));
}

TEST_F(Store, SecretHasTypeLabelsAndIsNotImmutable) {
  const auto made = created(*store(), change("Main Token"));
  const auto& [name, object] = *secrets->objects.begin();
  EXPECT_THAT(name, StartsWith("fracta-credential-main-token-"));
  EXPECT_TRUE(is_dns1123_subdomain(name));
  EXPECT_EQ(object["type"], "fracta.io/credential");
  EXPECT_EQ(object["immutable"], false);
  EXPECT_EQ(object["metadata"]["labels"]["app.kubernetes.io/managed-by"], "fracta");
  EXPECT_EQ(object["metadata"]["labels"]["fracta.io/credential"], "true");
  EXPECT_EQ(object["metadata"]["labels"]["fracta.io/credential-id"], made.id);
  EXPECT_EQ(object["metadata"]["labels"]["fracta.io/provider"], "github");
}

TEST_F(Store, NamesAreUnique) {
  auto s = store();
  created(*s, change("main"));
  const auto again = s->create(change("main"));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  created(*s, change("MAIN"));  // another name, though the slug is the same
  EXPECT_THAT(*s->list(), SizeIs(2));
}

TEST_F(Store, ListsWithoutTokens) {
  auto s = store();
  created(*s, change("b"));
  created(*s, change("a"));
  const auto all = s->list();
  for (const auto& credential : *all) EXPECT_EQ(credential.token, "");
  EXPECT_EQ(s->get_by_name("a")->token, "");
}

TEST_F(Store, UnknownIdsAndNamesAreNotFound) {
  auto s = store();
  for (const std::string& id : {std::string("x"), std::string("../../etc"), std::string(27, '0'), std::string()})
    EXPECT_EQ(s->get(id).error().code, ErrorCode::kNotFound) << id;
  EXPECT_EQ(s->get_by_name("nobody").error().code, ErrorCode::kNotFound);
}

TEST_F(Store, RefusesNamesPeopleCannotUse) {
  auto s = store();
  for (const std::string& name : {std::string(), std::string("  "), std::string(" a"), std::string("a\nb"),
                                  std::string(129, 'x'), std::string("\xff"), make_ksuid(clock.system_now())})
    EXPECT_EQ(s->create(change(name)).error().code, ErrorCode::kInvalid) << name;
  EXPECT_THAT(secrets->objects, IsEmpty());
}

TEST_F(Store, RefusesUnknownProviderAndMissingToken) {
  auto s = store();
  auto what = change("x");
  what.provider = "anthropic";
  EXPECT_THAT(s->create(what).error().message, HasSubstr("github, gitlab, jira, google, vertex, kubeconfig"));
  EXPECT_THAT(s->create(change("x", "")).error().message, HasSubstr("token: is required"));
}

TEST_F(Store, RefusesSizesNoSecretHolds) {
  auto s = store();
  EXPECT_THAT(s->create(change("x", std::string(600'000, 'x'))).error().message, HasSubstr("token: is longer"));
  auto what = change("x");
  what.annotations = std::string(40'000, 'x');
  EXPECT_THAT(s->create(what).error().message, HasSubstr("annotations: is longer"));
}

TEST_F(Store, UpdateKeepsWhatIsNotGiven) {
  auto s = store(keyring());
  auto what = change("main");
  what.description = "before";
  const auto made = created(*s, what);
  CredentialChange patch;
  patch.description = "after";
  const auto updated = s->update(made.id, patch);
  ASSERT_TRUE(updated.ok()) << updated.error().message;
  EXPECT_EQ(updated->credential.description, "after");
  EXPECT_EQ(updated->credential.created_at, made.created_at);
  EXPECT_EQ(s->with_token(made.id)->token, "ghp_0123456789abcdefghij");
  patch.description = "";
  EXPECT_EQ(s->update(made.id, patch)->credential.description, "");
}

TEST_F(Store, EmptyPatchChangesNothingButTheTime) {
  auto s = store();
  const auto made = created(*s, change("main"));
  const auto updated = s->update(made.id, {});
  ASSERT_TRUE(updated.ok());
  EXPECT_EQ(updated->credential.id, made.id);
  EXPECT_EQ(updated->credential.name, "main");
}

TEST_F(Store, UpdateRefusesAnOldVersion) {
  auto s = store();
  const auto made = created(*s, change("main"));
  CredentialChange patch;
  patch.description = "one";
  ASSERT_TRUE(s->update(made.id, patch).ok());
  patch.resource_version = made.resource_version;
  EXPECT_EQ(s->update(made.id, patch).error().code, ErrorCode::kConflict);
}

TEST_F(Store, ConcurrentUpdatesDoNotLoseEachOther) {
  auto s = store();
  const auto made = created(*s, change("main"));
  bool interfered = false;
  secrets->before = [&](const std::string& verb, const std::string&) -> Result<void> {
    if (verb != "replace" || std::exchange(interfered, true)) return {};
    CredentialChange other;
    other.url = "https://ghe.example.com";
    EXPECT_TRUE(s->update(made.id, other).ok());
    return {};
  };
  CredentialChange patch;
  patch.description = "mine";
  ASSERT_TRUE(s->update(made.id, patch).ok());
  secrets->before = nullptr;
  EXPECT_EQ(s->get(made.id)->description, "mine");
  EXPECT_EQ(s->get(made.id)->url, "https://ghe.example.com");
}

TEST_F(Store, RenameKeepsTheIdAndLeavesOneSecret) {
  auto s = store(keyring());
  const auto made = created(*s, change("old"));
  CredentialChange patch;
  patch.name = "new";
  const auto renamed = s->update(made.id, patch);
  ASSERT_TRUE(renamed.ok()) << renamed.error().message;
  EXPECT_EQ(renamed->credential.id, made.id);
  EXPECT_THAT(secrets->objects, SizeIs(1));
  EXPECT_EQ(s->get_by_name("new")->id, made.id);
  EXPECT_EQ(s->get_by_name("old").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(s->with_token(made.id)->token, "ghp_0123456789abcdefghij");
}

TEST_F(Store, RenameOntoAnExistingNameIsRefused) {
  auto s = store();
  created(*s, change("taken"));
  const auto made = created(*s, change("old"));
  CredentialChange patch;
  patch.name = "taken";
  EXPECT_EQ(s->update(made.id, patch).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(s->get(made.id)->name, "old");
}

TEST_F(Store, RenameCutShortIsHealed) {
  auto s = store();
  const auto made = created(*s, change("old"));
  secrets->before = [&](const std::string& verb, const std::string&) -> Result<void> {
    return verb == "remove" ? Result<void>(make_error(ErrorCode::kUnavailable, "killed")) : Result<void>();
  };
  CredentialChange patch;
  patch.name = "new";
  ASSERT_TRUE(s->update(made.id, patch).ok());
  EXPECT_THAT(secrets->objects, SizeIs(2));
  secrets->before = nullptr;
  EXPECT_EQ(s->get(made.id)->name, "new");
  EXPECT_THAT(secrets->objects, SizeIs(1));
}

TEST_F(Store, RenameDoesNotSwallowAChangeMadeMeanwhile) {
  auto s = store();
  const auto made = created(*s, change("old"));
  bool interfered = false;
  secrets->before = [&](const std::string& verb, const std::string&) -> Result<void> {
    if (verb == "create" && !std::exchange(interfered, true)) {
      auto& object = secrets->objects[secret_name_of("old")];
      object["data"]["description"] = base64_encode("from somebody else");
      object["metadata"]["resourceVersion"] = "999";
    }
    return {};
  };
  CredentialChange patch;
  patch.name = "new";
  ASSERT_TRUE(s->update(made.id, patch).ok());
  EXPECT_EQ(s->get(made.id)->name, "new");
  EXPECT_EQ(s->get(made.id)->description, "from somebody else");
  EXPECT_THAT(secrets->objects, SizeIs(1));
}

TEST_F(Store, DeleteIsIdempotentAndComplete) {
  auto s = store();
  const auto made = created(*s, change("main"));
  EXPECT_TRUE(s->remove(made.id, "").ok());
  EXPECT_TRUE(s->remove(made.id, "").ok());
  EXPECT_TRUE(s->remove("never was", "").ok());
  EXPECT_THAT(secrets->objects, IsEmpty());
}

TEST_F(Store, ADeleteOfWhatWasSeenSparesWhatChangedMeanwhile) {
  auto s = store();
  const auto made = created(*s, change("main"));
  ASSERT_TRUE(s->bind(made.id, "runtime/claude").ok());
  EXPECT_EQ(s->remove(made.id, made.resource_version).error().code, ErrorCode::kConflict);
  const auto seen = s->get(made.id);
  // Between the look and the delete.
  secrets->before = [&](const std::string& verb, const std::string& name) -> Result<void> {
    if (verb == "remove") secrets->objects[name]["metadata"]["resourceVersion"] = "another";
    return {};
  };
  EXPECT_EQ(s->remove(made.id, seen->resource_version).error().code, ErrorCode::kConflict);
  secrets->before = nullptr;
  EXPECT_TRUE(s->remove(made.id, s->get(made.id)->resource_version).ok());
  EXPECT_THAT(secrets->objects, IsEmpty());
  EXPECT_TRUE(s->remove(made.id, "any").ok()) << "gone is gone";
}

TEST_F(Store, CreateThatArrivedWithoutAnAnswerSucceeds) {
  auto s = store();
  bool lost = false;
  secrets->before = [&](const std::string& verb, const std::string&) -> Result<void> {
    if (verb != "create" || std::exchange(lost, true)) return {};
    return {};
  };
  // The Secret is there, the answer is not.
  class Lossy final : public SecretClient {
   public:
    explicit Lossy(std::shared_ptr<FakeSecrets> inner) : inner_(std::move(inner)) {}
    Result<std::vector<std::shared_ptr<const Json>>> list(const std::string& s) override { return inner_->list(s); }
    Result<std::shared_ptr<const Json>> get(const std::string& n) override { return inner_->get(n); }
    Result<std::shared_ptr<const Json>> create(const Json& secret) override {
      (void)inner_->create(secret);
      return make_error(ErrorCode::kDeadlineExceeded, "no answer in time");
    }
    Result<std::shared_ptr<const Json>> replace(const Json& s) override { return inner_->replace(s); }
    Result<void> remove(const std::string& n, const std::string& u, const std::string& v) override {
      return inner_->remove(n, u, v);
    }

   private:
    std::shared_ptr<FakeSecrets> inner_;
  };
  auto lossy = make_secret_store(std::make_shared<Lossy>(secrets), nullptr, clock, {"fracta", false, false});
  EXPECT_TRUE(lossy->create(change("main")).ok());
  EXPECT_THAT(*s->list(), SizeIs(1));
}

TEST_F(Store, HostileSecretsAreIgnored) {
  auto s = store();
  const auto made = created(*s, change("main"));
  Json base = secrets->objects.begin()->second;
  const auto put = [&](const std::function<void(Json&)>& spoil) {
    Json object = base;
    object["metadata"]["name"] = "hostile-" + random_hex(4);
    spoil(object);
    secrets->put(std::move(object));
  };
  put([](Json&) {});  // another Secret's name for the same credential
  put([](Json& o) { o["type"] = "Opaque"; });
  put([](Json& o) { o["data"] = "no map"; });
  put([](Json& o) { o["data"]["name"] = "***"; });
  put([](Json& o) { o["data"]["name"] = base64_encode("\xff\xfe"); });
  put([](Json& o) { o["metadata"]["labels"]["fracta.io/credential-id"] = "../../x"; });
  put([](Json& o) { o["metadata"]["annotations"] = 7; });
  put([](Json& o) {  // a well-formed one that claims somebody else's id
    o["data"]["name"] = base64_encode("intruder");
    o["metadata"]["name"] = secret_name_of("intruder");
    o["data"]["token"] = base64_encode("stolen");
  });
  EXPECT_THAT(*s->list(), SizeIs(1));
  EXPECT_EQ(s->with_token(made.id)->token, "ghp_0123456789abcdefghij");
  EXPECT_EQ(s->get_by_name("intruder").error().code, ErrorCode::kNotFound);
}

TEST_F(Store, TokenThatLooksSealedRoundTrips) {
  auto s = store(keyring());
  const auto made = created(*s, change("main", "enc:v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
  EXPECT_EQ(s->with_token(made.id)->token, "enc:v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(store()->create(change("other", "enc:v1:AAAA")).error().code, ErrorCode::kInvalid);
}

TEST_F(Store, RotateKeysSealsAndReseals) {
  created(*store(), change("plain"));
  created(*store(keyring(1)), change("old"));
  created(*store(keyring(2)), change("new"));
  auto s = store(keyring(2));
  const int before = secrets->writes;
  const auto dry = s->rotate_keys(true);
  ASSERT_TRUE(dry.ok());
  EXPECT_EQ(secrets->writes, before);
  const auto real = s->rotate_keys(false);
  ASSERT_TRUE(real.ok());
  for (const auto& report : {*dry, *real}) {
    EXPECT_EQ(report.sealed, 1);
    EXPECT_EQ(report.resealed, 1);
    EXPECT_EQ(report.current, 1);
    EXPECT_THAT(report.failed, IsEmpty());
  }
  EXPECT_EQ(s->rotate_keys(false)->current, 3);
  const auto all = s->list();
  for (const auto& credential : *all) EXPECT_EQ(s->with_token(credential.id)->token, "ghp_0123456789abcdefghij");
}

TEST_F(Store, RotateKeysNamesWhatItCannotOpen) {
  auto s = store(keyring(2));
  created(*s, change("good"));
  created(*s, change("bad"));
  secrets->objects[secret_name_of("bad")]["data"]["token"] = base64_encode("enc:v7:AAAA");
  const auto report = s->rotate_keys(false);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->current, 1);
  ASSERT_THAT(report->failed, SizeIs(1));
  EXPECT_THAT(report->failed[0], StartsWith("bad: "));
}

TEST_F(Store, RotateKeysDoesNotOverwriteAChangeMadeMeanwhile) {
  auto s = store(keyring(2));
  const auto made = created(*store(keyring(1)), change("main"));
  bool interfered = false;
  secrets->before = [&](const std::string& verb, const std::string&) -> Result<void> {
    if (verb != "replace" || std::exchange(interfered, true)) return {};
    CredentialChange other;
    other.token = "a-new-token-by-somebody-else";
    EXPECT_TRUE(store(keyring(1))->update(made.id, other).ok());
    return {};
  };
  EXPECT_EQ(s->rotate_keys(false)->resealed, 1);
  EXPECT_EQ(s->with_token(made.id)->token, "a-new-token-by-somebody-else");
}

TEST_F(Store, RotateKeysWithoutKeyringSaysWhatToSet) {
  EXPECT_THAT(store()->rotate_keys(true).error().message, HasSubstr("stored_credentials.keyring_directory"));
}

TEST_F(Store, BindingsAreKeptWithTheCredential) {
  auto s = store();
  const auto made = created(*s, change("main"));
  EXPECT_TRUE(s->bind(made.id, "runtime/claude").ok());
  EXPECT_TRUE(s->bind(made.id, "runtime/claude").ok());
  EXPECT_TRUE(s->bind(made.id, "agent/nightly").ok());
  EXPECT_THAT(*s->bindings(), SizeIs(2));
  CredentialChange patch;
  patch.name = "renamed";
  ASSERT_TRUE(s->update(made.id, patch).ok());
  EXPECT_EQ((*s->bindings())[0].credential_name, "renamed");
  EXPECT_TRUE(s->unbind(made.id, "runtime/claude").ok());
  EXPECT_TRUE(s->unbind(made.id, "runtime/claude").ok());
  EXPECT_THAT(*s->bindings(), SizeIs(1));
  EXPECT_TRUE(s->remove(made.id, "").ok());
  EXPECT_THAT(*s->bindings(), IsEmpty());
}

TEST_F(Store, TwoOfOneProviderOnOneTargetAreRefused) {
  auto s = store();
  const auto one = created(*s, change("one"));
  const auto two = created(*s, change("two"));
  ASSERT_TRUE(s->bind(one.id, "runtime/claude").ok());
  const auto refused = s->bind(two.id, "runtime/claude");
  EXPECT_EQ(refused.error().code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(refused.error().message, HasSubstr("\"one\""));
}

TEST_F(Store, BindingTargetsAreChecked) {
  for (const std::string& bad : {std::string("claude"), std::string("runtime/"), std::string("pod/x"),
                                 std::string("agent/a\nb"), "agent/" + std::string(300, 'x')})
    EXPECT_FALSE(check_binding_target(bad).ok()) << bad;
  for (const char* good : {"runtime/claude", "agent/My Agent", "project/fracta"})
    EXPECT_TRUE(check_binding_target(good).ok()) << good;
}

TEST(Ksuid, Is27Base62AndSortsByTime) {
  FakeClock clock;
  const auto one = make_ksuid(clock.system_now());
  EXPECT_TRUE(is_credential_id(one)) << one;
  EXPECT_NE(one, make_ksuid(clock.system_now()));
  clock.advance(std::chrono::hours{1});
  EXPECT_LT(one, make_ksuid(clock.system_now()));
}

}  // namespace
}  // namespace fracta::credentials
