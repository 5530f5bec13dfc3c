#include "fracta/credentials/resolver.hpp"

#include <atomic>
#include <latch>
#include <thread>

#include "fracta/net/http_server.hpp"
#include "unit/credentials/helpers.hpp"

namespace fracta::credentials {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class FakeRunner final : public CommandRunner {
 public:
  std::function<Result<CommandResult>(const CommandOptions&)> answer = [](const CommandOptions&) {
    return prints("tok");
  };
  std::atomic<int> runs = 0;
  CommandOptions last;
  static Result<CommandResult> prints(const std::string& text) {
    CommandResult result;
    result.standard_output = text;
    return result;
  }
  static Result<CommandResult> fails(int code, const std::string& error) {
    CommandResult result;
    result.exit_code = code;
    result.standard_error = error;
    return result;
  }
  Result<CommandResult> run(const CommandOptions& options) override {
    ++runs;
    {
      std::lock_guard lock(mutex_);
      last = options;
    }
    return answer(options);
  }

 private:
  std::mutex mutex_;
};

class Resolver : public ::testing::Test {
 protected:
  Result<Token> resolve(OriginSource& source) { return source.resolve({"p", "o", origin_, environment_}, {}); }
  OriginResolver::Options options_{
      .environment = {{"PATH", "/bin"}, {"HOME", "/h"}, {"AWS_ROLE_ARN", "r"}, {"DSN", "secret"}}};
  config::AuthOrigin origin_ = command_origin("any");
  config::StringMap environment_;
  FakeClock clock_;
  FakeRunner runner_;
};

TEST_F(Resolver, CommandsSeeAMinimalEnvironment) {
  origin_.command = {"fetch", "--for", "me"};
  origin_.pass_env = {"AWS_ROLE_ARN", "NOT_SET"};
  environment_ = {{"AWS_REGION", "eu"}};
  OriginResolver resolver(clock_, runner_, options_);
  ASSERT_TRUE(resolve(resolver));
  EXPECT_THAT(runner_.last.argv, ::testing::ElementsAre("fetch", "--for", "me"));
  EXPECT_THAT(*runner_.last.environment,
              UnorderedElementsAre("PATH=/bin", "HOME=/h", "AWS_ROLE_ARN=r", "AWS_REGION=eu"));
  EXPECT_EQ(runner_.last.max_stdout, 64u << 10);
}

TEST_F(Resolver, ATokenIsKeptUntilItsRefreshTime) {
  origin_.ttl_ms = 3'600'000;
  OriginResolver resolver(clock_, runner_, options_);
  ASSERT_TRUE(resolve(resolver));
  clock_.advance(47min);
  ASSERT_TRUE(resolve(resolver));
  EXPECT_EQ(runner_.runs, 1);
  clock_.advance(2min);
  ASSERT_TRUE(resolve(resolver));
  EXPECT_EQ(runner_.runs, 2);
}

// A laptop wakes up with a wrong time, NTP puts it right: an hour's token must not be used for a day and an hour.
TEST_F(Resolver, AWallClockThatIsSetBackMakesNoTokenYoung) {
  struct SetBack final : Clock {
    FakeClock base;
    std::chrono::seconds ahead{24h};
    [[nodiscard]] SystemTime system_now() const override { return base.system_now() + ahead; }
    [[nodiscard]] SteadyTime steady_now() const override { return base.steady_now(); }
  } clock;
  origin_.ttl_ms = 3'600'000;
  OriginResolver resolver(clock, runner_, options_);
  ASSERT_TRUE(resolve(resolver));
  clock.ahead = 0h;
  clock.base.advance(47min);
  ASSERT_TRUE(resolve(resolver));
  EXPECT_EQ(runner_.runs, 1);
  clock.base.advance(2min);
  ASSERT_TRUE(resolve(resolver));
  EXPECT_EQ(runner_.runs, 2);
}

TEST_F(Resolver, AChangedCommandIsAskedAnew) {
  origin_.ttl_ms = 3'600'000;
  OriginResolver resolver(clock_, runner_, options_);
  ASSERT_TRUE(resolve(resolver));
  origin_.command = {"other"};
  ASSERT_TRUE(resolve(resolver));
  EXPECT_EQ(runner_.runs, 2);
}

TEST_F(Resolver, AFailureIsNotRepeatedBeforeItsBackOff) {
  runner_.answer = [](const CommandOptions&) { return FakeRunner::fails(3, "denied"); };
  OriginResolver resolver(clock_, runner_, options_);
  const auto first = resolve(resolver);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().message, "command \"fetch\" ended with exit code 3: denied");
  ASSERT_TRUE(first.error().retry_after);
  EXPECT_THAT(resolve(resolver).error().message, HasSubstr("exit code 3: denied (it will not be tried again for "));
  EXPECT_EQ(runner_.runs, 1);
  clock_.advance(*first.error().retry_after);
  const auto second = resolve(resolver);
  EXPECT_EQ(runner_.runs, 2);
  EXPECT_GT(*second.error().retry_after, *first.error().retry_after * 5 / 4);
  clock_.advance(*second.error().retry_after);
  runner_.answer = [](const CommandOptions&) { return FakeRunner::prints("tok"); };
  EXPECT_TRUE(resolve(resolver));
}

