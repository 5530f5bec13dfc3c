// ${NAME} inside parsed scalars: before a scalar's type is decided, exactly once, never in comments. The result stays
// one scalar whatever the variable holds.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/report.hpp"
#include "fracta/base/yaml.hpp"
#include "fracta/config/load.hpp"

namespace fracta::config {

// Names of variables and keys whose values nobody should see (TOKEN, api_key, dsn, ...). Letter case and '-' do not
// matter.
bool looks_secret(std::string_view name);

// The text with every ${NAME} written so that YAML reads it as ordinary characters wherever it stands: unquoted in
// `{url: ${URL}}` its braces would end the map. Lines and columns (of characters) stay the same. Expander undoes it.
std::string protect_variables(std::string_view text);

class Expander {
 public:
  Expander(const Environment& environment, Report& report) : environment_(environment), report_(report) {}

  void operator()(YamlScalar& scalar);

  // The message with every expanded value that could be a secret replaced by what the file says instead.
  [[nodiscard]] std::string redact(std::string message) const;
  // Key paths whose text came from a variable with a secret's name.
  [[nodiscard]] const std::set<std::string>& secret_paths() const { return secret_paths_; }

 private:
  struct Replacement {
    std::string text;     // what the message may contain
    std::string written;  // what the file says
  };
  std::string value_of(const std::string& name, const YamlScalar& scalar);

  const Environment& environment_;
  Report& report_;
  std::vector<Replacement> secrets_;
  std::vector<Replacement> quoted_;
  std::set<std::string> secret_paths_;
};

}  // namespace fracta::config
