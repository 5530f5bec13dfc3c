#include "cli/spawn_request.hpp"

#include <filesystem>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/agent_view.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"

namespace fracta::cli {
namespace {

constexpr std::size_t kMaxContract = 1u << 20;  // a ConfigMap holds no more

Result<std::string> read_stream(std::istream& in) {
  std::string text;
  std::array<char, 8192> piece{};
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxContract)
      return make_error(ErrorCode::kResourceExhausted, "the contract is larger than 1 MiB");
  }
  return text;
}

Result<std::string> contract_text(const SpawnArgs& args, Context& context) {
  if (!args.contract.empty() && !args.contract_file.empty())
    return make_error(ErrorCode::kInvalid, "--contract and --contract-file exclude each other");
  if (args.contract == "-" || args.contract_file == "-") return read_stream(context.in);
  if (!args.contract_file.empty()) return read_file(args.contract_file, kMaxContract);
  if (args.contract.starts_with('@')) return read_file(args.contract.substr(1), kMaxContract);
  std::error_code ignored;
  if (args.contract.size() < 4096 && args.contract.find('\n') == std::string::npos &&
      std::filesystem::is_regular_file(args.contract, ignored))
    context.err << "note: --contract " << args.contract << " is sent as text; use @" << args.contract
                << " to send that file's content\n";
  return args.contract;
}

Result<void> add_pairs(Json& target, const std::vector<std::string>& pairs, const char* flag) {
  for (const auto& pair : pairs) {
    const auto at = pair.find('=');
    if (at == std::string::npos || at == 0)
      return make_error(ErrorCode::kInvalid, std::string(flag) + " needs KEY=VALUE, not \"" + shorten(pair, 60) + "\"");
    target[pair.substr(0, at)] = pair.substr(at + 1);
  }
  return {};
}

Result<void> add_resources(Json& body, const std::vector<std::string>& pairs, const char* flag,
                           const std::string& suffix) {
  Json given = Json::object();
  FRACTA_TRY(add_pairs(given, pairs, flag));
  for (const auto& [name, value] : given.items()) {
    if (name != "cpu" && name != "memory")
      return make_error(ErrorCode::kInvalid,
                        std::string(flag) + " knows cpu and memory, not \"" + shorten(name, 60) + "\"");
    body["resources"][name + suffix] = value;
  }
  return {};
}

void add_text(Json& body, const char* key, const std::string& value) {
  if (!value.empty()) body[key] = value;
}

}  // namespace

Result<Json> spawn_request(const SpawnArgs& args, Context& context) {
  auto contract = contract_text(args, context);
  if (!contract) return contract.error().with_context("contract");
  if (!is_valid_utf8(*contract)) return make_error(ErrorCode::kInvalid, "contract: not valid UTF-8");
  Json body{{"task", bare_name(args.name)}};
  add_text(body, "contract", *contract);
  add_text(body, "runtime", args.runtime);
  add_text(body, "model", args.model);
  add_text(body, "tier", args.tier);
  add_text(body, "mode", args.mode);
  add_text(body, "image", args.image);
  add_text(body, "base_branch", args.base);
  if (!args.command.empty()) body["command"] = args.command;
  if (!args.credentials.empty()) body["credentials"] = args.credentials;
  if (args.active_deadline_seconds) body["active_deadline_seconds"] = *args.active_deadline_seconds;
  FRACTA_TRY(add_resources(body, args.requests, "--requests", "_request"));
  FRACTA_TRY(add_resources(body, args.limits, "--limits", "_limit"));
  if (!args.labels.empty()) {
    body["labels"] = Json::object();
    FRACTA_TRY(add_pairs(body["labels"], args.labels, "--label"));
  }
  return body;
}

}  // namespace fracta::cli
