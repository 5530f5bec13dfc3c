// The conformance cases as they stand in cases/*.yaml (format: README.md).
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::conformance {

struct Expectation {
  int status = 0;                   // 0 = any 2xx
  Json body;                        // null = not looked at
  std::vector<std::string> absent;  // paths, '/' between keys
  std::optional<std::string> text;  // glob over the whole body
  std::optional<Json> warnings;     // list of globs: the Warning headers, all of them, in order
  std::vector<std::pair<std::string, std::string>> headers;  // name -> glob
};

struct Step {
  std::string method;  // "WATCH" reads a stream of events
  std::string path;
  Json body;                        // sent as JSON when not null
  std::optional<std::string> text;  // sent as it is
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string as;  // impersonated user; "anonymous" sends no credentials at all
  std::vector<std::string> as_groups;
  std::string token;  // instead of the target's credentials
  Expectation expect;
  std::vector<std::pair<std::string, std::string>> save;  // name -> path in the body (WATCH: in {"events": [...]})
  Json events;                                            // WATCH: these, in this order
  bool ends = false;                 // WATCH: and then the server ends the stream, with nothing else in between
  int within_seconds = 0;            // ask again until it fits, at most this long
  int since = 0, until = 1'000'000;  // minor versions the step is for
};

struct Case {
  std::string topic, name;
  std::vector<Step> steps;
  std::vector<Step> cleanup;         // always run, whatever they answer
  std::set<std::string> needs;       // controllers, scheduler, kubelet
  int since = 0, until = 1'000'000;  // minor versions, `until` inclusive
  std::string gap;                   // why the development cluster does not answer so yet
};

struct CaseFile {
  std::string topic;
  std::vector<Step> setup;  // once, before the file's first case
  std::vector<Case> cases;
};

// kInvalid names file and case.
Result<CaseFile> load_case_file(const std::string& path);

}  // namespace fracta::conformance
