#include "config/manifest.hpp"

#include <algorithm>
#include <vector>

#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

std::size_t indentation(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }
bool is_blank(std::string_view line) { return trim(line).empty(); }

// "  fracta-k8s.yaml: |": the key of a block scalar that holds YAML.
bool opens_block(std::string_view line) {
  line = trim(line);
  if (line.starts_with('#')) return false;
  const auto colon = line.find(": |");
  if (colon == std::string_view::npos) return false;
  const auto style = line.substr(colon + 3);
  const auto end = std::min(style.find_first_not_of("+-0123456789"), style.size());
  if (!trim(style.substr(end)).empty() && !trim(style.substr(end)).starts_with('#')) return false;
  auto key = line.substr(0, colon);
  if (key.size() > 2 && (key.front() == '"' || key.front() == '\'')) key = key.substr(1, key.size() - 2);
  return key.ends_with(".yaml") || key.ends_with(".yml");
}

struct Block {
  std::size_t first = 0, last = 0;  // lines, last excluded
};

// Blocks in the data of the document that is the lines [begin, end).
void find_blocks(const std::vector<std::string>& lines, std::size_t begin, std::size_t end, std::vector<Block>& found) {
  bool in_data = false;
  for (std::size_t i = begin; i < end; ++i) {
    const std::string& line = lines[i];
    if (is_blank(line)) continue;
    if (indentation(line) == 0 && !line.starts_with('#')) in_data = trim(line) == "data:";
    if (!in_data || indentation(line) == 0 || !opens_block(line)) continue;
    const std::size_t outer = indentation(line);
    Block block{i + 1, i + 1};
    while (block.last < end && (is_blank(lines[block.last]) || indentation(lines[block.last]) > outer)) ++block.last;
    found.push_back(block);
    i = block.last - 1;
  }
}

}  // namespace

std::optional<std::string> config_in_manifest(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto& line : split(text, '\n')) lines.emplace_back(line);
  std::vector<Block> blocks;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= lines.size(); ++i) {
    if (i < lines.size() && !(lines[i] == "---" || lines[i].starts_with("--- "))) continue;
    const auto first = lines.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = lines.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(first, last,
                    [](const std::string& line) { return trim(line) == "kind: ConfigMap" && line[0] == 'k'; }))
      find_blocks(lines, begin, i, blocks);
    begin = i + 1;
  }
  if (blocks.size() != 1) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < blocks[0].last; ++i) {
    if (i >= blocks[0].first) out += lines[i];
    out += '\n';
  }
  return out;
}

}  // namespace fracta::config
