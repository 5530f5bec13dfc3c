// kubectl's tables: columns as wide as their widest cell plus three spaces, no trailing spaces, no colour.
#pragma once

#include <string>
#include <vector>

namespace fracta::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }  // empty cells print as <none>
  [[nodiscard]] std::string print(bool with_header = true) const;

  // For rows that come one at a time (-w): widths only grow, so columns stay aligned as long as they can.
  [[nodiscard]] std::string print_row(const std::vector<std::string>& row);
  [[nodiscard]] std::string print_header() { return print_row(header_); }
  void reserve_widths(const std::vector<std::vector<std::string>>& rows);

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> widths_;
};

}  // namespace fracta::cli
