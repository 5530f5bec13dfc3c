#include "devcluster/node/lifecycle_hook.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

// A kubelet sets no limit of its own; whoever waits for a hook has one. This is only against waiting for ever.
constexpr std::chrono::minutes kLongest{60};

}  // namespace

LifecycleHook::LifecycleHook(const Json& handler, ProbeTarget target, std::string where, std::function<void()> on_end)
    : handler_(std::make_shared<Json>(handler)),
      target_(std::move(target)),
      where_(std::move(where)),
      on_end_(std::move(on_end)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void LifecycleHook::run(const std::stop_token& stop) {
  const ActionResult result = run_action(*handler_, target_, kLongest, stop);
  if (const Json* exec = find(*handler_, "exec"); exec != nullptr && !result.success) {
    const auto words = command_words(*exec);
    const std::string error = result.exit_code > 0 ? fmt::format("command '{}' exited with {}: {}", join(words, " "),
                                                                 result.exit_code, result.output)
                                                   : result.output;
    failure_ = fmt::format("Exec lifecycle hook ([{}]) for {} failed - error: {}, message: \"{}\"", join(words, " "),
                           where_, error, result.exit_code > 0 ? result.output : "");
  } else if (const Json* get = find(*handler_, "httpGet");
             get != nullptr && !result.success && result.http_status == 0) {
    // Any answer will do.
    failure_ = fmt::format("HTTP lifecycle hook ({}) for {} failed - error: {}", string_at(*get, "path"), where_,
                           result.output);
  } else if (exec == nullptr && get == nullptr && !result.success) {
    failure_ = "Cannot run handler: invalid handler";
  }
  ended_ = true;
  on_end_();
}

}  // namespace fracta::devcluster
