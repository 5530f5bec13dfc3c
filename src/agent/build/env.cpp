#include "agent/build/env.hpp"

#include <nlohmann/json.hpp>

namespace fracta::agent {

std::vector<config::EnvVar> merge_env(std::vector<config::EnvVar> base, const std::vector<config::EnvVar>& over) {
  std::vector<config::EnvVar> merged;
  const auto put = [&merged](const config::EnvVar& entry) {
    for (config::EnvVar& existing : merged) {
      if (existing.name == entry.name) {
        existing = entry;
        return;
      }
    }
    merged.push_back(entry);
  };
  for (const config::EnvVar& entry : base) put(entry);
  for (const config::EnvVar& entry : over) put(entry);
  return merged;
}

Json env_json(const std::vector<config::EnvVar>& env) {
  Json list = Json::array();
  for (const config::EnvVar& entry : env) {
    if (entry.secret_ref) {
      Json ref = {{"name", entry.secret_ref->name}, {"key", entry.secret_ref->key}};
      if (entry.secret_ref->optional) ref["optional"] = true;
      list.push_back({{"name", entry.name}, {"valueFrom", {{"secretKeyRef", std::move(ref)}}}});
    } else {
      list.push_back({{"name", entry.name}, {"value", entry.value}});
    }
  }
  return list;
}

// A run of '$' is read in pairs; a single one is special only before '('. So a run is doubled when it is longer than
// one or stands before '(', and `$HOME` of a shell script stays readable in the object.
std::string escape_expansion(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      out += text[i++];
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && text[end] == '$') ++end;
    const std::size_t run = end - i;
    const bool special = run > 1 || (end < text.size() && text[end] == '(');
    out.append(special ? 2 * run : run, '$');
    i = end;
  }
  return out;
}

}  // namespace fracta::agent
