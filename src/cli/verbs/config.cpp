// fracta config validate, fracta config show
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/api_client.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"
#include "fracta/config/load.hpp"
#include "fracta/credentials/plan.hpp"
#include "fracta/daemon/validate_server.hpp"

namespace fracta::cli {
namespace {

constexpr const char* kDefaultPath = "./fracta.yaml";

struct Verdict {
  std::string file;
  std::vector<config::Diagnostic> diagnostics;
  std::vector<std::string> asked;  // of the API server
  std::string hash;
};

std::size_t count(const Verdict& verdict, config::Severity severity) {
  return static_cast<std::size_t>(std::count_if(verdict.diagnostics.begin(), verdict.diagnostics.end(),
                                                [severity](const auto& d) { return d.severity == severity; }));
}

std::string plural(std::size_t n, const char* word) { return std::to_string(n) + " " + word + (n == 1 ? "" : "s"); }

void print_as_data(const Verdict& verdict, const ConfigArgs& args, Context& context) {
  Json list = Json::array();
  for (const auto& diagnostic : verdict.diagnostics)
    list.push_back(config::diagnostic_to_json(verdict.file, diagnostic));
  Json answer{{"file", verdict.file},
              {"valid", count(verdict, config::Severity::kError) == 0},
              {"diagnostics", std::move(list)}};
  if (!verdict.hash.empty()) answer["hash"] = verdict.hash;
  if (!verdict.asked.empty()) answer["asked_api_server"] = verdict.asked;
  print_data(answer, args.output, context);
}

// Problems go to stderr: stdout stays for what was asked for.
void print_problems(const Verdict& verdict, Context& context) {
  for (const auto& diagnostic : verdict.diagnostics)
    context.err << config::format_diagnostic(verdict.file, diagnostic) << "\n";
}

void print_summary(const Verdict& verdict, Context& context) {
  const std::size_t errors = count(verdict, config::Severity::kError);
  const std::size_t warnings = count(verdict, config::Severity::kWarning);
  const std::string tail = warnings == 0 ? "" : " (" + plural(warnings, "warning") + ")";
  for (const auto& line : verdict.asked) context.out << "asked the API server: " << line << "\n";
  if (errors == 0) {
    context.out << verdict.file << ": valid" << tail << "\n";
  } else {
    context.err << verdict.file << ": " << plural(errors, "error") << tail << "\n";
  }
}

Result<void> ask_api_server(const ConfigArgs& args, const config::Config& config, Verdict& verdict) {
  auto text = config::read_config(verdict.file);
  if (!text) return text.error();
  auto answer = daemon::validate_on_server(config, *text, {.kubeconfig = args.kubeconfig, .context = args.context});
  if (!answer) return answer.error().with_context("asking the API server");
  verdict.asked = answer->asked;
  for (auto& line : verdict.asked) line += " (" + answer->server + ")";
  verdict.diagnostics.insert(verdict.diagnostics.end(), answer->diagnostics.begin(), answer->diagnostics.end());
  return {};
}

int validate(const ConfigArgs& args, Verdict& verdict, const std::optional<config::Config>& config, Context& context) {
  if (args.ask_server && config)
    if (auto asked = ask_api_server(args, *config, verdict); !asked) {
      print_problems(verdict, context);
      return report(asked.error(), context);
    }
  if (args.output != Output::kDefault) {
    print_as_data(verdict, args, context);
  } else {
    print_problems(verdict, context);
    print_summary(verdict, context);
  }
  return config::has_errors(verdict.diagnostics) ? kExitFailed : kExitOk;
}

int show(const ConfigArgs& args, const Verdict& verdict, const std::optional<config::Config>& config,
         Context& context) {
  print_problems(verdict, context);
  if (!config) {
    print_summary(verdict, context);
    return kExitFailed;
  }
  if (args.output == Output::kJson) {
    print_data(Json{{"config", *config->effective}, {"hash", config->hash}}, args.output, context);
  } else {
    context.out << "# " << verdict.file << " with defaults, secrets redacted\n# hash: " << config->hash << "\n";
    print_data(*config->effective, Output::kYaml, context);
  }
  return kExitOk;
}

}  // namespace

int run_verb(const ConfigArgs& args, const ClientArgs& client, Context& context) {
  Verdict verdict{
      .file = client.config.empty() ? kDefaultPath : client.config, .diagnostics = {}, .asked = {}, .hash = {}};
  auto loaded = config::load_file(verdict.file, {.strict = args.strict, .environment = context.environment});
  verdict.diagnostics = std::move(loaded.diagnostics);
  if (loaded.config) {
    verdict.hash = loaded.config->hash;
    for (auto& diagnostic : credentials::check_plans(*loaded.config))
      verdict.diagnostics.push_back(std::move(diagnostic));
  }
  return args.action == ConfigArgs::Action::kShow ? show(args, verdict, loaded.config, context)
                                                  : validate(args, verdict, loaded.config, context);
}

}  // namespace fracta::cli
