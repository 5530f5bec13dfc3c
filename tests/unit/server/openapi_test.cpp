// The OpenAPI document is true: every route is in it, requests made from it are answered as it says, and broken ones
// are refused.
#include "unit/server/credentials_fixture.hpp"
#include "unit/server/schema.hpp"

namespace fracta {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

struct Operation {
  std::string method, path;
  const Json* json;
  [[nodiscard]] std::string name() const { return method + " " + path; }
};

class OpenApi : public testing::CredentialsApi {
 protected:
  void SetUp() override {
    CredentialsApi::SetUp();
    const auto answer = call("GET", "/api/v1/openapi.json");
    ASSERT_EQ(answer.status, 200);
    document_ = json(answer);
    schemas_ = std::make_unique<testing::Schemas>(document_);
    for (const auto& [path, item] : document_["paths"].items())
      for (const auto& [method, operation] : item.items()) {
        std::string upper = method;
        for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
        operations_.push_back({upper, path, &operation});
      }
  }
  // The path with its parameters replaced by examples, or by `real` ones.
  static std::string target(const Operation& operation, const std::map<std::string, std::string>& real = {}) {
    std::string path = operation.path;
    for (const auto& parameter : operation.json->value("parameters", Json::array())) {
      if (parameter["in"] != "path") continue;
      const std::string name = parameter["name"];
      const auto found = real.find(name);
      const std::string value = found != real.end() ? found->second : parameter["example"].get<std::string>();
      path.replace(path.find("{" + name + "}"), name.size() + 2, value);
    }
    return path;
  }
  [[nodiscard]] const Json* body_schema(const Operation& operation) const {
    if (!operation.json->contains("requestBody")) return nullptr;
    return &schemas_->resolve((*operation.json)["requestBody"]["content"]["application/json"]["schema"]);
  }
  // The answer's status and body are as described.
  void expect_described(const Operation& operation, const net::ServerResponse& answer, const std::string& what) {
    const Json& responses = (*operation.json)["responses"];
    const std::string status = std::to_string(answer.status);
    ASSERT_TRUE(responses.contains(status)) << operation.name() << " " << what << ": " << status << " " << answer.body;
    if (answer.stream || answer.body.empty()) return;
    const auto content = responses[status].find("content");
    ASSERT_NE(content, responses[status].end()) << operation.name() << " " << what << ": a body, " << answer.body;
    if (!content->contains("application/json")) return;
    EXPECT_THAT(schemas_->problems((*content)["application/json"]["schema"], json(answer)), IsEmpty())
        << operation.name() << " " << what << ": " << answer.body;
  }
  void expect_refused(const Operation& operation, const std::string& where, const std::string& body) {
    const auto answer = call(operation.method, where, body);
    EXPECT_EQ(answer.status, 400) << operation.name() << " " << where << " " << body << ": " << answer.body;
    expect_described(operation, answer, where + " " + body);
  }

