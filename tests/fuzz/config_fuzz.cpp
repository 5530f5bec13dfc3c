// Any bytes as fracta.yaml, as a YAML stream and as a JSON list of volumes: an answer, never a crash, a hang or a leak.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "fracta/base/json.hpp"
#include "fracta/base/yaml.hpp"
#include "fracta/config/load.hpp"
#include "fracta/config/volumes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fracta::config::LoadOptions options;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name.size() % 2 == 0) return std::nullopt;
    return "- {a: &b [*b, \"x\n";
  };
  const auto loaded = fracta::config::load_text(text, options);
  for (const auto& diagnostic : loaded.diagnostics) fracta::config::format_diagnostic("f", diagnostic);
  const auto documents = fracta::parse_yaml_stream(text);
  if (!documents) return 0;
  for (const auto& document : *documents) {
    fracta::config::validate_extra_volumes(document, document);
    fracta::dump_yaml(document);
  }
  return 0;
}
