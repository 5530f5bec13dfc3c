#include <csignal>

#include "fracta/cli/run.hpp"

int main(int argc, char** argv) {
  // A peer that closes its connection early must not end the process (libraries.md §4.7).
  std::signal(SIGPIPE, SIG_IGN);
  return fracta::cli::run(argc, argv);
}
