#include <algorithm>

#include <nlohmann/json.hpp>

#include "fracta/base/aes_gcm.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/credentials/keyring.hpp"

namespace fracta::credentials {
namespace {

constexpr std::string_view kPrefix = "enc:";
constexpr int kMaxVersion = 1'000'000;

Error invalid(std::string message) { return make_error(ErrorCode::kInvalid, std::move(message)); }

std::optional<int> version_number(std::string_view text) {
  const auto number = parse_int(text);
  if (!number || *number < 1 || *number > kMaxVersion) return std::nullopt;
  return static_cast<int>(*number);
}

struct Envelope {
  int version = 0;
  std::string_view payload;  // base64
};

// Only the form seal() writes: "enc:v01:" would be a second name of version 1.
std::optional<Envelope> split_envelope(std::string_view value) {
  if (!value.starts_with("enc:v")) return std::nullopt;
  value.remove_prefix(5);
  const auto colon = value.find(':');
  if (colon == std::string_view::npos || colon == 0 || value.front() == '0') return std::nullopt;
  const auto version = version_number(value.substr(0, colon));
  if (!version) return std::nullopt;
  return Envelope{*version, value.substr(colon + 1)};
}

}  // namespace

bool is_sealed(std::string_view value) { return value.starts_with(kPrefix); }

std::optional<int> sealed_version(std::string_view value) {
  const auto envelope = split_envelope(value);
  return envelope ? std::optional(envelope->version) : std::nullopt;
}

Result<KeySet> KeySet::parse(std::string_view keyring, std::string_view version) {
  const auto json = parse_json(keyring, {.max_depth = 4, .refuse_duplicate_keys = true});
  // The parser's message could repeat a piece of the text.
  if (!json || !json->is_object()) return invalid("keyring: must be a JSON object: {\"1\": \"<base64 of 32 bytes>\"}");
  if (json->empty()) return invalid("keyring: holds no key");
  KeySet set;
  for (const auto& [name, value] : json->items()) {
    const auto number = version_number(name);
    if (!number) return invalid("keyring: \"" + shorten(name, 20) + "\" is no version; versions are 1, 2, 3, ...");
    for (const auto& [known, key] : set.keys_)
      if (known == *number) return invalid("keyring: version " + std::to_string(*number) + " is there twice");
    auto key = value.is_string() ? base64_decode(trim(value.get_ref<const std::string&>())) : std::nullopt;
    if (!key) return invalid("keyring: the key of version " + shorten(name, 20) + " is no base64 text");
    if (key->size() != kAesKeyBytes)
      return invalid("keyring: the key of version " + shorten(name, 20) + " has " + std::to_string(key->size()) +
                     " bytes; it must have 32");
    set.keys_.emplace_back(*number, *std::move(key));
  }
  std::sort(set.keys_.begin(), set.keys_.end());
  const auto active = version_number(trim(version));
  if (!active) return invalid("version: must be the number of the key to write with");
  set.active_ = *active;
  for (const auto& [known, key] : set.keys_)
    if (known == set.active_) return set;
  return invalid("version: the keyring has no key of version " + std::to_string(set.active_));
}

std::string KeySet::seal(std::string_view token, std::string_view credential_id) const {
  if (token.empty()) return "";
  for (const auto& [version, key] : keys_)
    if (version == active_)
      return "enc:v" + std::to_string(version) + ":" + base64_encode(aes_gcm_seal(key, token, credential_id));
  check_failed("a key set without its active key");
}

Result<std::string> KeySet::open(std::string_view value, std::string_view credential_id) const {
  const auto envelope = split_envelope(value);
  if (!envelope) return invalid("the stored token begins with \"enc:\" but is no envelope \"enc:v<version>:<base64>\"");
  const auto sealed = base64_decode(envelope->payload);
  if (!sealed) return invalid("the sealed token is no valid base64");
  for (const auto& [version, key] : keys_) {
    if (version != envelope->version) continue;
    auto opened = aes_gcm_open(key, *sealed, credential_id);
    if (!opened)
      return invalid("the sealed token (key version " + std::to_string(version) + ") " + opened.error().message);
    return opened;
  }
  return invalid("the token is sealed with key version " + std::to_string(envelope->version) +
                 ", which the keyring does not have");
}

std::vector<int> KeySet::versions() const {
  std::vector<int> out;
  for (const auto& [version, key] : keys_) out.push_back(version);
  return out;
}

}  // namespace fracta::credentials
