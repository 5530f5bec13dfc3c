// fracta controlplane, fracta serve --control-plane-api-only
#include <sys/prctl.h>

#include "cli/verbs.hpp"
#include "fracta/daemon/daemon.hpp"

namespace fracta::cli {

int run_verb(const ControlplaneArgs& args, const ClientArgs& client, Context&) {
  prctl(PR_SET_DUMPABLE, 0);  // the daemon holds tokens
  daemon::DaemonOptions options;
  if (!client.config.empty()) options.config_path = client.config;
  options.kubeconfig = args.kubeconfig;
  options.context = args.context;
  options.listen = args.listen;
  options.log_format = args.log_format;
  options.log_level = args.log_level;
  options.address_file = args.address_file;
  return daemon::run_controlplane(options);
}

}  // namespace fracta::cli
