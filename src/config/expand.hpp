// ${NAME} inside parsed scalars: before a scalar's type is decided, exactly once, never in comments. The result stays
// one scalar whatever the variable holds.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/report.hpp"
#include "fracta/base/yaml.hpp"
#include "fracta/config/load.hpp"
#include "fracta/config/secret_names.hpp"

namespace fracta::config {

// The text with every ${NAME} written so that YAML reads it as ordinary characters wherever it stands: unquoted in
// `{url: ${URL}}` its braces would end the map. Lines and columns (of characters) stay the same. Expander undoes it.
std::string protect_variables(std::string_view text);

class Expander {
 public:
  Expander(const Environment& environment, Report& report) : environment_(environment), report_(report) {}

  void operator()(YamlScalar& scalar);

  // The message with every expanded value that could be a secret replaced by what the file says instead.
  [[nodiscard]] std::string redact(std::string message) const;
  // A value of the document with the secrets that came from variables replaced; an alias may have copied them anywhere.
  [[nodiscard]] std::string without_secrets(std::string text) const;
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
  std::map<std::string, std::string> secrets_;  // value -> ${NAME}
  std::vector<Replacement> quoted_;
  std::set<std::string> secret_paths_;
};

}  // namespace fracta::config
