#include "fracta/config/reference.hpp"

#include "config/keys.hpp"

namespace fracta::config {
namespace {

const char* type_name(KeyType type) {
  switch (type) {
    case KeyType::kString:
      return "text";
    case KeyType::kInteger:
      return "number";
    case KeyType::kBoolean:
      return "true/false";
    case KeyType::kDuration:
      return "duration";
    case KeyType::kStringMap:
      return "map of texts";
    case KeyType::kStringList:
      return "list of texts";
    case KeyType::kStringOrList:
      return "text or list";
    case KeyType::kMap:
      return "map";
    case KeyType::kList:
      return "list";
    case KeyType::kAny:
      return "any";
    case KeyType::kObject:
    case KeyType::kOpenObject:
      return "block";
  }
  return "";
}

std::string cell(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c;
  }
  return result;
}

constexpr const char* kHead = R"(# fracta.yaml

This page is written by the program from the table its loader uses; a test fails when the two differ.

How the file is read:

- YAML as Kubernetes reads it: `0755` is octal, `yes` and `on` are true. Keys keep the text they are written with.
  Duplicate keys, a second document and unclosed quotes are errors.
- `${NAME}` in a value or key becomes the value of that environment variable, once, before the value gets its type. It stays
  one value whatever the variable holds. An unset variable is empty, with a warning. Comments are left alone.
- A key nobody knows is a warning with a suggestion (`--strict`: an error). Blocks of other processes are accepted.
- Every problem is reported in one run, as `FILE:LINE:COLUMN: KEY.PATH: message`.
- Durations are Go's: `30s`, `4h`, `1h30m`.
- A text may be written as a number or boolean where it is safe: `model: 1.10` is the text `1.10`. Inside
  `extra_volumes`, `extra_volume_mounts`, `affinity` and the security contexts, where Kubernetes' own types apply, it is not.

`*` stands for a name you choose, `[]` for each item of a list.

| key | type | default | meaning |
|---|---|---|---|
)";

constexpr const char* kTail = R"(
## extra_volumes and extra_volume_mounts

Full `corev1.Volume` and `corev1.VolumeMount` objects, every source of Kubernetes 1.26 to 1.34, checked without a cluster
by the API server's own rules. They are added to every agent pod: volumes to the pod, mounts to the container `agent` only.
A mount names a volume of `extra_volumes` or one of the three that every agent pod has: `agent-config`, `auth-secret`,
`workspace`. An unknown field is an error here, because Kubernetes would drop it without a word.

What is legal but seldom meant is a warning: a volume without a source (Kubernetes makes it an emptyDir), `gitRepo`,
`hostPath`, service account tokens, storage drivers that Kubernetes has removed, mounts inside or above other mounts,
relative mount paths, writable subPaths, memory volumes without a limit.
)";

}  // namespace

std::string reference_markdown() {
  std::string text = kHead;
  for (const KeySpec& spec : key_table()) {
    const bool block = spec.type == KeyType::kObject || spec.type == KeyType::kOpenObject;
    if (spec.hidden || spec.path.empty() || (block && spec.help.empty())) continue;
    const std::string standard = spec.default_value.empty() ? "" : "`" + spec.default_value + "`";
    text += "| `" + spec.path + "` | " + type_name(spec.type) + " | " + standard + " | " + cell(spec.help) + " |\n";
  }
  return text + kTail;
}

}  // namespace fracta::config
