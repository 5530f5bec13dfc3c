// YAML with Kubernetes' meaning: text -> JSON exactly as sigs.k8s.io/yaml (kubectl's reader) would make it, plus the
// place of every key and value. The only file that includes yaml-cpp is src/base/yaml.cpp.
//
// Hostile input: limits on bytes, depth, nodes and alias expansion; duplicate keys, unclosed quotes, invalid UTF-8, a
// second document and trailing text are errors. Golden table: tests/data/yaml (libraries.md §8.2).
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta {

// 1-based, as editors count. {0,0} = unknown.
struct TextPosition {
  int line = 0;
  int column = 0;
  bool operator==(const TextPosition&) const = default;
};

struct YamlLimits {
  std::size_t max_bytes = 4u << 20;
  std::size_t max_depth = 100;
  std::size_t max_nodes = 200'000;  // alias expansion counts every copied node
  bool refuse_duplicate_keys = true;
  // Keys keep the text they were written with. Otherwise `y:` is the key "true" and `010:` the key "8", as in kubectl.
  bool keys_as_written = false;
};

// The scalar's source, for callers that work on text before it gets a type (fracta.yaml's ${NAME}).
struct YamlScalar {
  std::string text;
  bool plain = false;  // unquoted, no tag: type is decided by its text
  bool key = false;    // a mapping's key
  TextPosition position;
  std::string path;  // of the value, or of the map a key stands in
};

struct YamlDocument {
  std::shared_ptr<Json> value;  // never null on success; empty text is null
  // Key path ("runtime.kubernetes.extra_volumes[0].name") -> where that value's key (or list item) stands.
  std::map<std::string, TextPosition, std::less<>> positions;
  // Key path -> source text of the plain scalars that became a number, a boolean or null ("1.10" for 1.1), for readers
  // that want the text after all.
  std::map<std::string, std::string, std::less<>> plain_texts;

  // The place of the path itself or of its nearest existing ancestor.
  [[nodiscard]] TextPosition position_of(std::string_view path) const;
};

// Called for every scalar *before* its type is decided; may replace the text. Replaced text stays one scalar: it can
// never change the document's structure.
using ScalarHook = std::function<void(YamlScalar&)>;

// On failure: kInvalid, message "LINE:COLUMN: what is wrong". `hook` may be empty.
struct YamlError {
  TextPosition position;
  std::string message;
};
std::variant<YamlDocument, YamlError> parse_yaml_document(std::string_view text, const YamlLimits& limits = {},
                                                          const ScalarHook& hook = {});

// The short form for kubeconfigs and manifests.
Result<Json> parse_yaml(std::string_view text, const YamlLimits& limits = {});

// All documents of a `---` separated stream, each at most `limits`.
Result<std::vector<Json>> parse_yaml_stream(std::string_view text, const YamlLimits& limits = {});

// Key-path helpers shared with diagnostics: "a.b[3]"; a key that is no plain word is written as ["key"].
std::string join_path(std::string_view parent, std::string_view key);
std::string join_path(std::string_view parent, std::size_t index);

}  // namespace fracta
