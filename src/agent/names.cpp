#include <string>
#include <string_view>

#include "fracta/agent/spec.hpp"
#include "fracta/base/text.hpp"

namespace fracta::agent {
namespace {

constexpr std::size_t kMaxNameLength = 64;
constexpr std::size_t kHashDigits = 16;
constexpr std::size_t kMaxSlugLength = kMaxIdLength - kHashDigits - 1;

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool ends_like_a_hash(std::string_view name) {
  if (name.size() <= kHashDigits) return false;
  const std::string_view tail = name.substr(name.size() - kHashDigits);
  return name[name.size() - kHashDigits - 1] == '-' && std::all_of(tail.begin(), tail.end(), is_lower_hex);
}

// Letters and digits in lower case, every other run as one '-', none at the ends: a readable prefix, not an identity.
std::string slug(std::string_view name) {
  std::string out;
  for (const char c : to_lower(name)) {
    if (is_alnum(c)) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  out.resize(std::min(out.size(), kMaxSlugLength));
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

}  // namespace

std::string_view to_string(Mode mode) { return mode == Mode::kStream ? "stream" : "batch"; }

Result<void> validate_name(std::string_view name) {
  const bool valid = !name.empty() && name.size() <= kMaxNameLength && is_alnum(name.front()) &&
                     std::all_of(name.begin(), name.end(), [](char c) { return is_alnum(c) || c == '_' || c == '-'; });
  if (valid) return {};
  return make_error(ErrorCode::kInvalid,
                    "invalid task name \"" + shorten(name, 80) + "\": must match ^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$");
}

// Why two names never share an id (KubeSpawner's CVE-2020-15110 is what happens when they do):
//  1. Ids of the first kind are the names themselves, so two of them are equal only for equal names.
//  2. Ids of the second kind end in '-' and 16 hex digits; names that do are never taken as they are. So an id of one
//     kind never equals one of the other.
//  3. Two ids of the second kind are equal only if 64 bits of SHA-256 over the full names are. A shorter id cannot do
//     without a hash: there are more names (63^64) than labels of 40 characters (37^40). Nobody can aim at a given
//     name with less than 2^64 tries; and should two names ever meet, the AlreadyExists rule compares the spec hash,
//     which covers the name, and refuses.
// 40 leaves room for "fracta-agent-" and the pod's "-xxxxx" within the 63 characters of the job-name label.
std::string agent_id(std::string_view name) {
  if (name.size() <= kMaxIdLength && is_dns1123_label(name) && !ends_like_a_hash(name)) return std::string(name);
  const std::string prefix = slug(name);
  return (prefix.empty() ? "x" : prefix) + "-" + sha256_hex(name).substr(0, kHashDigits);
}

std::string job_name(std::string_view id) { return "fracta-agent-" + std::string(id); }
std::string stream_pod_name(std::string_view id) { return "fracta-stream-" + std::string(id); }
std::string config_map_name(std::string_view id) { return "fracta-config-" + std::string(id); }
std::string auth_secret_name(std::string_view id) { return "fracta-auth-" + std::string(id); }

}  // namespace fracta::agent
