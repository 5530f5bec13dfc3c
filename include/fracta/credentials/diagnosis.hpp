// What `fracta auth diagnose` says about a plan: findings for people, by whoever has the configuration (the command
// line for a file, the controlplane for its own). Never a value. Pure.
#pragma once

#include <string>
#include <vector>

#include "fracta/credentials/plan.hpp"

namespace fracta::credentials {

struct Finding {
  enum class Kind { kLine, kPass, kFail, kWarn };
  Kind kind = Kind::kLine;
  std::string text;
  std::string remedy;  // of a failure; may be empty
};

std::string_view to_string(Finding::Kind kind);  // line, pass, fail, warn
Finding::Kind finding_kind(std::string_view text);

// One runtime's credentials.
struct Diagnosis {
  std::string runtime;
  std::string title;
  std::vector<Finding> findings;
  bool has_plan = false;           // false: no auth_profile, or a plan that cannot be made
  bool wants_settings = false;     // user-settings.json has to be there
  std::string helper;              // bare name or path of the program that the resolver starts; may be empty
  std::vector<std::string> files;  // token files, absolute
};

Diagnosis diagnose(const config::Config& config, const std::string& runtime);

}  // namespace fracta::credentials
