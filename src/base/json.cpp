#include "fracta/base/json.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "fracta/base/text.hpp"

namespace fracta {

namespace {

// nlohmann's parser callback could watch depth and keys while the tree grows, but 3.11 then walks a whole array again
// at the end of each of its objects: 10,000 objects cost seconds. So the text is looked at first and parsed afterwards.

// Brackets outside of strings; a text that is no JSON is left to the parser.
bool deeper_than(std::string_view text, std::size_t limit) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limit) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

// Stops at the first key that an object has twice. Everything else, errors too, is the parser's business.
class DuplicateKeys final : public nlohmann::json_sax<Json> {
 public:
  [[nodiscard]] const std::optional<std::string>& found() const { return found_; }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(std::int64_t) override { return true; }
  bool number_unsigned(std::uint64_t) override { return true; }
  bool number_float(double, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(Json::binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return true;
  }
  bool end_object() override {
    keys_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override { return false; }
  bool key(std::string& key) override {
    if (keys_.back().insert(key).second) return true;
    found_ = key;
    return false;
  }

 private:
  std::vector<std::set<std::string>> keys_;
  std::optional<std::string> found_;
};

// nlohmann's text without its "[json.exception.parse_error.101] parse error " prefix.
std::string short_message(const nlohmann::json::parse_error& error) {
  std::string_view text = error.what();
  if (const auto at = text.find("parse error "); at != std::string_view::npos) text.remove_prefix(at + 12);
  return shorten(text, 200);
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (deeper_than(text, limits.max_depth)) {
    return make_error(ErrorCode::kInvalid,
                      fmt::format("invalid JSON: nested more than {} levels deep", limits.max_depth));
  }
  try {
    if (limits.refuse_duplicate_keys) {
      DuplicateKeys keys;
      static_cast<void>(Json::sax_parse(text.begin(), text.end(), &keys));
      if (keys.found()) {
        return make_error(ErrorCode::kInvalid,
                          fmt::format("invalid JSON: duplicate key \"{}\"", shorten(*keys.found(), 64)));
      }
    }
    return Json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::parse_error& error) {
    return make_error(ErrorCode::kInvalid, "invalid JSON: " + short_message(error));
  } catch (const nlohmann::json::exception& error) {  // a number out of range
    return make_error(ErrorCode::kInvalid, "invalid JSON: " + shorten(error.what(), 200));
  }
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

const Json* find(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

const Json* find_path(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (at != nullptr && !path.empty()) {
    const auto slash = path.find('/');
    at = find(*at, path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return at;
}

std::string string_at(const Json& object, std::string_view path, std::string_view fallback) {
  const Json* value = find_path(object, path);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string(fallback);
}

std::optional<std::int64_t> int_at(const Json& object, std::string_view path) {
  const Json* value = find_path(object, path);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    return std::nullopt;
  return value->get<std::int64_t>();
}

bool bool_at(const Json& object, std::string_view path, bool fallback) {
  const Json* value = find_path(object, path);
  return value != nullptr && value->is_boolean() ? value->get<bool>() : fallback;
}

}  // namespace fracta
