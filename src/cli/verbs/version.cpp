// fracta version
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/api_client.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"
#include "fracta/version.hpp"

namespace fracta::cli {
namespace {

// The daemon's version is a courtesy here: nobody should wait for it.
constexpr std::chrono::seconds kPatience{2};

}  // namespace

int run_verb(const VersionArgs& args, const ClientArgs& client_args, Context& context) {
  Json versions{{"client", {{"version", kVersion}, {"commit", kCommit}}}};
  std::string problem;
  if (!args.client_only) {
    ClientArgs hasty = client_args;
    hasty.request_timeout = std::min<std::chrono::nanoseconds>(hasty.request_timeout, kPatience);
    if (auto client = ApiClient::connect(hasty, context)) {
      auto answer = client->call("GET", "/version");
      if (answer)
        versions["server"] = *answer;
      else
        problem = answer.error().message;
    } else {
      problem = client.error().message;
    }
  }
  if (args.output != Output::kDefault) {
    print_data(versions, args.output, context);
  } else {
    context.out << "Client Version: " << kVersion << " (" << kCommit << ")\n";
    if (versions.contains("server"))
      context.out << "Server Version: " << string_at(versions, "server/version") << " ("
                  << string_at(versions, "server/commit") << ")\n";
  }
  if (!problem.empty()) context.err << "note: " << problem << "\n";
  return kExitOk;
}

}  // namespace fracta::cli
