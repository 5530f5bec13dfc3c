// fracta devcluster
#include <csignal>
#include <filesystem>
#include <ostream>

#include "cli/api_client.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "fracta/devcluster/devcluster.hpp"

namespace fracta::cli {
namespace {

Result<devcluster::Options> cluster_options(const DevclusterArgs& args) {
  devcluster::Options options;
  const auto colon = args.listen.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : parse_int(args.listen.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535)
    return make_error(ErrorCode::kInvalid, "--listen needs HOST:PORT, not \"" + shorten(args.listen, 60) + "\"");
  if (colon > 0) options.host = args.listen.substr(0, colon);
  options.port = static_cast<int>(*port);
  options.data_directory = args.data;
  options.kubeconfig_path = args.kubeconfig_out;
  options.faults_file = args.faults;
  if (args.fake_node) options.fake_node.emplace();
  if (!args.fake_run.empty()) {
    const auto run = parse_go_duration(args.fake_run);
    if (!run) return run.error().with_context("--fake-run");
    if (!args.fake_node || run->count() < 0)
      return make_error(ErrorCode::kInvalid, "--fake-run needs --fake-node and a time that is not negative");
    options.fake_node->run = std::chrono::ceil<std::chrono::milliseconds>(*run);
  }
  for (const auto& image : args.images) {
    const auto equals = image.rfind('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == image.size())
      return make_error(ErrorCode::kInvalid, "--image needs NAME=DIRECTORY, not \"" + shorten(image, 60) + "\"");
    options.images[image.substr(0, equals)] = image.substr(equals + 1);
  }
  // A Job made by Fracta has arguments only and relies on the agent image's entrypoint; on this machine's own root file
  // system that is this very program.
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return make_error(ErrorCode::kInternal, "/proc/self/exe: " + error.message());
  options.host_entrypoint = {self.string(), "agent", "run", "--"};
  return options;
}

}  // namespace

int run_verb(const DevclusterArgs& args, const ClientArgs&, Context& context) {
  auto options = cluster_options(args);
  if (!options) {
    report(options.error(), context);
    return kExitUsage;
  }
  // Before any thread starts, so that all of them leave the signals to sigwait() below.
  sigset_t ending;
  sigemptyset(&ending);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ending, number);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  auto cluster = devcluster::DevCluster::create(*options);
  if (!cluster) return report(cluster.error(), context);
  if (auto started = (*cluster)->start(); !started) return report(started.error(), context);
  context.out << "A Kubernetes API for development, not for production, is serving at " << (*cluster)->url() << "\n\n"
              << "  export KUBECONFIG=" << (*cluster)->kubeconfig() << "\n"
              << "  kubectl get namespaces\n"
              << "  fracta controlplane --config fracta.yaml\n\n"
              << "Ctrl-C stops it and every process of its pods.\n";
  context.out.flush();
  int number = 0;
  sigwait(&ending, &number);
  context.err << "stopping\n";
  pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);  // a second signal ends it at once
  (*cluster)->stop();
  return kExitOk;
}

}  // namespace fracta::cli
