// One function per verb, one file each in src/cli/verbs/. Each returns the exit code.
#pragma once

#include "cli/invocation.hpp"
#include "fracta/cli/cli.hpp"

namespace fracta::cli {

int run_verb(const SpawnArgs& args, const ClientArgs& client, Context& context);
int run_verb(const GetArgs& args, const ClientArgs& client, Context& context);
int run_verb(const DescribeArgs& args, const ClientArgs& client, Context& context);
int run_verb(const LogsArgs& args, const ClientArgs& client, Context& context);
int run_verb(const PeekArgs& args, const ClientArgs& client, Context& context);
int run_verb(const WatchArgs& args, const ClientArgs& client, Context& context);
int run_verb(const WaitArgs& args, const ClientArgs& client, Context& context);
int run_verb(const KillArgs& args, const ClientArgs& client, Context& context);
int run_verb(const ConfigArgs& args, const ClientArgs& client, Context& context);
int run_verb(const ControlplaneArgs& args, const ClientArgs& client, Context& context);
int run_verb(const DevclusterArgs& args, const ClientArgs& client, Context& context);
int run_verb(const VersionArgs& args, const ClientArgs& client, Context& context);
int run_verb(const CompletionArgs& args, const ClientArgs& client, Context& context);
int run_verb(const AuthDiagnoseArgs& args, const ClientArgs& client, Context& context);
int run_verb(const InitArgs& args, const ClientArgs& client, Context& context);
int run_verb(const AgentRunArgs& args, const ClientArgs& client, Context& context);
int run_verb(const AgentCheckArgs& args, const ClientArgs& client, Context& context);
int run_verb(const LoginArgs& args, const ClientArgs& client, Context& context);
int run_verb(const LogoutArgs& args, const ClientArgs& client, Context& context);
int run_verb(const ContextArgs& args, const ClientArgs& client, Context& context);
int run_verb(const CanIArgs& args, const ClientArgs& client, Context& context);
int run_verb(const CredentialArgs& args, const ClientArgs& client, Context& context);
int run_verb(const WhoAmIArgs& args, const ClientArgs& client, Context& context);

}  // namespace fracta::cli
