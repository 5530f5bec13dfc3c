#include "config/effective.hpp"

#include <nlohmann/json.hpp>

#include "config/expand.hpp"
#include "config/keys.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

constexpr const char* kRedacted = "<redacted>";

// redis://user:password@host -> redis://<redacted>@host
std::string without_user_info(const std::string& text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const std::size_t host = scheme + 3;
  const std::size_t at = text.substr(0, text.find_first_of("/?#", host)).rfind('@');
  if (at == std::string::npos || at < host) return text;
  return text.substr(0, host) + kRedacted + text.substr(at);
}

enum class SecretsAre { kReplaced, kLeftOut };

class Redactor {
 public:
  Redactor(const Expander& expander, SecretsAre mode) : expander_(expander), mode_(mode) {}

  [[nodiscard]] Json apply(const Json& value, const std::string& path) const {
    if (value.is_object()) return object(value, path);
    if (value.is_array()) return array(value, path);
    if (is_secret(path)) return kRedacted;
    if (!value.is_string()) return value;
    return expander_.without_secrets(without_user_info(value.get<std::string>()));
  }

 private:
  [[nodiscard]] bool is_secret(const std::string& path) const { return expander_.secret_paths().count(path) != 0; }

  [[nodiscard]] bool hides(const std::string& key, const Json& value, const std::string& path) const {
    if (value.is_structured() || value.is_null() || value.is_boolean()) return false;
    return looks_secret(key) || is_secret(path);
  }

  [[nodiscard]] Json object(const Json& value, const std::string& path) const {
    Json result = Json::object();
    // {name: API_TOKEN, value: ...}: the secret's name is a value itself.
    const bool named_secret = looks_secret(string_at(value, "name"));
    for (const auto& [key, item] : value.items()) {
      const std::string place = join_path(path, key);
      if (hides(key, item, place) || (named_secret && key == "value")) {
        if (mode_ == SecretsAre::kReplaced) result[key] = kRedacted;
      } else {
        result[key] = apply(item, place);
      }
    }
    return result;
  }

  [[nodiscard]] Json array(const Json& value, const std::string& path) const {
    Json result = Json::array();
    for (std::size_t i = 0; i < value.size(); ++i) result.push_back(apply(value[i], join_path(path, i)));
    return result;
  }

  const Expander& expander_;
  const SecretsAre mode_;
};

Json typed_default(const KeySpec& spec) {
  if (spec.type == KeyType::kInteger) return parse_int(spec.default_value).value_or(0);
  if (spec.type == KeyType::kBoolean) return spec.default_value == "true";
  return spec.default_value;
}

// Sets `a.b.c` where it is missing or null; leaves the document alone where something else stands in the way.
void set_default(Json& root, const KeySpec& spec) {
  Json* node = &root;
  const auto steps = split(spec.path, '.');
  for (const std::string& step : steps) {
    if (node->is_null()) *node = Json::object();
    if (!node->is_object()) return;
    node = &(*node)[step];
  }
  if (node->is_null()) *node = typed_default(spec);
}

// Texts that were written as numbers or booleans are texts in the effective configuration too.
void restore_texts(Json& value, const std::string& path, const std::string& pattern, const YamlDocument& document) {
  const KeyNode* node = find_key(pattern);
  if (node == nullptr || node->spec == nullptr) return;
  const KeyType type = node->spec->type;
  const bool text = type == KeyType::kString || type == KeyType::kDuration;
  if (text && value.is_primitive() && !value.is_string() && !value.is_null()) {
    const auto written = document.plain_texts.find(path);
    if (written != document.plain_texts.end()) value = written->second;
  } else if (value.is_object()) {
    for (auto& [key, item] : value.items()) {
      const std::string step = type == KeyType::kMap ? "*" : key;
      const std::string place = join_path(path, key);
      if (type == KeyType::kStringMap && item.is_primitive() && !item.is_string()) {
        const auto written = document.plain_texts.find(place);
        if (written != document.plain_texts.end()) item = written->second;
      } else {
        restore_texts(item, place, pattern.empty() ? step : pattern + "." + step, document);
      }
    }
  } else if (value.is_array() && type == KeyType::kList) {
    for (std::size_t i = 0; i < value.size(); ++i)
      restore_texts(value[i], join_path(path, i), pattern + "[]", document);
  }
}

}  // namespace

void fill_effective(const Json& root, const YamlDocument& document, const Expander& expander, Config& config) {
  Json effective = root.is_object() ? root : Json::object();
  restore_texts(effective, "", "", document);
  for (const KeySpec& spec : key_table()) {
    const bool template_key = spec.path.find('*') != std::string::npos || spec.path.find("[]") != std::string::npos;
    if (!spec.default_value.empty() && !template_key) set_default(effective, spec);
  }
  if (effective["profile"].is_null()) effective["profile"] = config.profile;
  config.hash = sha256_hex(dump_json(effective));

  Json snapshot = Json::object();
  for (const char* block : {"connections", "strategy", "logging"}) {
    const Json* value = find(root, block);
    if (value == nullptr || value->is_null()) continue;
    snapshot[block] = Redactor(expander, SecretsAre::kLeftOut).apply(*value, block);
  }
  config.snapshot = std::make_shared<const Json>(std::move(snapshot));
  config.effective = std::make_shared<const Json>(Redactor(expander, SecretsAre::kReplaced).apply(effective, ""));
}

}  // namespace fracta::config
