#include <gtest/gtest.h>

#include <stdexcept>

#include "fracta/net/http_server.hpp"
#include "net/request_parser.hpp"

namespace fracta::net {
namespace {

ServerRequest request_for(const std::string& method, const std::string& target) {
  RequestParser parser(RequestLimits{});
  std::string bytes = method + " " + target + " HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(parser.advance(bytes), RequestParser::State::kDone) << target;
  return parser.request();
}

RequestHandler echo(std::string name) {
  return [name](const ServerRequest& request) {
    std::string text = name;
    for (const auto& [key, value] : request.path_parameters) text += " " + key + "=" + value;
    return ServerResponse::text(200, text);
  };
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router_.add("GET", "/api/v1/agents", echo("list"));
    router_.add("POST", "/api/v1/agents", echo("spawn"));
    router_.add("GET", "/api/v1/agents/{name}", echo("get"));
    router_.add("DELETE", "/api/v1/agents/{name}", echo("delete"));
    router_.add("GET", "/api/v1/agents/{name}/logs", echo("logs"));
    router_.add("GET", "/api/v1/agents/mine", echo("mine"));
    router_.add("GET", "/files/{rest...}", echo("files"));
    router_.add("GET", "/files/{one}/raw", echo("raw"));
    router_.add("GET", "/", echo("root"));
    router_.add("GET", "/boom",
                [](const ServerRequest&) -> ServerResponse { throw std::runtime_error("secret detail"); });
  }
  std::string get(const std::string& target, const std::string& method = "GET") {
    const auto response = router_.route(request_for(method, target));
    return response.status == 200 ? response.body : std::to_string(response.status);
  }
  Router router_;
};

TEST_F(RouterTest, PicksTheRoute) {
  EXPECT_EQ(get("/"), "root");
  EXPECT_EQ(get("/api/v1/agents"), "list");
  EXPECT_EQ(get("/api/v1/agents?limit=1"), "list");
  EXPECT_EQ(get("/api/v1/agents", "POST"), "spawn");
  EXPECT_EQ(get("/api/v1/agents/a1"), "get name=a1");
  EXPECT_EQ(get("/api/v1/agents/a1/logs"), "logs name=a1");
  EXPECT_EQ(get("/api/v1/agents/a1", "DELETE"), "delete name=a1");
  EXPECT_EQ(get("/api/v1/agents/a1", "HEAD"), "get name=a1");
}

TEST_F(RouterTest, LiteralWinsOverParameterWinsOverRemainder) {
  EXPECT_EQ(get("/api/v1/agents/mine"), "mine");
  EXPECT_EQ(get("/files/a/raw"), "raw one=a");
  EXPECT_EQ(get("/files/a/b/c"), "files rest=a/b/c");
  EXPECT_EQ(get("/files"), "files rest=");
}

TEST_F(RouterTest, EncodedSlashStaysInItsSegment) {
  EXPECT_EQ(get("/api/v1/agents/a%2Fb"), "get name=a/b");
  EXPECT_EQ(get("/api/v1/agents/a%2Fb/logs"), "logs name=a/b");
  EXPECT_EQ(get("/api/v1/agents/%C3%A4"), "get name=\xC3\xA4");
}

TEST_F(RouterTest, NotFound) {
  EXPECT_EQ(get("/nope"), "404");
  EXPECT_EQ(get("/api/v1/agents/"), "404");
  EXPECT_EQ(get("/api/v1/agents/a/b"), "404");
  router_.set_not_found(
      [](const ServerRequest& request) { return ServerResponse::json(404, "{\"p\":\"" + request.path + "\"}"); });
  EXPECT_EQ(router_.route(request_for("GET", "/x%20y")).body, "{\"p\":\"/x y\"}");
}

TEST_F(RouterTest, MethodNotAllowedNamesTheAllowedOnes) {
  const auto response = router_.route(request_for("PUT", "/api/v1/agents"));
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.get("Allow"), "GET, POST, HEAD");
  router_.set_method_not_allowed([](const ServerRequest&) { return ServerResponse::json(405, "{}"); });
  const auto custom = router_.route(request_for("PUT", "/api/v1/agents/a"));
  EXPECT_EQ(custom.body, "{}");
  EXPECT_EQ(custom.headers.get("Allow"), "GET, DELETE, HEAD");
}

TEST_F(RouterTest, ExceptionBecomes500WithoutDetails) {
  const auto response = router_.route(request_for("GET", "/boom"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("secret"), std::string::npos);
  EXPECT_FALSE(response.headers.has("EXCEPTION_WHAT"));
}

TEST_F(RouterTest, ListsItsRoutes) {
  ASSERT_EQ(router_.routes().size(), 10U);
  EXPECT_EQ(router_.routes()[1], (std::pair<std::string, std::string>("POST", "/api/v1/agents")));
}

}  // namespace
}  // namespace fracta::net
