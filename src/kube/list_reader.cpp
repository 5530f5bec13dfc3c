#include "kube/list_reader.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"

namespace fracta::kube {
namespace {

// etcd refuses objects above 1.5 MiB; JSON escaping can make them several times longer.
constexpr std::size_t kMaxItem = 16u << 20;
constexpr std::size_t kMaxEnvelope = 1u << 20;
constexpr std::size_t kMaxDepth = 128;

}  // namespace

bool ListReader::fail(std::string message) {
  error_ = make_error(ErrorCode::kUnavailable, "the answer is no list: " + std::move(message));
  return false;
}

bool ListReader::append(std::string& buffer, std::size_t limit, const char* what, char c) {
  if (buffer.size() >= limit) {
    error_ = make_error(ErrorCode::kResourceExhausted,
                        std::string(what) + " of a list is larger than " + std::to_string(limit >> 20) + " MiB");
    return false;
  }
  buffer += c;
  return true;
}

bool ListReader::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (!accept(c)) return false;
  }
  return true;
}

bool ListReader::accept(char c) { return inside_items_ ? in_item(c) : in_envelope(c); }

// Depth and string state of one more byte of an item or of the envelope. The JSON parser judges the text later; this
// only finds out where it ends.
bool ListReader::structure(char c) {
  if (in_string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    }
    return true;
  }
  if (c == '"') in_string_ = true;
  if (c == '{' || c == '[') {
    if (++depth_ > kMaxDepth) return fail("nested deeper than " + std::to_string(kMaxDepth));
  }
  if (c == '}' || c == ']') {
    if (depth_ == 0) return fail("unbalanced brackets");
    --depth_;
  }
  return true;
}

bool ListReader::in_envelope(char c) {
  if (!append(envelope_, kMaxEnvelope, "the head", c)) return false;
  const bool was_string = in_string_;
  const std::size_t before = depth_;
  if (!structure(c)) return false;
  if (was_string && in_string_) {
    if (before == 1 && string_.size() < 16) string_ += c;
    return true;
  }
  if (was_string) return true;  // the closing quote
  if (in_string_) {
    string_.clear();
    return true;
  }
  if (before == 1 && c == ':') key_is_items_ = string_ == "items";
  if (before == 1 && c == ',') key_is_items_ = false;
  if (before == 1 && c == '[' && key_is_items_) {
    if (std::exchange(seen_items_, true)) return fail("\"items\" is there twice");
    inside_items_ = true;
    comma_allowed_ = element_needed_ = false;
  }
  return true;
}

// depth_ is 2 between the items and more inside one (the outer object and the array count).
bool ListReader::in_item(char c) {
  const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
  if (depth_ == 2 && !in_string_ && item_.empty()) {
    if (blank) return true;
    if (c == ']' && !element_needed_) {
      inside_items_ = false;
      envelope_ += c;
      depth_ = 1;
      key_is_items_ = false;
      return true;
    }
    if (c == ',' && comma_allowed_) {
      comma_allowed_ = false;
      element_needed_ = true;
      return true;
    }
    if (c != '{' || comma_allowed_) return fail("an item is no object");
  }
  if (!append(item_, kMaxItem, "an item", c) || !structure(c)) return false;
  return depth_ > 2 || end_item();
}

bool ListReader::end_item() {
  auto object = parse_json(item_, {.max_depth = kMaxDepth, .refuse_duplicate_keys = false});
  item_.clear();
  // The parser's own words quote the text, which may be that of a Secret.
  if (!object) return fail("item " + std::to_string(items_) + " is no JSON");
  comma_allowed_ = true;
  element_needed_ = false;
  ++items_;
  on_item_(*object);
  return true;
}

Result<Json> ListReader::finish() {
  if (inside_items_ || depth_ != 0 || in_string_) {
    return make_error(ErrorCode::kUnavailable, "the list ended in the middle");
  }
  auto envelope = parse_json(envelope_, {.max_depth = kMaxDepth, .refuse_duplicate_keys = false});
  if (!envelope) {
    return make_error(ErrorCode::kUnavailable, "the answer is no list: it is no JSON");
  }
  const Json* items = find(*envelope, "items");
  if (!envelope->is_object() || find(*envelope, "metadata") == nullptr ||
      (items != nullptr && !items->is_null() && !items->is_array())) {
    return make_error(ErrorCode::kUnavailable, "the answer is no list: it has no metadata and items");
  }
  return std::move(*envelope);
}

}  // namespace fracta::kube
