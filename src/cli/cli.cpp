#include "fracta/cli/cli.hpp"

#include <cstdlib>
#include <iostream>

#include "cli/verbs.hpp"
#include "fracta/config/load.hpp"

namespace fracta::cli {

int run(const std::vector<std::string>& arguments, Context& context) {
  const auto parsed = parse(arguments);
  if (const auto* ended = std::get_if<ParseExit>(&parsed)) {
    (ended->code == kExitOk ? context.out : context.err) << ended->text;
    return ended->code;
  }
  const auto& invocation = std::get<Invocation>(parsed);
  const int code =
      std::visit([&](const auto& args) { return run_verb(args, invocation.client, context); }, invocation.verb);
  context.out.flush();
  return code;
}

int run(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  Context context{
      .out = std::cout, .err = std::cerr, .in = std::cin, .environment = config::process_environment(), .stop = {}};
  return run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), context);
}

}  // namespace fracta::cli
