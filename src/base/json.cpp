#include "fracta/base/json.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "fracta/base/text.hpp"

namespace fracta {

namespace {

// Watches depth and duplicate keys while the parser works, so that a hostile text is refused before it is a tree.
class Guard {
 public:
  Guard(const JsonLimits& limits, std::string* problem) : limits_(limits), problem_(problem) {}

  bool operator()(int depth, nlohmann::json::parse_event_t event, Json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (static_cast<std::size_t>(depth) > limits_.max_depth) {
      *problem_ = fmt::format("nested more than {} levels deep", limits_.max_depth);
      throw Stop{};
    }
    if (!limits_.refuse_duplicate_keys) return true;
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && !keys_.back().insert(parsed.get<std::string>()).second) {
      *problem_ = fmt::format("duplicate key \"{}\"", shorten(parsed.get_ref<const std::string&>(), 64));
      throw Stop{};
    }
    return true;
  }
  struct Stop {};

 private:
  JsonLimits limits_;
  std::string* problem_;
  std::vector<std::set<std::string>> keys_;
};

// nlohmann's text without its "[json.exception.parse_error.101] parse error " prefix.
std::string short_message(const nlohmann::json::parse_error& error) {
  std::string_view text = error.what();
  if (const auto at = text.find("parse error "); at != std::string_view::npos) text.remove_prefix(at + 12);
  return shorten(text, 200);
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  std::string problem;
  try {
    return Json::parse(text.begin(), text.end(), Guard(limits, &problem));
  } catch (const Guard::Stop&) {
    return make_error(ErrorCode::kInvalid, "invalid JSON: " + problem);
  } catch (const nlohmann::json::parse_error& error) {
    return make_error(ErrorCode::kInvalid, "invalid JSON: " + short_message(error));
  } catch (const nlohmann::json::exception& error) {  // a number out of range
    return make_error(ErrorCode::kInvalid, "invalid JSON: " + shorten(error.what(), 200));
  }
}

std::string dump_json(const Json& value, int indent) { return value.dump(indent, ' ', false, Json::error_handler_t::replace); }

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
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return value->get<std::int64_t>();
}

bool bool_at(const Json& object, std::string_view path, bool fallback) {
  const Json* value = find_path(object, path);
  return value != nullptr && value->is_boolean() ? value->get<bool>() : fallback;
}

}  // namespace fracta
