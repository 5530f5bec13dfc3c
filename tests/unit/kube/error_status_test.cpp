#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fracta/kube/client.hpp"

namespace fracta::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

struct StatusCase {
  std::string name;
  int http;
  std::string body;
  ErrorCode code;
  std::string reason;
  std::string message;  // a part of it
};

class StatusTest : public ::testing::TestWithParam<StatusCase> {};

TEST_P(StatusTest, BecomesATypedError) {
  const auto& c = GetParam();
  const auto error = error_from_answer(c.http, {}, c.body);
  EXPECT_EQ(to_string(error.code), to_string(c.code));
  EXPECT_EQ(error.http_status, c.http);
  EXPECT_EQ(error.reason, c.reason);
  EXPECT_THAT(error.message, HasSubstr(c.message));
  EXPECT_LT(error.message.size(), 5000u);
  EXPECT_THAT(error.message, Not(HasSubstr("\n")));
}

std::string status_body(const std::string& rest) { return R"({"kind":"Status","apiVersion":"v1",)" + rest + "}"; }

const std::string kDeep = std::string(100'000, '[') + std::string(100'000, ']');

INSTANTIATE_TEST_SUITE_P(
    Table, StatusTest,
    ::testing::Values(
        StatusCase{"NotFound", 404,
                   status_body(R"("reason":"NotFound","message":"jobs.batch \"x\" not found","code":404)"),
                   ErrorCode::kNotFound, "NotFound", "jobs.batch \"x\" not found"},
        StatusCase{"AlreadyExists", 409, status_body(R"("reason":"AlreadyExists","message":"m")"),
                   ErrorCode::kAlreadyExists, "AlreadyExists", "m"},
        StatusCase{"Conflict", 409, status_body(R"("reason":"Conflict","message":"m")"), ErrorCode::kConflict,
                   "Conflict", "m"},
        StatusCase{"Invalid", 422, status_body(R"("reason":"Invalid","message":"m")"), ErrorCode::kInvalid, "Invalid",
                   "m"},
        StatusCase{"Forbidden", 403, status_body(R"("reason":"Forbidden","message":"m")"), ErrorCode::kForbidden,
                   "Forbidden", "m"},
        StatusCase{"Expired", 410, status_body(R"("reason":"Expired","message":"m")"), ErrorCode::kGone, "Expired",
                   "m"},
        StatusCase{"ServerTimeout", 500, status_body(R"("reason":"ServerTimeout","message":"m")"),
                   ErrorCode::kUnavailable, "ServerTimeout", "m"},
        StatusCase{"Timeout", 504, status_body(R"("reason":"Timeout","message":"m")"), ErrorCode::kDeadlineExceeded,
                   "Timeout", "m"},
        StatusCase{"UnknownReason", 403, status_body(R"("reason":"Brandnew","message":"m")"), ErrorCode::kForbidden,
                   "Brandnew", "m"},
        StatusCase{"CodeInBodyLies", 403, status_body(R"("message":"m","code":200)"), ErrorCode::kForbidden, "", "m"},
        StatusCase{"NoMessage", 403, status_body(R"("reason":"Forbidden")"), ErrorCode::kForbidden, "Forbidden",
                   "HTTP 403"},
        StatusCase{"Html", 502, "<html>\n<h1>Bad Gateway</h1></html>", ErrorCode::kUnavailable, "",
                   "HTTP 502 Bad Gateway: <html>"},
        StatusCase{"Empty", 500, "", ErrorCode::kInternal, "", "HTTP 500"},
        StatusCase{"Redirect", 302, "", ErrorCode::kInternal, "", "HTTP 302"},
        StatusCase{"Truncated", 409, R"({"kind":"Status","reason":"AlreadyEx)", ErrorCode::kConflict, "", "HTTP 409"},
        StatusCase{"Deep", 500, kDeep, ErrorCode::kInternal, "", "HTTP 500"},
        StatusCase{"DeepInside", 500, status_body(R"("details":)" + kDeep), ErrorCode::kInternal, "", "HTTP 500"},
        StatusCase{"OtherKind", 404, R"({"kind":"Pod","message":"m"})", ErrorCode::kNotFound, "", "HTTP 404"},
        StatusCase{
            "WrongTypes", 422,
            status_body(R"("reason":7,"message":[],"code":"x","details":{"causes":{"a":1},"retryAfterSeconds":"z"})"),
            ErrorCode::kInvalid, "", "HTTP 422"},
        StatusCase{"HugeMessage", 400, status_body(R"("message":")" + std::string(1u << 20, 'x') + "\""),
                   ErrorCode::kInvalid, "", "xxx"},
        StatusCase{"LineEndInMessage", 400, status_body(R"("message":"a\nb\u001b[31m")"), ErrorCode::kInvalid, "",
                   "a"}),
    [](const auto& row) { return row.param.name; });

TEST(Status, KeepsFieldCauses) {
  const auto error = error_from_answer(
      422, {},
      status_body(
          R"("reason":"Invalid","message":"m","details":{"causes":[{"reason":"FieldValueRequired","message":"Required value","field":"spec.x"},7,{}]})"));
  ASSERT_EQ(error.causes.size(), 2u);
  EXPECT_EQ(error.causes[0].field, "spec.x");
  EXPECT_EQ(error.causes[0].reason, "FieldValueRequired");
  EXPECT_EQ(error.causes[0].message, "Required value");
}

TEST(Status, CausesAreBounded) {
  std::string causes;
  for (int i = 0; i < 10'000; ++i) causes += std::string(i ? "," : "") + R"({"field":"f"})";
  EXPECT_LE(error_from_answer(422, {}, status_body(R"("details":{"causes":[)" + causes + "]}")).causes.size(), 64u);
}

TEST(Status, RetryAfterOfHeaderAndBody) {
  const auto body = status_body(R"("reason":"TooManyRequests","details":{"retryAfterSeconds":3})");
  EXPECT_EQ(error_from_answer(429, {}, body).retry_after, 3000ms);
  EXPECT_EQ(error_from_answer(429, {{"retry-after", "7"}}, body).retry_after, 7000ms);
  EXPECT_EQ(error_from_answer(503, {{"Retry-After", "0"}}, "").retry_after, 0ms);
  for (std::string bad : {"-1", "x", "1e9", "99999999999999999999", "Fri, 31 Dec 1999 23:59:59 GMT", ""}) {
    EXPECT_FALSE(error_from_answer(503, {{"Retry-After", bad}}, "").retry_after) << bad;
  }
}

}  // namespace
}  // namespace fracta::kube
