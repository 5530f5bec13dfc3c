#include "cli/credential_input.hpp"

#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::cli {
namespace {

constexpr std::size_t kMaxToken = 1u << 20;

Result<std::string> read_all(std::istream& in) {
  std::string text;
  std::array<char, 8192> piece{};
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxToken) return make_error(ErrorCode::kResourceExhausted, "--token: more than 1 MiB");
  }
  return text;
}

// A token that is one line comes without the line's end that every editor and `echo` put there.
std::string without_line_end(std::string text) {
  const auto end = text.find('\n');
  if (end != std::string::npos && end + 1 == text.size()) text.pop_back();
  if (text.find('\n') == std::string::npos && text.ends_with('\r')) text.pop_back();
  return text;
}

// The entry of that name in clusters, users or contexts.
const Json* entry_of(const Json& kubeconfig, const char* list, const std::string& name) {
  const Json* entries = find(kubeconfig, list);
  if (entries == nullptr || !entries->is_array()) return nullptr;
  for (const auto& entry : *entries)
    if (string_at(entry, "name") == name) return &entry;
  return nullptr;
}

std::string context_names(const Json& kubeconfig) {
  std::vector<std::string> names;
  if (const Json* entries = find(kubeconfig, "contexts"); entries != nullptr && entries->is_array())
    for (const auto& entry : *entries) names.push_back(shorten(string_at(entry, "name"), 60));
  return names.empty() ? "there is none" : "there is: " + join(names, ", ");
}

}  // namespace

Result<std::string> credential_token(const std::string& argument, Context& context) {
  if (argument == "-" || argument.starts_with('@')) {
    auto text = argument == "-" ? read_all(context.in) : read_file(argument.substr(1), kMaxToken);
    return text ? without_line_end(*std::move(text)) : text;
  }
  if (!argument.empty())
    context.err << "Warning: a token in the command line can be seen by others on this machine and stays in the "
                   "shell's history; use --token @FILE or --token -\n";
  return argument;
}

Result<std::string> minify_kubeconfig(const std::string& text, const std::string& wanted) {
  const auto parsed = parse_yaml(text, {.max_bytes = kMaxToken, .max_depth = 24, .max_nodes = 50'000});
  if (!parsed || !parsed->is_object()) return make_error(ErrorCode::kInvalid, "--context: the token is no kubeconfig");
  const Json* context = entry_of(*parsed, "contexts", wanted);
  if (context == nullptr)
    return make_error(ErrorCode::kInvalid,
                      "--context: no context \"" + shorten(wanted, 60) + "\" (" + context_names(*parsed) + ")");
  Json out = {{"apiVersion", "v1"}, {"kind", "Config"}, {"current-context", wanted}, {"contexts", {*context}}};
  for (const auto& [list, key] : {std::pair{"clusters", "context/cluster"}, std::pair{"users", "context/user"}}) {
    const std::string name = string_at(*context, key);
    const Json* entry = entry_of(*parsed, list, name);
    if (entry == nullptr)
      return make_error(ErrorCode::kInvalid, "--context: context \"" + shorten(wanted, 60) + "\" names \"" +
                                                 shorten(name, 60) + "\", which is not among the " + list);
    out[list] = Json::array({*entry});
  }
  return dump_yaml(out);
}

}  // namespace fracta::cli
