// fracta auth can-i, fracta auth whoami
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/api_client.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"

namespace fracta::cli {
namespace {

std::string resource_of(const Json& permission) {
  const auto subresource = string_at(permission, "subresource");
  return string_at(permission, "resource") + (subresource.empty() ? "" : "/" + subresource);
}

int list(ApiClient& api, const CanIArgs& args, Context& context) {
  auto answer = api.call("GET", "/api/v1/auth/can-i");
  if (!answer) return report(answer.error(), context);
  if (args.output != Output::kDefault) {
    print_data(*answer, args.output, context);
    return kExitOk;
  }
  Table table({"RESOURCE", "VERB", "ALLOWED"});
  if (const auto* permissions = find(*answer, "permissions"); permissions != nullptr && permissions->is_array())
    for (const auto& one : *permissions)
      table.add({resource_of(one), string_at(one, "verb"), bool_at(one, "allowed") ? "yes" : "no"});
  context.out << table.print();
  return kExitOk;
}

// agents/log -> resource and subresource; singular forms as people say them.
Json question(const CanIArgs& args) {
  auto resource = args.resource;
  std::string subresource;
  if (const auto slash = resource.find('/'); slash != std::string::npos) {
    subresource = resource.substr(slash + 1);
    resource.resize(slash);
  }
  if (resource == "agent" || resource == "credential") resource += 's';
  Json body = {{"verb", args.verb}, {"resource", resource}};
  if (!subresource.empty()) body["subresource"] = subresource;
  if (!args.name.empty()) body["name"] = args.name;
  return body;
}

}  // namespace

// As kubectl: the answer on stdout, the reason on stderr, exit code 1 for no.
int run_verb(const CanIArgs& args, const ClientArgs& client, Context& context) {
  auto api = ApiClient::connect(client, context);
  if (!api) return report(api.error(), context);
  if (args.list) return list(*api, args, context);
  if (args.verb.empty() || args.resource.empty()) {
    context.err << "error: `fracta auth can-i VERB RESOURCE [NAME]`, or --list\n";
    return kExitUsage;
  }
  const auto body = question(args);
  auto answer = api->call("POST", "/api/v1/auth/can-i", &body);
  if (!answer) return report(answer.error(), context);
  const bool allowed = bool_at(*answer, "allowed");
  if (args.output != Output::kDefault)
    print_data(*answer, args.output, context);
  else
    context.out << (allowed ? "yes" : "no") << "\n";
  if (!allowed && args.output == Output::kDefault) context.err << string_at(*answer, "reason") << "\n";
  return allowed ? kExitOk : kExitFailed;
}

int run_verb(const WhoAmIArgs& args, const ClientArgs& client, Context& context) {
  auto api = ApiClient::connect(client, context);
  if (!api) return report(api.error(), context);
  auto answer = api->call("GET", "/api/v1/auth/whoami");
  if (!answer) return report(answer.error(), context);
  if (args.output != Output::kDefault) {
    print_data(*answer, args.output, context);
    return kExitOk;
  }
  const auto user = string_at(*answer, "user");
  context.out << (user.empty() ? "nobody in particular: this controlplane asks for no token" : user) << "\n";
  if (const auto* groups = find(*answer, "groups"); groups != nullptr && groups->is_array())
    for (const auto& group : *groups)
      if (group.is_string()) context.out << "  group " << group.get<std::string>() << "\n";
  return kExitOk;
}

}  // namespace fracta::cli