TEST_F(Resolver, ErrorsHoldNoArgumentsAndNoTokens) {
  origin_.command = {"/usr/bin/fetch", "--password", "hunter2"};
  runner_.answer = [](const CommandOptions&) {
    auto result = FakeRunner::fails(1, "cannot use tok-from-stdout, Bearer abcd");
    result->standard_output = "tok-from-stdout\n";
    return result;
  };
  OriginResolver resolver(clock_, runner_, options_);
  EXPECT_THAT(resolve(resolver).error().message, AllOf(HasSubstr("\"fetch\""), Not(HasSubstr("hunter2")),
                                                       Not(HasSubstr("tok-from")), Not(HasSubstr("abcd"))));
}

TEST_F(Resolver, EveryWayToFailHasItsWords) {
  const std::vector<std::pair<ErrorCode, const char*>> cases = {
      {ErrorCode::kNotFound, "is not on the controlplane's PATH"},
      {ErrorCode::kDeadlineExceeded, "did not end within 1500 ms"},
      {ErrorCode::kResourceExhausted, "a token is shorter"},
      {ErrorCode::kInternal, "could not be run"}};
  origin_.timeout_ms = 1500;
  for (const auto& [code, words] : cases) {
    runner_.answer = [code = code](const CommandOptions&) { return make_error(code, "x"); };
    OriginResolver resolver(clock_, runner_, options_);
    const auto result = resolve(resolver);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, HasSubstr(words));
    EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  }
}

class HeaderToken : public Resolver {
 protected:
  void SetUp() override {
    auto created = net::HttpServer::create({}, [this](const net::ServerRequest& request) {
      ++asked_;
      auto answer = net::ServerResponse::text(status_, "body");
      if (request.headers.get("x-proof") == "p" && request.path == "/mint" && request.method == "POST")
        answer.headers.add("X-Token", "header-token-1");
      return answer;
    });
    ASSERT_TRUE(created);
    server_ = *std::move(created);
    server_->start();
    origin_.type = "http_header_token";
    origin_.command.clear();
    origin_.request_method = "POST";
    origin_.request_url = "http://" + server_->address() + "/mint?secret=q";
    origin_.request_headers = {{"X-Proof", "p"}};
    origin_.extract_header = "x-token";
  }
  std::string error() {
    OriginResolver resolver(clock_, runner_, options_);
    const auto result = resolve(resolver);
    return result ? "no error" : result.error().message;
  }
  std::atomic<int> status_ = 200, asked_ = 0;
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(HeaderToken, TheTokenIsAHeaderOfTheAnswer) {
  origin_.ttl_ms = 60'000;
  OriginResolver resolver(clock_, runner_, options_);
  for (int i = 0; i < 2; ++i) {
    const auto token = resolve(resolver);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(token->value, "header-token-1");
  }
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(runner_.runs, 0);
}

TEST_F(HeaderToken, ErrorsNameTheHostAndNothingElse) {
  origin_.extract_header = "x-other";
  EXPECT_EQ(error(), "the answer of 127.0.0.1 has no header \"x-other\"");
  status_ = 403;
  EXPECT_EQ(error(), "127.0.0.1 answered 403");
  origin_.request_url = "nonsense";
  EXPECT_EQ(error(), "request.url is no http or https address");
  server_.reset();
  origin_.request_url = "http://127.0.0.1:1/?secret=q";
  EXPECT_THAT(error(), AllOf(HasSubstr("no answer from 127.0.0.1"), Not(HasSubstr("secret"))));
}

TEST_F(Resolver, ManyAskersOneFlight) {
  origin_.ttl_ms = 3'600'000;
  std::latch started(1), go(1);
  runner_.answer = [&](const CommandOptions&) {
    started.count_down();
    go.wait();
    return FakeRunner::prints("tok");
  };
  OriginResolver resolver(clock_, runner_, options_);
  std::atomic<int> good = 0;
  std::vector<std::jthread> threads;
  threads.emplace_back([&] { good += resolve(resolver).ok(); });
  started.wait();
  std::latch asking(7);
  for (int i = 0; i < 7; ++i)
    threads.emplace_back([&] {
      asking.count_down();
      good += resolve(resolver).ok();
    });
  asking.wait();
  go.count_down();
  threads.clear();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(runner_.runs, 1);
}

TEST_F(Resolver, AWaiterCanBeStopped) {
  std::latch started(1), go(1);
  runner_.answer = [&](const CommandOptions&) {
    started.count_down();
    go.wait();
    return FakeRunner::prints("tok");
  };
  OriginResolver resolver(clock_, runner_, options_);
  std::jthread first([&] { EXPECT_TRUE(resolve(resolver)); });
  started.wait();
  std::stop_source stop;
  stop.request_stop();
  const auto result = resolver.resolve({"p", "o", origin_, environment_}, stop.get_token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCanceled);
  go.count_down();
}

TEST_F(Resolver, ARealCommandIsBoundAndTimed) {
  ProcessRunner real;
  OriginResolver resolver(clock_, real, {.environment = {{"PATH", "/usr/bin:/bin"}}});
  origin_.command = {"sh", "-c", "echo \"$0:$HOME\"", "arg"};
  const auto token = resolve(resolver);
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->value, "arg:\n");
  origin_.command = {"sh", "-c", "head -c 70000 /dev/zero | tr '\\0' x"};
  EXPECT_THAT(resolve(resolver).error().message, HasSubstr("printed more than 65536 bytes"));
  origin_.command = {"sh", "-c", "sleep 100"};
  origin_.timeout_ms = 50;
  EXPECT_THAT(resolve(resolver).error().message, HasSubstr("did not end within 50 ms"));
}

}  // namespace
}  // namespace fracta::credentials
