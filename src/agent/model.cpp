#include <array>
#include <string>

#include "fracta/agent/spec.hpp"
#include "fracta/base/text.hpp"

namespace fracta::agent {
namespace {

constexpr std::array<std::string_view, 3> kTiers = {"heavy", "medium", "light"};
constexpr std::size_t kMaxModelLength = 256;

// A model becomes an argument of an agent CLI and an annotation; "--flag" or a control character has no place in it.
Result<std::string> checked(const std::string& model) {
  const bool printable =
      std::all_of(model.begin(), model.end(), [](char c) { return c > ' ' && static_cast<unsigned char>(c) < 0x7f; });
  if (printable && model.size() <= kMaxModelLength && !model.starts_with('-')) return model;
  return make_error(ErrorCode::kInvalid,
                    "invalid model \"" + shorten(model, 80) +
                        "\": must be at most 256 printable ASCII characters, no spaces, not starting with '-'");
}

}  // namespace

Result<std::string> resolve_model(const config::AgentRuntime& runtime, const std::string& model,
                                  const std::string& tier) {
  if (!model.empty()) return checked(model);
  if (tier.empty()) return checked(runtime.model);
  if (std::find(kTiers.begin(), kTiers.end(), tier) == kTiers.end()) {
    return make_error(ErrorCode::kInvalid,
                      "invalid tier \"" + shorten(tier, 80) + "\": must be one of [heavy medium light]");
  }
  const auto found = runtime.model_tiers.find(tier);
  if (found == runtime.model_tiers.end()) {
    return make_error(ErrorCode::kInvalid, "tier \"" + tier + "\" not configured in model_tiers");
  }
  return checked(found->second);
}

}  // namespace fracta::agent
