// The bytes of a YAML text, before any parser sees them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/yaml.hpp"

namespace fracta {

// The first byte that YAML does not allow: invalid UTF-8 (which yaml-cpp would turn into U+FFFD without a word), NUL
// and other control characters (which also keep yaml-cpp from guessing UTF-16 or UTF-32).
std::optional<YamlError> find_bad_character(std::string_view text);

// Turns yaml-cpp's 0-based marks, whose columns count bytes, into 1-based lines and columns of characters.
class LineTable {
 public:
  explicit LineTable(std::string_view text);
  [[nodiscard]] TextPosition at(int line, int byte_column) const;
  // True when a document marker `---` starts that line.
  [[nodiscard]] bool is_document_start(int line) const;

 private:
  [[nodiscard]] std::string_view line(int number) const;
  std::string_view text_;
  std::vector<std::size_t> starts_;
  bool ascii_ = true;
};

}  // namespace fracta
