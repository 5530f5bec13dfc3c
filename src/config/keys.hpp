// Every key of fracta.yaml in one table. It drives the check for unknown keys and wrong kinds, the defaults of
// `config show` and docs/configuration.md.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fracta::config {

enum class KeyType {
  kObject,      // children are in the table
  kOpenObject,  // children are in the table; others belong to other processes and are accepted
  kMap,         // any name -> the entry under `*`
  kList,        // items are the entry under `[]`
  kString,
  kInteger,
  kBoolean,
  kDuration,  // Go duration text
  kStringMap,
  kStringList,
  kStringOrList,  // a command: one text or a list of texts
  kAny,           // not looked into here (another process's block, or an object with its own schema)
};

struct KeySpec {
  std::string path;  // "agents.agent_runtimes.*.kubernetes.env[].name"
  KeyType type;
  std::string default_value;  // as written in YAML; empty = none
  std::string help;
  bool hidden = false;  // deprecated or an alias: known, but not in the reference
};

const std::vector<KeySpec>& key_table();

struct KeyNode {
  const KeySpec* spec = nullptr;
  std::vector<std::string> children;  // names, in the table's order; "*" and "[]" included
};

// Null when the table has no such key.
const KeyNode* find_key(std::string_view pattern);

}  // namespace fracta::config
