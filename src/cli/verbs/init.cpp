// fracta init --scaffold k8s
#include <istream>
#include <ostream>

#include "cli/api_client.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/subprocess.hpp"
#include "fracta/base/text.hpp"
#include "fracta/scaffold/scaffold.hpp"
#include "fracta/version.hpp"

namespace fracta::cli {
namespace {

void print_list(const std::string& title, const std::vector<std::string>& paths, std::ostream& out) {
  if (paths.empty()) return;
  out << title << "\n";
  for (const auto& path : paths) out << "  " << path << "\n";
}

// Only what would be lost is worth a question.
bool agreed(const std::vector<std::string>& differing, Context& context) {
  print_list("--force replaces files that differ from the template:", differing, context.out);
  context.out << "Replace them? [y/N] " << std::flush;
  std::string answer;
  std::getline(context.in, answer);
  return iequals(trim(answer), "y") || iequals(trim(answer), "yes");
}

}  // namespace

int run_verb(const InitArgs& args, const ClientArgs&, Context& context) {
  auto plan = scaffold::make_plan(args.scaffold, args.directory);
  if (!plan) return report(plan.error(), context);
  const auto differing = plan->paths(scaffold::FileState::kDiffers);
  if (args.force && !args.yes && !differing.empty() && !agreed(differing, context)) {
    context.err << "aborted\n";
    return kExitFailed;
  }
  auto outcome = scaffold::apply(*plan, args.force);
  if (!outcome) return report(outcome.error(), context);

  context.out << "Fracta initialized successfully.\n"
              << "  scaffold: " << args.scaffold << "\n"
              << "  source:   embedded (fracta " << kVersion << ")\n"
              << "  files:    " << outcome->written.size() << " written, " << outcome->skipped << " skipped\n";
  print_list("written:", outcome->written, context.out);
  if (!args.force)
    print_list("kept, though they differ from the template (--force replaces them):", differing, context.out);
  print_list("not of this template, but `kubectl apply -f deployment/k8s/manifests/` takes them along:", plan->foreign,
             context.out);
  if (find_on_path("kubectl", context.environment("PATH").value_or("")).empty())
    context.err << "note: kubectl is not on PATH; it applies what was written: kubectl apply -k deployment/k8s\n";
  return kExitOk;
}

}  // namespace fracta::cli
