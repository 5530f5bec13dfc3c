#include "fracta/config/load.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "config/decode.hpp"
#include "config/effective.hpp"
#include "config/expand.hpp"
#include "config/manifest.hpp"
#include "config/report.hpp"
#include "config/structure.hpp"
#include "fracta/base/file.hpp"

namespace fracta::config {
namespace {

constexpr std::size_t kMaxConfigBytes = 4u << 20;

void mark_secret_env(const std::set<std::string>& secret_paths, Config& config) {
  for (auto& [name, profile] : config.auth_profiles) {
    const std::string env = join_path("auth.credentials.profiles." + name, "env");
    for (const auto& [variable, value] : profile.env)
      if (looks_secret(variable) || secret_paths.contains(join_path(env, variable)))
        profile.secret_env.insert(variable);
  }
  for (auto& [name, runtime] : config.agent_runtimes) {
    const std::string list = join_path("agents.agent_runtimes", name) + ".kubernetes.env";
    for (std::size_t i = 0; i < runtime.kubernetes_env.size(); ++i) {
      const EnvVar& variable = runtime.kubernetes_env[i];
      if (variable.value.empty()) continue;
      if (looks_secret(variable.name) || secret_paths.contains(join_path(list, i) + ".value"))
        runtime.secret_env.insert(variable.name);
    }
  }
}

Config decode(const Json& root, const YamlDocument& document, const Expander& expander, Report& report) {
  Config config;
  const View view(&root, "", report);
  decode_runtime(view, config);
  decode_kubernetes(view["runtime"]["kubernetes"], config.kubernetes);
  decode_auth(view, config);
  decode_agents(view, config);
  decode_api(view, config);
  decode_stored_credentials(view, config);
  decode_general(view, config);
  mark_secret_env(expander.secret_paths(), config);
  fill_effective(root, document, expander, config);
  return config;
}

LoadResult finish(Report& report, const Expander& expander, std::optional<Config> config) {
  LoadResult result;
  if (!report.failed()) result.config = std::move(config);
  result.diagnostics = report.take();
  for (Diagnostic& diagnostic : result.diagnostics) {
    diagnostic.message = expander.redact(std::move(diagnostic.message));
  }
  return result;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

LoadResult load_text(std::string_view text, const LoadOptions& options) {
  Report report;
  Expander expander(options.environment, report);
  if (text.size() > kMaxConfigBytes) {
    report.add_at({Severity::kError, {1, 1}, "", "larger than " + std::to_string(kMaxConfigBytes) + " bytes"});
    return finish(report, expander, std::nullopt);
  }
  YamlLimits limits;
  limits.max_bytes = 2 * kMaxConfigBytes;  // protected variables are longer
  limits.keys_as_written = true;
  auto parsed = parse_yaml_document(protect_variables(text), limits, [&](YamlScalar& scalar) { expander(scalar); });
  if (const auto* error = std::get_if<YamlError>(&parsed)) {
    report.add_at({Severity::kError, error->position, "", error->message});
    return finish(report, expander, std::nullopt);
  }
  const YamlDocument& document = std::get<YamlDocument>(parsed);
  report.set_document(&document);
  check_structure(*document.value, options.strict, report);
  Config config = decode(*document.value, document, expander, report);
  return finish(report, expander, std::move(config));
}

Result<std::string> read_config(const std::string& path) {
  auto text = read_file(path, kMaxConfigBytes);
  if (!text) return text;
  auto inner = config_in_manifest(*text);
  return inner ? *std::move(inner) : text;
}

LoadResult load_file(const std::string& path, const LoadOptions& options) {
  auto text = read_config(path);
  if (text) return load_text(*text, options);
  LoadResult result;
  result.diagnostics.push_back({Severity::kError, {}, "", "reading config " + text.error().message});
  return result;
}

}  // namespace fracta::config
