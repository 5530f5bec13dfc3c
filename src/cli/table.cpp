#include "cli/table.hpp"

#include <algorithm>

#include "fracta/base/text.hpp"

namespace fracta::cli {
namespace {

constexpr std::size_t kGap = 3;

// Cells come from the cluster: nothing in them may start a new line or move the cursor.
std::string cell(const std::string& text) { return text.empty() ? "<none>" : shorten(text, 253); }

std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & '\xc0') != '\x80'; }));
}

void widen(std::vector<std::size_t>& widths, const std::vector<std::string>& row) {
  widths.resize(std::max(widths.size(), row.size()));
  for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(cell(row[i])));
}

std::string line(const std::vector<std::size_t>& widths, const std::vector<std::string>& row) {
  std::string text;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string value = cell(row[i]);
    text += value;
    if (i + 1 < row.size()) text.append(widths[i] - columns(value) + kGap, ' ');
  }
  return text + "\n";
}

}  // namespace

std::string Table::print(bool with_header) const {
  std::vector<std::size_t> widths;
  if (with_header) widen(widths, header_);
  for (const auto& row : rows_) widen(widths, row);
  std::string text = with_header ? line(widths, header_) : "";
  for (const auto& row : rows_) text += line(widths, row);
  return text;
}

std::string Table::print_row(const std::vector<std::string>& row) {
  widen(widths_, row);
  return line(widths_, row);
}

void Table::reserve_widths(const std::vector<std::vector<std::string>>& rows) {
  widen(widths_, header_);
  for (const auto& row : rows) widen(widths_, row);
}

}  // namespace fracta::cli
