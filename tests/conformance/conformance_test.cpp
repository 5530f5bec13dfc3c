// Runs cases/*.yaml: every case is a test `<topic>.<case_name>`. What they run against: target.hpp.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "conformance/case_file.hpp"
#include "conformance/match.hpp"
#include "conformance/target.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"

namespace fracta::conformance {

namespace {

constexpr std::chrono::milliseconds kAnswerWithin{30'000};
constexpr std::chrono::milliseconds kEventsWithin{15'000};

struct Answer {
  int status = 0;
  net::Headers headers;
  std::string text;
  Json body;           // null when it is no JSON
  bool ended = false;  // the stream's end was the server's
};

std::string warning_text(const std::string& header) {
  const auto first = header.find('"');
  return first == std::string::npos ? header : header.substr(first + 1, header.rfind('"') - first - 1);
}

const Json* at_path(const Json& value, const std::string& path) {
  const Json* current = &value;
  for (const std::string& piece : split(path, '/')) {
    if (current->is_array()) {
      const auto index = parse_int(piece);
      if (!index || *index < 0 || static_cast<std::size_t>(*index) >= current->size()) return nullptr;
      current = &(*current)[static_cast<std::size_t>(*index)];
    } else {
      current = find(*current, piece);
    }
    if (current == nullptr) return nullptr;
  }
  return current;
}

// One topic: its namespace and what its cases captured.
class Topic {
 public:
  Topic(Target& target, std::vector<Step> setup) : target_(target), setup_(std::move(setup)) {}
  ~Topic() {
    if (!captures_.contains("ns")) return;
    static_cast<void>(ask("DELETE", fill_text("/api/v1/namespaces/${ns}", captures_)));
  }

  // "" or what went wrong.
  std::string open(const std::string& topic) {
    const std::string random = random_hex(4);
    captures_ = {{"ns", "conformance-" + topic + "-" + random},
                 {"random", random},
                 {"image", target_.image},
                 {"minor", target_.minor}};
    const Json object = {{"kind", "Namespace"}, {"apiVersion", "v1"}, {"metadata", {{"name", captures_["ns"]}}}};
    const Answer created = ask("POST", "/api/v1/namespaces", object);
    if (created.status != 201) return "creating the namespace: " + created.text;
    if (std::string wrong = wait_for_account(); !wrong.empty()) return wrong;
    for (const Step& step : setup_) {
      if (std::string wrong = run(step, captures_); !wrong.empty()) return "setup: " + wrong;
    }
    return "";
  }

  [[nodiscard]] Target& target() const { return target_; }
  [[nodiscard]] const Captures& captures() const { return captures_; }

  // "" or how the answer differs from what the step expects.
  std::string run(const Step& step, Captures& captures) {
    if (target_.minor < step.since || target_.minor > step.until) return "";
    const auto deadline = target_.clock.steady_now() + std::chrono::seconds(step.within_seconds);
    while (true) {
      std::string wrong = run_once(step, captures);
      if (wrong.empty() || target_.clock.steady_now() >= deadline) return wrong;
      wait_for({}, std::chrono::milliseconds(50));
    }
  }

 private:
  Answer ask(const std::string& method, const std::string& path, const Json& body = Json()) {
    Step step;
    step.method = method;
    step.path = path;
    step.body = body;
    return send(step, captures_);
  }

  // Pods need their namespace's service account; without a controller manager nobody else makes it.
  std::string wait_for_account() {
    const std::string path = fill_text("/api/v1/namespaces/${ns}/serviceaccounts", captures_);
    if (!target_.features.contains("controllers")) {
      const Answer made =
          ask("POST", path, {{"kind", "ServiceAccount"}, {"apiVersion", "v1"}, {"metadata", {{"name", "default"}}}});
      return made.status == 201 ? "" : "creating the service account: " + made.text;
    }
    const auto deadline = target_.clock.steady_now() + std::chrono::seconds(30);
    while (ask("GET", path + "/default").status != 200) {
      if (target_.clock.steady_now() > deadline) return "no default service account within 30 s";
      wait_for({}, std::chrono::milliseconds(20));
    }
    return "";
  }

  Result<net::Request> request_of(const Step& step, const Captures& captures) {
    net::Request request;
    request.method = step.method == "WATCH" ? "GET" : step.method;
    request.target = fill_text(step.path, captures);
    for (auto& [name, value] : step.headers) request.headers.add(name, fill_text(value, captures));
    if (!step.body.is_null()) request.body = dump_json(fill(step.body, captures));
    if (step.text) request.body = fill_text(*step.text, captures);
    if ((!step.body.is_null() || step.text) && !step.type.empty()) request.headers.set("Content-Type", step.type);
    if (!request.headers.has("Accept")) request.headers.set("Accept", "application/json");
    if (step.as == "anonymous") return request;
    auto token = step.token.empty() ? target_.token() : Result<std::string>(fill_text(step.token, captures));
    if (!token) return token.error();
    if (!token->empty()) request.headers.set("Authorization", "Bearer " + *token);
    if (!step.as.empty()) request.headers.set("Impersonate-User", fill_text(step.as, captures));
    for (const std::string& group : step.as_groups)
      request.headers.add("Impersonate-Group", fill_text(group, captures));
    return request;
  }

  Answer send(const Step& step, const Captures& captures) {
    auto request = request_of(step, captures);
    if (!request) return {0, {}, request.error().message, Json()};
    auto& transport = step.as == "anonymous" || !step.token.empty() ? *target_.without_identity : *target_.transport;
    if (step.method == "WATCH") return watch(transport, *request, step);
    auto response = transport.request(*request, {.timeout = kAnswerWithin});
    if (!response) return {0, {}, response.error().message, Json()};
    auto body = parse_json(response->body);
    return {response->status, response->headers, response->body, body.value_or(Json())};
  }

  // Reads events until there are as many as wanted, or (`ends`) until the server ends the stream.
  Answer watch(net::Transport& transport, const net::Request& request, const Step& step) {
    Answer answer;
    answer.body = {{"events", Json::array()}};
    std::string rest;
    net::StreamHandler handler;
    handler.on_head = [&](const net::Response& head) {
      answer.status = head.status;
      answer.headers = head.headers;
      return true;
    };
    handler.on_data = [&](std::string_view bytes) {
      answer.text += bytes;
      rest += bytes;
      for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
        if (auto event = parse_json(rest.substr(0, end)); event.ok()) answer.body["events"].push_back(*event);
        rest.erase(0, end + 1);
      }
      return step.ends || answer.status != 200 || answer.body["events"].size() < step.events.size();
    };
    net::StreamOptions options;
    options.idle_timeout = kEventsWithin;
    const auto result = transport.stream(request, options, handler);
    answer.ended = result.ok();
    if (answer.status != 200) {
      answer.body = parse_json(answer.text).value_or(Json());
    } else if (!result && result.error().code != ErrorCode::kCanceled) {
      answer.text += "\n" + result.error().message;
    }
    return answer;
  }

  std::string run_once(const Step& step, Captures& captures) {
    const Answer answer = send(step, captures);
    std::string wrong = check(step, answer, captures);
    if (!wrong.empty()) {
      return fmt::format("{} {}\n  {}\n  answer {}: {}", step.method, shorten(fill_text(step.path, captures), 300),
                         wrong, answer.status, shorten(answer.text, 3000));
    }
    for (const auto& [name, path] : step.save) {
      const Json* value = at_path(answer.body, path);
      if (value == nullptr)
        return fmt::format("{} {}: nothing to save at {}: {}", step.method, step.path, path, answer.text);
      captures[name] = *value;
    }
    return "";
  }

  static std::string check(const Step& step, const Answer& answer, const Captures& captures) {
    const Expectation& expect = step.expect;
    const bool fits = expect.status == 0 ? answer.status >= 200 && answer.status < 300 : answer.status == expect.status;
    if (!fits) return fmt::format("wanted status {}", expect.status == 0 ? "2xx" : std::to_string(expect.status));
    if (!expect.body.is_null()) {
      if (std::string wrong = shape_mismatch(fill(expect.body, captures), answer.body); !wrong.empty()) return wrong;
    }
    for (const std::string& path : expect.absent) {
      if (at_path(answer.body, path) != nullptr) return path + " should not be there";
    }
    if (expect.text && !glob(fill_text(*expect.text, captures), answer.text)) return "wanted the text " + *expect.text;
    for (const auto& [name, value] : expect.headers) {
      if (!glob(fill_text(value, captures), answer.headers.get(name).value_or(""))) {
        return fmt::format("wanted header {}: {}, got {}", name, value, answer.headers.get(name).value_or("none"));
      }
    }
    if (expect.warnings) {
      Json warnings = Json::array();
      for (const auto& [name, value] : answer.headers.entries()) {
        if (iequals(name, "Warning")) warnings.push_back(warning_text(value));
      }
      if (std::string wrong = shape_mismatch(*expect.warnings, warnings, "Warning"); !wrong.empty()) return wrong;
    }
    return step.method == "WATCH" && answer.status == 200 ? check_events(step, answer, captures) : "";
  }

  static std::string check_events(const Step& step, const Answer& answer, const Captures& captures) {
    if (step.ends && !answer.ended) return "the stream did not end";
    Json wanted = fill(step.events.is_null() ? Json::array() : step.events, captures);
    Json events = answer.body["events"];
    // One read may bring more than was asked for.
    if (!step.ends && events.size() > wanted.size())
      events.erase(events.begin() + static_cast<std::ptrdiff_t>(wanted.size()), events.end());
    return shape_mismatch(wanted, events, "events");
  }

  Target& target_;
  std::vector<Step> setup_;
  Captures captures_;
};

// Opened by the first case that runs; gtest runs the cases of a topic one after the other.
class Suite final : public ::testing::Environment {
 public:
  // Null after a failure to open either, which is the test's failure.
  Topic* topic(const CaseFile& file) {
    if (!target_) {
      if (!failure_.empty()) return fail(failure_);
      auto opened = open_target();
      if (!opened) return fail(failure_ = "no target: " + opened.error().message);
      target_ = std::move(*opened);
    }
    if (name_ != file.topic) {
      topic_.reset();
      name_ = file.topic;
      topic_ = std::make_unique<Topic>(*target_, file.setup);
      topic_failure_ = topic_->open(file.topic);
    }
    return topic_failure_.empty() ? topic_.get() : fail(topic_failure_);
  }
  void TearDown() override {
    topic_.reset();
    target_.reset();
  }

 private:
  static Topic* fail(const std::string& why) {
    ADD_FAILURE() << why;
    return nullptr;
  }
  std::unique_ptr<Target> target_;
  std::unique_ptr<Topic> topic_;
  std::string failure_, name_, topic_failure_;
};

class CaseTest : public ::testing::Test {
 public:
  CaseTest(Suite& suite, const CaseFile& file, const Case& test) : suite_(suite), file_(file), case_(test) {}

  void TestBody() override {
    Topic* topic = suite_.topic(file_);
    if (topic == nullptr) return;
    const Target& target = topic->target();
    if (target.minor < case_.since || target.minor > case_.until) GTEST_SKIP() << "not for 1." << target.minor;
    for (const std::string& need : case_.needs) {
      if (!target.features.contains(need)) GTEST_SKIP() << "needs " << need;
    }
    if (target.devcluster && !case_.gap.empty()) GTEST_SKIP() << "known gap of the development cluster: " << case_.gap;
    Captures captures = topic->captures();
    for (std::size_t i = 0; i < case_.steps.size(); ++i) {
      const std::string wrong = topic->run(case_.steps[i], captures);
      if (wrong.empty()) continue;
      ADD_FAILURE() << "step " << i + 1 << ": " << wrong;
      break;
    }
    for (Step step : case_.cleanup) {
      step.expect = {};
      static_cast<void>(topic->run(step, captures));
    }
  }

 private:
  Suite& suite_;
  const CaseFile& file_;
  const Case& case_;
};

std::string test_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name;
}

// False when a file cannot be read.
bool register_cases(Suite& suite, std::vector<std::unique_ptr<CaseFile>>& files) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(FRACTA_SOURCE_DIR "/tests/conformance/cases")) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  std::set<std::string> names;
  for (const std::string& path : paths) {
    auto loaded = load_case_file(path);
    if (!loaded) {
      fmt::print(stderr, "{}\n", loaded.error().message);
      return false;
    }
    files.push_back(std::make_unique<CaseFile>(std::move(*loaded)));
    const CaseFile& file = *files.back();
    for (const Case& test : file.cases) {
      const std::string name = test_name(test.name);
      if (!names.insert(file.topic + "." + name).second) {
        fmt::print(stderr, "{}: case \"{}\" is there twice\n", path, test.name);
        return false;
      }
      ::testing::RegisterTest(file.topic.c_str(), name.c_str(), nullptr, nullptr, path.c_str(), 1,
                              [&suite, &file, &test]() -> CaseTest* { return new CaseTest(suite, file, test); });
    }
  }
  return true;
}

}  // namespace

}  // namespace fracta::conformance

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  auto* suite = new fracta::conformance::Suite;
  ::testing::AddGlobalTestEnvironment(suite);  // gtest owns it
  std::vector<std::unique_ptr<fracta::conformance::CaseFile>> files;
  if (!fracta::conformance::register_cases(*suite, files)) return 2;
  return RUN_ALL_TESTS();
}
