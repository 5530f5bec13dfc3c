// Stored credentials over the API. Names of ambient's own tests (shared/reference/ambient-upstream.md §8.1) are kept
// where the behaviour is the same.
#include "unit/server/credentials_fixture.hpp"

namespace fracta {
namespace {

using testing::CredentialsApi;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kList = "/api/v1/credentials";
const std::string kAlias = "/api/ambient/v1/projects/my-project/credentials";

TEST_F(CredentialsApi, CredentialGet) {
  const auto id = create("main");
  user_ = "";
  EXPECT_EQ(call("GET", kAlias + "/" + id).status, 401);
  user_ = "admin";
  const auto missing = call("GET", kAlias + "/2abcDEF0123456789abcdefghij");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(reason(missing), "Credential with id='2abcDEF0123456789abcdefghij' not found");
  for (const auto& path : {kList, kAlias, std::string("/api/ambient/v1/credentials")}) {
    const auto got = call("GET", path + "/" + id);
    ASSERT_EQ(got.status, 200) << got.body;
    const auto body = json(got);
    EXPECT_EQ(body["id"], id);
    EXPECT_EQ(body["kind"], "Credential");
    EXPECT_EQ(body["href"], "/api/ambient/v1/credentials/" + id);
    EXPECT_TRUE(body.contains("created_at") && body.contains("updated_at"));
    EXPECT_FALSE(body.contains("token"));
    EXPECT_FALSE(body.contains("description"));
  }
}

TEST_F(CredentialsApi, CredentialPost) {
  const auto made =
      call("POST", kAlias, R"({"name":"n","provider":"github","token":"ghp_secret_value_1","labels":"{\"a\":1}"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(json(made)["id"].get<std::string>().size(), 27u);
  EXPECT_EQ(json(made)["labels"], "{\"a\":1}");
  EXPECT_THAT(made.body, Not(HasSubstr("ghp_secret")));
}

TEST_F(CredentialsApi, PostRefusals) {
  struct Case {
    const char* body;
    const char* code;
    const char* text;
  };
  for (const auto& c : std::initializer_list<Case>{
           {"{", "17", "Invalid request format:"},
           {"[]", "17", "Invalid request format:"},
           {R"({"provider":"github"})", "17", "required property name"},
           {R"({"name":"x"})", "17", "required property provider"},
           {R"({"name":"x","provider":"github","colour":"red"})", "17", "unknown field \"colour\""},
           {R"({"name":7,"provider":"github"})", "17", "\"name\" must be a string"},
           {R"({"name":"x","provider":"github","id":"1"})", "8", "id must be empty"},
           {R"({"name":"","provider":"github","token":"t"})", "8", "name: is required"},
           {R"({"name":"x","provider":"test-provider","token":"t"})", "8", "one of github, gitlab"},
           {R"({"name":"x","provider":"","token":"t"})", "8", "one of github, gitlab"},
           {R"({"name":"x","provider":"github"})", "8", "token: is required"},
           {R"({"name":"x","provider":"jira","token":"t"})", "8", "url: is required"},
           {R"({"name":"x","provider":"kubeconfig","token":"hello"})", "8", "is no map"},
           {R"({"name":"x","name":"y","provider":"github","token":"t"})", "17", "no valid JSON"},
       }) {
    const auto answer = call("POST", kList, c.body);
    EXPECT_EQ(answer.status, 400) << c.body;
    EXPECT_EQ(json(answer)["kind"], "Error");
    EXPECT_EQ(json(answer)["id"], c.code) << answer.body;
    EXPECT_EQ(json(answer)["code"], std::string("ambient-api-server-") + c.code);
    EXPECT_EQ(json(answer)["href"], std::string("/api/ambient/v1/errors/") + c.code);
    EXPECT_NE(string_at(json(answer), "operation_id"), "");
    EXPECT_THAT(reason(answer), HasSubstr(c.text)) << c.body;
  }
  EXPECT_THAT(secrets_->objects, IsEmpty());
}

TEST_F(CredentialsApi, BodiesMustBeJson) {
  auto request = make("POST", kList, R"({"name":"x","provider":"github","token":"t"})");
  request.headers.set("Content-Type", "text/plain");
  request.headers.add("Authorization", "Bearer admin");
  EXPECT_EQ(api_->handle(request).status, 415);
}

TEST_F(CredentialsApi, MalformedBodiesAreNotRepeated) {
  const auto answer = call("POST", kList, R"({"name":"x","token":"ghp_secret_value_1)");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, Not(HasSubstr("ghp_secret")));
}

TEST_F(CredentialsApi, NameIsUnique) {
  create("main");
  const auto again = call("POST", kList, R"({"name":"main","provider":"gitlab","token":"t"})");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(json(again)["id"], "6");
}

TEST_F(CredentialsApi, CredentialPatch) {
  const auto id = create("main");
  const auto before = json(call("GET", kList + "/" + id));
  const auto empty = call("PATCH", kAlias + "/" + id, "{}");
  ASSERT_EQ(empty.status, 200) << empty.body;
  for (const char* key : {"id", "created_at", "kind", "href"}) EXPECT_EQ(json(empty)[key], before[key]);
  EXPECT_EQ(call("PATCH", kAlias + "/2abcDEF0123456789abcdefghij", "{").status, 400);
  EXPECT_EQ(call("PATCH", kAlias + "/2abcDEF0123456789abcdefghij", "{}").status, 404);
  EXPECT_EQ(json(call("PATCH", kList + "/" + id, R"({"description":"d","token":null})"))["description"], "d");
  EXPECT_EQ(json(call("GET", kList + "/" + id + "/token"))["token"], "ghp_0123456789abcdefghij");
  EXPECT_EQ(call("PATCH", kList + "/" + id, R"({"colour":"red"})").status, 400);
  EXPECT_EQ(call("PATCH", kList + "/" + id, before.dump()).status, 200) << "an object that was read";
}

TEST_F(CredentialsApi, LostUpdatesAreRefused) {
  const auto id = create("main");
  const auto tag = *call("GET", kList + "/" + id).headers.get("ETag");
  net::Headers headers{{"If-Match", tag}};
  EXPECT_EQ(call("PATCH", kList + "/" + id, R"({"description":"one"})", headers).status, 200);
  const auto lost = call("PATCH", kList + "/" + id, R"({"description":"two"})", headers);
  EXPECT_EQ(lost.status, 412);
  EXPECT_EQ(json(lost)["id"], "6");
  EXPECT_EQ(json(call("GET", kList + "/" + id))["description"], "one");
  EXPECT_EQ(call("DELETE", kList + "/" + id, "", headers).status, 412);
}

TEST_F(CredentialsApi, CredentialPaging) {
  for (int i = 0; i < 20; ++i) create("c" + std::to_string(i));
  const auto all = json(call("GET", kAlias));
  EXPECT_EQ(all["kind"], "CredentialList");
  EXPECT_EQ(all["page"], 1);
  EXPECT_EQ(all["size"], 20);
  EXPECT_EQ(all["total"], 20);
  const auto page = json(call("GET", kAlias + "?page=2&size=5"));
  EXPECT_EQ(page["page"], 2);
  EXPECT_EQ(page["size"], 5);
  EXPECT_EQ(page["total"], 20);
  EXPECT_THAT(page["items"], SizeIs(5));
  EXPECT_EQ(json(call("GET", kList + "?size=0"))["total"], 20);
  EXPECT_THAT(json(call("GET", kList + "?size=0"))["items"], IsEmpty());
  EXPECT_THAT(json(call("GET", kList + "?page=9223372036854775807&size=65500"))["items"], IsEmpty());
  for (const char* bad : {"?page=0", "?page=x", "?size=-1", "?size=1.5"})
    EXPECT_EQ(call("GET", kList + bad).status, 400) << bad;
}

TEST_F(CredentialsApi, CredentialListSearch) {
  const auto id = create("one");
  create("two", "gitlab");
  create("it's");
  const auto found = [&](const std::string& search) {
    std::vector<std::string> names;
    const auto answer = call("GET", kAlias + "?orderBy=name&search=" + net::encode_query({{"x", search}}).substr(2));
    EXPECT_EQ(answer.status, 200) << search << answer.body;
    const auto body = json(answer);
    for (const auto& item : body["items"]) names.push_back(item["name"]);
    return names;
  };
  EXPECT_THAT(found("id in ('" + id + "')"), ElementsAre("one"));
  EXPECT_THAT(found("provider='github'"), ElementsAre("it's", "one"));
  EXPECT_THAT(found("name = 'it''s'"), ElementsAre("it's"));
  EXPECT_THAT(found("name like '%o%' and not provider = 'gitlab'"), ElementsAre("one"));
  EXPECT_THAT(found("(name = 'one' or name='two') and provider <> 'github'"), ElementsAre("two"));
  EXPECT_THAT(found("name not in ('one','two')"), ElementsAre("it's"));
}

TEST_F(CredentialsApi, SearchThatMakesNoSenseIsRefusedWithItsNumber) {
  create("one");
  std::string deep(40, '(');
  std::string many = "name='x'";
  for (int i = 0; i < 200; ++i) many += " or name='x'";
  for (const std::string& bad :
       {std::string("name ="), std::string("name = 'x"), std::string("token = 'x'"), std::string("name = x"),
        std::string("name in ()"), std::string("name = 'x' name"), std::string("'x' = name"), deep, many,
        std::string(5000, 'a'), std::string("name like 'x' or")}) {
    const auto answer = call("GET", kList + "?search=" + net::encode_query({{"x", bad}}).substr(2));
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_EQ(json(answer)["id"], "23") << bad;
  }
}

TEST_F(CredentialsApi, HostileLikePatternsEndQuickly) {
  create(std::string(100, 'a'));
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "%a";
  const auto answer =
      call("GET", kList + "?search=" + net::encode_query({{"x", "name like '" + pattern + "b'"}}).substr(2));
  EXPECT_EQ(json(answer)["total"], 0);
}

TEST_F(CredentialsApi, OrderFieldsAndProvider) {
  create("b", "github");
  create("a", "gitlab");
  const auto names = [&](const std::string& query) {
    std::vector<std::string> out;
    const auto body = json(call("GET", kList + query));
    for (const auto& item : body["items"]) out.push_back(item["name"]);
    return out;
  };
  EXPECT_THAT(names("?orderBy=name"), ElementsAre("a", "b"));
  EXPECT_THAT(names("?orderBy=name%20desc"), ElementsAre("b", "a"));
  EXPECT_THAT(names("?orderBy=provider%20desc,name"), ElementsAre("a", "b"));
  EXPECT_THAT(names("?provider=gitlab"), ElementsAre("a"));
  EXPECT_EQ(call("GET", kList + "?provider=anthropic").status, 400);
  for (const char* bad : {"?orderBy=colour", "?orderBy=name%20up", "?orderBy=token", "?fields=token", "?fields=x"})
    EXPECT_EQ(call("GET", kList + bad).status, 400) << bad;
  const auto items = json(call("GET", kList + "?fields=name&orderBy=name"))["items"];
  EXPECT_THAT(items[0].size(), 2u);
  EXPECT_EQ(items[0]["name"], "a");
  EXPECT_TRUE(items[0].contains("id"));
}

TEST_F(CredentialsApi, CredentialListTokenOmitted) {
  create("main");
  const auto answer = call("GET", kAlias);
  EXPECT_EQ(json(answer)["items"][0]["name"], "main");
  EXPECT_THAT(answer.body, Not(HasSubstr("token")));
}

TEST_F(CredentialsApi, CredentialToken) {
  const auto made = call("POST", kList,
                         dump_json({{"name", "j"},
                                    {"provider", "jira"},
                                    {"token", "ATATT123"},
                                    {"url", "https://x.atlassian.net"},
                                    {"email", "a@b.c"}}));
  const std::string id = json(made)["id"];
  const auto answer = call("GET", kAlias + "/" + id + "/token");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(json(answer), Json({{"credential_id", id},
                                {"provider", "jira"},
                                {"token", "ATATT123"},
                                {"url", "https://x.atlassian.net"},
                                {"email", "a@b.c"}}));
  EXPECT_EQ(answer.headers.get("Cache-Control"), "no-store");
  const auto same = call("GET", kAlias + "/" + id + "/token", "", {{"If-None-Match", *answer.headers.get("ETag")}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  call("PATCH", kList + "/" + id, R"({"token":"ATATT456"})");
  EXPECT_EQ(call("GET", kAlias + "/" + id + "/token", "", {{"If-None-Match", *answer.headers.get("ETag")}}).status,
            200);
  user_ = "";
  EXPECT_EQ(call("GET", kAlias + "/" + id + "/token").status, 401);
}

TEST_F(CredentialsApi, CredentialDelete) {
  const auto id = create("main");
  EXPECT_EQ(call("DELETE", kAlias + "/" + id).status, 204);
  EXPECT_EQ(call("GET", kAlias + "/" + id).status, 404);
  EXPECT_EQ(call("DELETE", kAlias + "/" + id).status, 204);
  EXPECT_THAT(secrets_->objects, IsEmpty());
  const auto other = create("other");
  user_ = "";
  EXPECT_EQ(call("DELETE", kAlias + "/" + other).status, 401);
}

TEST_F(CredentialsApi, EncryptedCredentialViaApi) {
  Json ring = {{"1", base64_encode(std::string(32, 'k'))}};
  serve(credentials::Keyring::of(*credentials::KeySet::parse(ring.dump(), "1")));
  const auto id = create("main");
  EXPECT_THAT(secrets_->data("token"), StartsWith("enc:v1:"));
  EXPECT_EQ(json(call("GET", kList + "/" + id + "/token"))["token"], "ghp_0123456789abcdefghij");
  serve();  // the keyring is gone
  const auto lost = call("GET", kList + "/" + id + "/token");
  EXPECT_EQ(lost.status, 500);
  EXPECT_THAT(reason(lost), HasSubstr("keyring"));
  EXPECT_THAT(lost.body, Not(HasSubstr("enc:v1")));
}

TEST_F(CredentialsApi, RotateKeys) {
  EXPECT_EQ(call("POST", kList + ":rotate-keys", R"({"dry_run":true})").status, 400) << "no keyring";
  create("plain");
  Json ring = {{"1", base64_encode(std::string(32, 'k'))}};
  serve(credentials::Keyring::of(*credentials::KeySet::parse(ring.dump(), "1")));
  const auto dry = json(call("POST", kList + ":rotate-keys", R"({"dry_run":true})"));
  EXPECT_EQ(dry["sealed"], 1);
  EXPECT_EQ(secrets_->data("token"), "ghp_0123456789abcdefghij");
  EXPECT_EQ(json(call("POST", kList + ":rotate-keys"))["sealed"], 1);
  EXPECT_THAT(secrets_->data("token"), StartsWith("enc:v1:"));
  rights_["clerk"] = {"get", "list"};
  user_ = "clerk";
  EXPECT_EQ(call("POST", kList + ":rotate-keys").status, 403);
}

TEST_F(CredentialsApi, TokenNeedsFetchTokenOnThatVeryCredential) {
  const auto mine = create("mine");
  const auto other = create("other");
  rights_["bob"] = {"get", "list", "fetch_token mine"};
  user_ = "bob";
  EXPECT_EQ(call("GET", kList + "/" + mine + "/token").status, 200);
  EXPECT_EQ(call("GET", kAlias + "/" + mine + "/token").status, 200);
  const auto refused = call("GET", kList + "/" + other + "/token");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(json(refused)["id"], "4");
  rights_["viewer"] = {"get", "list"};
  user_ = "viewer";
  EXPECT_EQ(call("GET", kList + "/" + mine + "/token").status, 403);
}

TEST_F(CredentialsApi, ExistenceIsHidden) {
  const auto id = create("main");
  rights_["stranger"] = {"delete main", "update main"};
  user_ = "nobody";
  for (const auto& [method, path] :
       {std::pair{"GET", ""}, std::pair{"GET", "/token"}, std::pair{"DELETE", ""}, std::pair{"GET", "/usage"}}) {
    EXPECT_EQ(call(method, kList + "/" + id + path).status, 404) << method << path;
    EXPECT_EQ(call(method, kList + "/2abcDEF0123456789abcdefghij" + path).status, 404) << method << path;
  }
  EXPECT_EQ(call("PATCH", kList + "/" + id, "{}").status, 404);
  EXPECT_EQ(call("POST", kList + "/" + id + "/bindings", R"({"target":"runtime/shell"})").status, 404);
}

TEST_F(CredentialsApi, ListShowsWhatOneMayGet) {
  create("one");
  create("two");
  rights_["bob"] = {"get two"};
  user_ = "bob";
  const auto seen = json(call("GET", kList));
  EXPECT_EQ(seen["total"], 1);
  EXPECT_EQ(seen["items"][0]["name"], "two");
  user_ = "nobody";
  EXPECT_EQ(json(call("GET", kList))["total"], 0);
}

TEST_F(CredentialsApi, CreateAndUpdateNeedTheirVerbs) {
  const auto id = create("main");
  rights_["bob"] = {"get", "update main"};
  user_ = "bob";
  EXPECT_EQ(call("POST", kList, R"({"name":"x","provider":"github","token":"t"})").status, 403);
  EXPECT_EQ(call("PATCH", kList + "/" + id, R"({"description":"x"})").status, 200);
  EXPECT_EQ(call("PATCH", kList + "/" + id, R"({"name":"taken-over"})").status, 403)
      << "a new name is a new credential";
  EXPECT_EQ(call("DELETE", kList + "/" + id).status, 403);
}

TEST_F(CredentialsApi, BindUsageUnbind) {
  const auto id = create("main");
  const auto bound = call("POST", kList + "/" + id + "/bindings", R"({"target":"runtime/shell"})");
  ASSERT_EQ(bound.status, 201) << bound.body;
  EXPECT_EQ(json(bound)["target"], "runtime/shell");
  const auto usage = json(call("GET", kList + "/" + id + "/usage"));
  EXPECT_EQ(usage["bindings"], Json({{{"target", "runtime/shell"}, {"source", "binding"}}}));
  EXPECT_THAT(usage["agents"], IsEmpty());
  const auto refused = call("DELETE", kList + "/" + id);
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(reason(refused), HasSubstr("bound to runtime/shell"));
  EXPECT_EQ(call("DELETE", kList + "/" + id + "/bindings", R"({"target":"runtime/shell"})").status, 204);
  EXPECT_EQ(call("DELETE", kList + "/" + id + "/bindings?target=runtime/shell").status, 204) << "twice is fine";
  // Bound by somebody else while nobody looks.
  secrets_->before = [&](const std::string& verb, const std::string& name) -> Result<void> {
    if (verb == "remove") secrets_->objects[name]["metadata"]["resourceVersion"] = "another";
    return {};
  };
  EXPECT_EQ(call("DELETE", kList + "/" + id).status, 409);
  secrets_->before = nullptr;
  EXPECT_EQ(call("DELETE", kList + "/" + id).status, 204);
}

TEST_F(CredentialsApi, BindingTargetsAreChecked) {
  const auto id = create("main");
  for (const char* bad : {"runtime/nothere", "shell", "project/elsewhere", "", "pod/x"})
    EXPECT_EQ(call("POST", kList + "/" + id + "/bindings", dump_json({{"target", bad}})).status, 400) << bad;
  EXPECT_EQ(call("POST", kList + "/" + id + "/bindings", R"({"target":"project/fracta"})").status, 201);
  EXPECT_EQ(call("POST", kList + "/" + id + "/bindings", R"({"target":"agent/nightly"})").status, 201);
}

TEST_F(CredentialsApi, DeleteWithForce) {
  const auto id = create("main");
  call("POST", kList + "/" + id + "/bindings", R"({"target":"runtime/shell"})");
  EXPECT_EQ(call("DELETE", kList + "/" + id + "?force=maybe").status, 400);
  EXPECT_EQ(call("DELETE", kList + "/" + id + "?force=true").status, 204);
}

TEST_F(CredentialsApi, BoundInConfigurationCounts) {
  config_.agent_runtimes["shell"].credentials = {"main"};
  serve();
  const auto id = create("main");
  EXPECT_THAT(reason(call("DELETE", kList + "/" + id)), HasSubstr("runtime/shell (fracta.yaml)"));
}

TEST_F(CredentialsApi, AgentInUseIsNamed) {
  const auto id = create("main");
  const auto spawned = call("POST", "/api/v1/agents", R"({"task":"a1","contract":"x","credentials":["main"]})");
  ASSERT_EQ(spawned.status, 201) << spawned.body;
  set_running("a1");
  ASSERT_TRUE(shows("a1", "Running"));
  EXPECT_THAT(reason(call("DELETE", kList + "/" + id)), HasSubstr("in use by agent a1"));
  EXPECT_EQ(json(call("GET", kList + "/" + id + "/usage"))["agents"][0]["name"], "a1");
}

TEST_F(CredentialsApi, SpawnNeedsBindOnEachCredential) {
  create("main");
  rights_["bob"] = {"create"};
  user_ = "bob";
  EXPECT_EQ(call("POST", "/api/v1/agents", R"({"task":"a1","contract":"x","credentials":["main"]})").status, 403);
  rights_["bob"].insert("bind main");
  EXPECT_EQ(call("POST", "/api/v1/agents", R"({"task":"a1","contract":"x","credentials":["main"]})").status, 201);
}

TEST_F(CredentialsApi, KubeconfigIsCheckedAndItsExpiryShown) {
  credentials::testing::Kubeconfig config;
  config.user = "    token: eyJhbGciOiJub25lIn0." + base64url_encode(R"({"exp":4102444800})") + ".c2ln\n";
  const auto made =
      call("POST", kList, dump_json({{"name", "k"}, {"provider", "kubeconfig"}, {"token", config.text()}}));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(json(call("GET", kList + "/" + string_at(json(made), "id")))["expires_at"], "2100-01-01T00:00:00Z");
  config.user = "    token: eyJhbGciOiJub25lIn0." + base64url_encode(R"({"exp":1})") + ".c2ln\n";
  const auto old =
      call("POST", kList, dump_json({{"name", "o"}, {"provider", "kubeconfig"}, {"token", config.text()}}));
  EXPECT_THAT(dump_json(json(old)["warnings"]), HasSubstr("expired on"));
}

TEST_F(CredentialsApi, HostileIdsFindNothing) {
  for (const char* id : {"..", "%2e%2e", "x'or'1'='1", "fracta-credential-main"})
    EXPECT_EQ(call("GET", kList + "/" + id).status, 404) << id;
}

TEST_F(CredentialsApi, AnAgentReadsItsOwnAndItsQuestionsAreCheap) {
  const auto own = create("own"), other = create("other");
  auto wanted = request("a1");
  wanted.credentials = {"own"};
  ASSERT_TRUE(plane().spawn(wanted));
  set_running("a1");
  ASSERT_TRUE(shows("a1", "Running"));
  const auto pod = cluster_->get(testing::kPodsPath, "fracta-agent-a1-x1");
  pods_["agent"] = server::PodIdentity{"fracta", "fracta-agent-a1-x1", string_at(*pod, "metadata/uid")};
  user_ = "agent";
  EXPECT_EQ(call("GET", kList + "/" + other + "/token").status, 404) << "nobody else's";
  int asked = 0;
  secrets_->before = [&](const std::string&, const std::string&) -> Result<void> {
    ++asked;
    return {};
  };
  std::string tag;
  for (int i = 0; i < 10; ++i) {
    const auto got = call("GET", kList + "/" + own + "/token");
    ASSERT_EQ(got.status, 200) << got.body;
    EXPECT_EQ(json(got)["token"], "ghp_0123456789abcdefghij");
    tag = got.headers.get("ETag").value_or("");
  }
  EXPECT_LE(asked, 1) << "ten questions within a moment are one of the API server's";
  // A change through this API counts at once all the same.
  user_ = "admin";
  ASSERT_EQ(call("PATCH", kList + "/" + own, R"({"token":"ghp_rotated0123456789abc"})").status, 200);
  user_ = "agent";
  const auto got = call("GET", kList + "/" + own + "/token", "", {{"If-None-Match", tag}});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(json(got)["token"], "ghp_rotated0123456789abc");
}

}  // namespace
}  // namespace fracta
