// fracta context list|use|current|delete|view
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/api_client.hpp"
#include "cli/context_file.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/text.hpp"

namespace fracta::cli {
namespace {

Error unknown(const std::string& name) {
  return make_error(ErrorCode::kNotFound,
                    "no context \"" + shorten(name, 60) + "\"; `fracta context list` shows what there is");
}

const char* token_kind(const ServerContext& one) {
  return !one.token_file.empty() ? "file" : one.token.empty() ? "none" : "stored";
}

int list(const ContextFile& file, const ContextArgs& args, Context& context) {
  if (args.output == Output::kName) {
    for (const auto& one : file.contexts) context.out << one.name << "\n";
    return kExitOk;
  }
  Table table({"CURRENT", "NAME", "SERVER", "TOKEN", "CA"});
  for (const auto& one : file.contexts)
    table.add({one.name == file.current ? "*" : " ", one.name, one.server, token_kind(one),
               one.ca_pem.empty() ? "system" : "own"});
  context.out << table.print();
  return kExitOk;
}

// What there is, without any token.
int view(const ContextFile& file, const ContextArgs& args, Context& context) {
  Json document = {{"path", file.path}, {"current-context", file.current}, {"contexts", Json::array()}};
  for (const auto& one : file.contexts) {
    Json shown = {{"name", one.name}, {"server", one.server}};
    if (!one.ca_pem.empty()) shown["certificate-authority-data"] = one.ca_pem;
    if (!one.token.empty()) shown["token"] = "<redacted>";
    if (!one.token_file.empty()) shown["token-file"] = one.token_file;
    document["contexts"].push_back(std::move(shown));
  }
  print_data(document, args.output == Output::kJson ? Output::kJson : Output::kYaml, context);
  return kExitOk;
}

int write(const ContextFile& file, const std::string& said, Context& context) {
  if (auto written = write_context_file(file); !written) return report(written.error(), context);
  context.out << said;
  return kExitOk;
}

}  // namespace

int run_verb(const ContextArgs& args, const ClientArgs&, Context& context) {
  auto file = read_context_file(context);
  if (!file) return report(file.error(), context);
  switch (args.action) {
    case ContextArgs::Action::kList:
      return list(*file, args, context);
    case ContextArgs::Action::kView:
      return view(*file, args, context);
    case ContextArgs::Action::kCurrent:
      if (file->find(file->current) == nullptr)
        return report(make_error(ErrorCode::kNotFound, "no context is current; `fracta login URL` makes one"), context);
      context.out << file->current << "\n";
      return kExitOk;
    case ContextArgs::Action::kUse:
      if (file->find(args.name) == nullptr) return report(unknown(args.name), context);
      file->current = args.name;
      return write(*file, "Context \"" + args.name + "\" is the current one.\n", context);
    case ContextArgs::Action::kDelete:
      if (!file->remove(args.name)) return report(unknown(args.name), context);
      if (file->current == args.name) file->current.clear();
      return write(*file, "Context \"" + args.name + "\" deleted.\n", context);
  }
  return kExitUsage;
}

}  // namespace fracta::cli
