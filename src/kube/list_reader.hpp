// Reads the body of a List while it arrives: each element of the top-level "items" array is handed out as soon as it is
// complete, everything else (kind, metadata) is kept as a small envelope. Memory is bounded by one item, so a list of
// 5,000 pods costs as much as one pod. Feeds a hostile server's bytes to nothing but a byte scanner until an item is
// whole. Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::kube {

class ListReader {
 public:
  explicit ListReader(std::function<void(const Json&)> on_item) : on_item_(std::move(on_item)) {}

  // False when the text is no list or beyond the limits; error() says why. Do not feed again then.
  bool feed(std::string_view bytes);
  // After the last byte: the envelope with `items` empty.
  Result<Json> finish();
  [[nodiscard]] const Error& error() const { return error_; }
  [[nodiscard]] std::size_t items() const { return items_; }

 private:
  bool accept(char c);
  bool in_item(char c);
  bool in_envelope(char c);
  bool end_item();
  bool structure(char c);
  bool fail(std::string message);
  bool append(std::string& buffer, std::size_t limit, const char* what, char c);

  std::function<void(const Json&)> on_item_;
  std::string envelope_;  // the text without what is between the brackets of "items"
  std::string item_;
  std::string string_;  // the last string at depth 1: a key, or a value
  std::size_t depth_ = 0;
  std::size_t items_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool key_is_items_ = false;  // at depth 1, after "items" and ':'
  bool inside_items_ = false;
  bool seen_items_ = false;
  bool comma_allowed_ = false;   // inside items: an element has ended
  bool element_needed_ = false;  // inside items: a comma was seen
  Error error_;
};

}  // namespace fracta::kube
