// What the user typed, as plain values: parse.cpp (the only file that pays for CLI11) fills these, the verbs read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cli/access_args.hpp"
#include "cli/credential_args.hpp"

namespace fracta::cli {

// How to find the daemon; accepted by every verb.
struct ClientArgs {
  std::string server;   // --server
  std::string context;  // --context
  std::string config;   // --config
  std::string ns;       // --namespace
  std::chrono::nanoseconds request_timeout = std::chrono::seconds{30};
};

struct SpawnArgs {
  std::string name;
  std::string contract;  // text, "@FILE" or "-"
  std::string contract_file;
  std::string base, model, tier, mode, runtime, image;
  std::vector<std::string> labels;            // k=v
  std::vector<std::string> credentials;       // stored ones, by name
  std::vector<std::string> requests, limits;  // cpu=100m, memory=1Gi
  std::optional<std::int64_t> active_deadline_seconds;
  std::string dry_run;  // "", client, server
  bool host_type_used = false;
  bool keep_files = false;
  bool wait = false;
  std::chrono::nanoseconds timeout{};
  Output output = Output::kDefault;
  std::vector<std::string> command;  // after --
};

struct GetArgs {  // list and get
  std::vector<std::string> names;
  Output output = Output::kDefault;
  bool watch = false;
  bool no_headers = false;
};

struct DescribeArgs {
  std::vector<std::string> names;
};

struct LogsArgs {
  std::string name;
  bool follow = false;
  bool timestamps = false;
  std::int64_t tail = -1;
  std::string since;
  std::string container;
};

struct PeekArgs {
  std::string name;
  std::string mode;
};

struct WatchArgs {
  std::string name;  // empty: all agents
  std::string since;
  Output output = Output::kDefault;
};

enum class WaitFor { kCompleted, kRunning, kReady, kDeleted };
struct WaitArgs {
  std::vector<std::string> names;
  WaitFor condition = WaitFor::kCompleted;
  std::chrono::nanoseconds timeout = std::chrono::hours{1};
};

struct KillArgs {
  std::vector<std::string> names;
  bool keep_files = false;
  bool ignore_not_found = false;
  std::string dry_run;
  Output output = Output::kDefault;
};

struct ConfigArgs {
  enum class Action { kValidate, kShow } action = Action::kValidate;
  bool strict = false;
  bool ask_server = false;
  std::string kubeconfig, context;
  Output output = Output::kDefault;
};

struct ControlplaneArgs {
  std::string kubeconfig, context, listen, log_format, log_level, address_file;
};

struct DevclusterArgs {
  std::string listen = "127.0.0.1:0";
  std::string data;
  std::string kubeconfig_out;
  std::vector<std::string> images;  // NAME=DIRECTORY
  std::string faults;               // file
  bool fake_node = false;
  std::string fake_run;  // Go's notation
};

struct VersionArgs {
  bool client_only = false;
  Output output = Output::kDefault;
};

struct AuthDiagnoseArgs {
  std::string runtime;  // empty: the agent's, else every runtime with an auth_profile
  std::string agent;
  bool run = false;
  std::string kubeconfig, context;  // to enter the agent's pod
};

struct CompletionArgs {
  std::string shell;
};

struct InitArgs {
  std::string scaffold;
  std::string directory = ".";
  bool force = false;
  bool yes = false;
};

struct AgentRunArgs {
  std::vector<std::string> command;
};

struct AgentCheckArgs {
  std::vector<std::string> files;
  bool run = false;
};

using Verb =
    std::variant<SpawnArgs, GetArgs, DescribeArgs, LogsArgs, PeekArgs, WatchArgs, WaitArgs, KillArgs, ConfigArgs,
                 ControlplaneArgs, DevclusterArgs, VersionArgs, CompletionArgs, AgentRunArgs, AuthDiagnoseArgs,
                 InitArgs, AgentCheckArgs, LoginArgs, LogoutArgs, ContextArgs, CanIArgs, WhoAmIArgs, CredentialArgs>;

struct Invocation {
  ClientArgs client;
  Verb verb;
};

// Parsing ended without something to do: help, --version (code 0, text for stdout) or wrong usage (code 2, stderr).
struct ParseExit {
  int code = 0;
  std::string text;
};

std::variant<Invocation, ParseExit> parse(const std::vector<std::string>& arguments);

// The command tree as completion scripts need it.
struct CommandNode {
  std::string name;
  std::string description;
  std::vector<std::string> flags;                                         // "--output", "-o"
  std::vector<std::pair<std::string, std::vector<std::string>>> choices;  // flag -> its closed set of values
  bool takes_agents = false;                                              // positional arguments are agents' names
  std::vector<std::string> words;                                         // positional arguments from a closed set
  std::vector<CommandNode> children;
};
CommandNode command_tree();

}  // namespace fracta::cli
