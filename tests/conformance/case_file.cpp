#include "conformance/case_file.hpp"

#include <filesystem>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::conformance {

namespace {

constexpr const char* kMethods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "WATCH", "CONNECT"};

// "1.27" -> 27
int minor_of(const Json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : dump_json(value);
  return static_cast<int>(parse_int(text.substr(text.find('.') + 1)).value_or(0));
}

std::vector<std::string> strings(const Json& list) {
  std::vector<std::string> result;
  for (const Json& item : list) result.push_back(item.get<std::string>());
  return result;
}

std::vector<std::pair<std::string, std::string>> pairs(const Json& object) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& [key, value] : object.items()) result.emplace_back(key, value.get<std::string>());
  return result;
}

Result<void> read_expectation(Expectation& expect, const std::string& key, const Json& value, bool& known) {
  known = true;
  if (key == "status") {
    expect.status = value.get<int>();
  } else if (key == "expect") {
    expect.body = value;
  } else if (key == "absent") {
    expect.absent = strings(value);
  } else if (key == "answer") {
    expect.text = value.get<std::string>();
  } else if (key == "warnings") {
    expect.warnings = value;
  } else if (key == "header") {
    expect.headers = pairs(value);
  } else {
    known = false;
  }
  return {};
}

Result<Step> read_step(const Json& source) {
  Step step;
  for (const auto& [key, value] : source.items()) {
    bool known = false;
    FRACTA_TRY(read_expectation(step.expect, key, value, known));
    if (known) continue;
    if (std::find(std::begin(kMethods), std::end(kMethods), key) != std::end(kMethods)) {
      step.method = key;
      step.path = value.get<std::string>();
    } else if (key == "body") {
      step.body = value;
    } else if (key == "text") {
      step.text = value.get<std::string>();
    } else if (key == "type") {
      step.type = value.get<std::string>();
    } else if (key == "send") {
      step.headers = pairs(value);
    } else if (key == "as") {
      step.as = value.get<std::string>();
    } else if (key == "as-groups") {
      step.as_groups = strings(value);
    } else if (key == "token") {
      step.token = value.get<std::string>();
    } else if (key == "save") {
      step.save = pairs(value);
    } else if (key == "events") {
      step.events = value;
    } else if (key == "ends") {
      step.ends = value.get<bool>();
    } else if (key == "within") {
      step.within_seconds = value.get<int>();
    } else if (key == "since") {
      step.since = minor_of(value);
    } else if (key == "until") {
      step.until = minor_of(value);
    } else {
      return make_error(ErrorCode::kInvalid, "unknown key " + key);
    }
  }
  if (step.method.empty()) return make_error(ErrorCode::kInvalid, "a step without a method");
  return step;
}

Result<std::vector<Step>> read_steps(const Json& list) {
  std::vector<Step> steps;
  for (const Json& item : list) {
    auto step = read_step(item);
    if (!step) return step.error();
    steps.push_back(std::move(*step));
  }
  return steps;
}

// A case with one step may have it in line; then its own keys are taken out first.
Result<Case> read_case(const std::string& topic, Json source) {
  Case result;
  result.topic = topic;
  result.name = string_at(source, "case");
  if (result.name.empty()) return make_error(ErrorCode::kInvalid, "a case without a name");
  const auto take = [&source](const char* key) {
    Json value = source.value(key, Json());
    source.erase(key);
    return value;
  };
  take("case");
  take("doc");
  if (const Json value = take("since"); !value.is_null()) result.since = minor_of(value);
  if (const Json value = take("until"); !value.is_null()) result.until = minor_of(value);
  if (const Json value = take("gap"); value.is_string()) result.gap = value.get<std::string>();
  for (const Json& need : take("needs")) result.needs.insert(need.get<std::string>());
  auto cleanup = read_steps(take("cleanup"));
  if (!cleanup) return cleanup.error().with_context(result.name);
  result.cleanup = std::move(*cleanup);
  const Json steps = take("steps");
  if (!steps.is_null() && !source.empty()) {
    return make_error(ErrorCode::kInvalid, result.name + ": unknown key " + source.items().begin().key());
  }
  auto read = read_steps(steps.is_null() ? Json::array({source}) : steps);
  if (!read) return read.error().with_context(result.name);
  result.steps = std::move(*read);
  return result;
}

}  // namespace

Result<CaseFile> load_case_file(const std::string& path) {
  auto text = read_file(path);
  if (!text) return text.error();
  auto document = parse_yaml(*text);
  if (!document) return document.error().with_context(path);
  CaseFile file;
  file.topic = std::filesystem::path(path).stem().string();
  try {
    auto setup = read_steps(document->value("setup", Json::array()));
    if (!setup) return setup.error().with_context(path + ": setup");
    file.setup = std::move(*setup);
    for (const Json& source : document->at("cases")) {
      auto read = read_case(file.topic, source);
      if (!read) return read.error().with_context(path);
      file.cases.push_back(std::move(*read));
    }
  } catch (const Json::exception& error) {
    return make_error(
        ErrorCode::kInvalid,
        path + ": after case " + (file.cases.empty() ? "-" : file.cases.back().name) + ": " + error.what());
  }
  return file;
}

}  // namespace fracta::conformance