  Json document_;
  std::unique_ptr<testing::Schemas> schemas_;
  std::vector<Operation> operations_;
};

Json of_another_type(const std::string& type) { return type == "string" ? Json(7) : Json("no " + type); }

TEST_F(OpenApi, DescribesEveryRouteAndNoOther) {
  std::set<std::string> described, served;
  for (const auto& operation : operations_) described.insert(operation.name());
  for (const auto& [method, pattern] : api_->routes()) {
    std::string path = pattern;
    for (auto open = path.find('{'); open != std::string::npos; open = path.find('{'))
      path.replace(open, path.find('}') - open + 1, "x");
    // What this version answers with "not available" is no offer.
    if (call(method, path, method == "GET" ? "" : "{}").status != 501) served.insert(method + " " + pattern);
  }
  EXPECT_EQ(described, served);
}

TEST_F(OpenApi, IsTheSameForAmbientClients) {
  EXPECT_EQ(call("GET", "/api/ambient/v1/openapi").body, call("GET", "/api/v1/openapi.json").body);
  user_ = "";
  EXPECT_EQ(call("GET", "/api/v1/openapi.json").status, 401);
}

TEST_F(OpenApi, ReferencesResolveAndOperationsHaveNames) {
  std::set<std::string> ids;
  for (const auto& operation : operations_)
    EXPECT_TRUE(ids.insert((*operation.json)["operationId"].get<std::string>()).second) << operation.name();
  const std::string text = document_.dump();
  for (std::size_t at = text.find("\"$ref\":\""); at != std::string::npos; at = text.find("\"$ref\":\"", at + 1)) {
    const std::size_t from = at + 8;
    const std::string name = text.substr(from, text.find('"', from) - from);
    EXPECT_TRUE(document_["components"]["schemas"].contains(name.substr(name.rfind('/') + 1))) << name;
  }
}

TEST_F(OpenApi, ProvidersComeFromTheTable) {
  EXPECT_EQ(document_["components"]["schemas"]["Provider"]["enum"],
            Json({"github", "gitlab", "jira", "google", "vertex", "kubeconfig"}));
}

TEST_F(OpenApi, ValidRequestsAreAnsweredAsDescribed) {
  for (const auto& operation : operations_) {
    std::string body;
    if (const Json* schema = body_schema(operation); schema != nullptr && schema->contains("example"))
      body = (*schema)["example"].dump();
    expect_described(operation, call(operation.method, target(operation), body), "with examples");
    if (HasFatalFailure()) return;
    for (const auto& parameter : operation.json->value("parameters", Json::array())) {
      if (parameter["in"] != "query" || parameter.contains("x-streams")) continue;
      const Json& schema = schemas_->resolve(parameter["schema"]);
      Json value = parameter.value("example", schema.value("default", Json("")));
      if (schema.contains("enum")) value = schema["enum"][0];
      if (schema["type"] == "boolean") value = "true";
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      const auto with = target(operation) + "?" + net::encode_query({{parameter["name"], text}});
      expect_described(operation, call(operation.method, with, body), with);
    }
  }
}

TEST_F(OpenApi, ExistingObjectsAreAnsweredAsDescribed) {
  for (const auto& operation : operations_) {
    const auto name = "c" + random_hex(4);
    const std::map<std::string, std::string> real{{"id", create(name)}, {"name", "a1"}, {"project", "fracta"}};
    if (operation.path.find("/agents/{name}") != std::string::npos && !plane().get("a1")) {
      ASSERT_EQ(call("POST", "/api/v1/agents", R"({"task":"a1","contract":"x"})").status, 201);
      set_running("a1");
      ASSERT_TRUE(shows("a1", "Running"));
    }
    std::string body;
    if (const Json* schema = body_schema(operation); schema != nullptr && schema->contains("example"))
      body = (*schema)["example"].dump();
    if (operation.path.ends_with("/credentials") && operation.method == "POST")
      body = dump_json({{"name", name + "-2"}, {"provider", "github"}, {"token", "ghp_x"}});
    const auto answer = call(operation.method, target(operation, real), body);
    expect_described(operation, answer, "existing");
    const bool rotation = operation.path.ends_with(":rotate-keys");  // there is no keyring here
    if (operation.path.find("/credentials") != std::string::npos && !rotation) {
      EXPECT_LT(answer.status, 300) << operation.name() << answer.body;
    }
    if (HasFatalFailure()) return;
  }
}

TEST_F(OpenApi, BadQueriesAreRefused) {
  int tried = 0;
  for (const auto& operation : operations_) {
    std::string body;
    if (const Json* schema = body_schema(operation); schema != nullptr && schema->contains("example"))
      body = (*schema)["example"].dump();
    for (const auto& parameter : operation.json->value("parameters", Json::array())) {
      if (parameter["in"] != "query") continue;
      const Json& schema = schemas_->resolve(parameter["schema"]);
      std::vector<std::string> bad;
      if (parameter.contains("x-bad")) bad.push_back(parameter["x-bad"]);
      if (schema["type"] == "integer") bad.emplace_back("many");
      if (schema.contains("minimum")) bad.push_back(std::to_string(schema["minimum"].get<int>() - 1));
      if (schema["type"] == "boolean") bad.emplace_back("maybe");
      if (schema.contains("enum")) bad.emplace_back("no-such-value");
      for (const auto& value : bad) {
        ++tried;
        expect_refused(operation, target(operation) + "?" + net::encode_query({{parameter["name"], value}}), body);
      }
    }
  }
  EXPECT_GT(tried, 30);
}

TEST_F(OpenApi, BadBodiesAreRefused) {
  int tried = 0;
  for (const auto& operation : operations_) {
    const Json* schema = body_schema(operation);
    if (schema == nullptr) continue;
    const auto refused = [&](const std::string& body) {
      ++tried;
      expect_refused(operation, target(operation), body);
    };
    const Json example = schema->value("example", Json::object());
    for (const char* body : {"{", "[]", "7", "\"text\"", "{\"a\":1}}"}) refused(body);
    refused(std::string(5000, '['));
    for (const auto& [name, given] : (*schema)["properties"].items()) {
      const Json& property = schemas_->resolve(given);
      if (property.value("readOnly", false) || property.contains("x-ignored")) continue;
      Json body = example;
      body[name] = of_another_type(property["type"]);
      refused(body.dump());
      if (!property.contains("enum") || property.contains("x-checked-later")) continue;
      body[name] = "no-such-value";
      // A bad value of a thing that is not there is told only to those who may know that it is not there.
      if (operation.method == "POST") refused(body.dump());
    }
    if ((*operation.json)["requestBody"]["required"] == true)
      for (const auto& name : schema->value("required", Json::array())) {
        Json body = example;
        body.erase(name.get<std::string>());
        refused(body.dump());
      }
    if (schema->value("additionalProperties", Json(true)) == false) {
      Json body = example;
      body["no_such_property"] = 1;
      refused(body.dump());
    }
    auto text = make(operation.method, target(operation), example.dump());
    text.headers.set("Content-Type", "text/plain");
    text.headers.add("Authorization", "Bearer admin");
    const auto answer = api_->handle(text);
    EXPECT_EQ(answer.status, 415) << operation.name();
    expect_described(operation, answer, "text/plain");
  }
  EXPECT_GT(tried, 100);
}

TEST_F(OpenApi, NobodyGetsInWithoutAToken) {
  user_ = "";
  for (const auto& operation : operations_) {
    const bool open = operation.json->contains("security") && (*operation.json)["security"].empty();
    const auto answer = call(operation.method, target(operation), operation.method == "GET" ? "" : "{}");
    if (open) continue;
    EXPECT_EQ(answer.status, 401) << operation.name();
    expect_described(operation, answer, "without a token");
  }
}

TEST_F(OpenApi, NobodyGetsInWithoutRights) {
  user_ = "stranger";
  for (const auto& operation : operations_) {
    if (operation.path.find("/agents") == std::string::npos && operation.path.find("/credentials") == std::string::npos)
      continue;
    std::string body;
    if (const Json* schema = body_schema(operation)) body = schema->value("example", Json::object()).dump();
    const auto answer = call(operation.method, target(operation), body);
    const bool list = operation.method == "GET" && operation.path.ends_with("/credentials");  // empty
    EXPECT_TRUE(list ? answer.status == 200 : answer.status == 403 || answer.status == 404)
        << operation.name() << " " << answer.status << answer.body;
  }
}

}  // namespace
}  // namespace fracta
