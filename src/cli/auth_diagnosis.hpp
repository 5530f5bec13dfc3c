// What `fracta auth diagnose` prints: lines for people, each check with [pass], [FAIL] or [warn]. Never a value.
#pragma once

#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/cli/cli.hpp"
#include "fracta/credentials/diagnosis.hpp"
#include "fracta/credentials/plan.hpp"

namespace fracta::cli {

class Diagnosis {
 public:
  explicit Diagnosis(std::ostream& out) : out_(out) {}
  void title(const std::string& text);
  void line(const std::string& text);
  void check(bool good, const std::string& text, const std::string& remedy = "");
  void warn(const std::string& text);
  void print(const credentials::Diagnosis& plan);
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::ostream& out_;
  bool failed_ = false;
};

// Where this machine finds the helper: the working directory's .fracta/auth-helpers, /opt/fracta/auth-helpers,
// deployment/auth-helpers of a scaffolded project, PATH.
void diagnose_local_helper(const std::string& helper, Context& context, Diagnosis& diagnosis);
// Runs the resolver and the origins here. Prints whether, how long and until when; never the token.
void diagnose_by_running(const credentials::Plan& plan, Context& context, Diagnosis& diagnosis);
// What `fracta agent check` found inside the pod (runner/check.hpp).
void diagnose_pod(const credentials::Diagnosis& plan, const Json& found, Diagnosis& diagnosis);
// What the runner inside the pod wrote first; `log` is the container's log.
void diagnose_pod_log(const credentials::Diagnosis& plan, const std::string& log, Diagnosis& diagnosis);

}  // namespace fracta::cli
