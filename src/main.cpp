#include <csignal>

#include "fracta/cli/cli.hpp"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a peer or reader that left is an error value, not the end of the process
  return fracta::cli::run(argc, argv);
}
