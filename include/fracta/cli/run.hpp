// The whole program: parses the command line, runs the verb, returns the exit code (0 ok, 1 failed, 2 usage).
#pragma once

namespace fracta::cli {
int run(int argc, char** argv);
}  // namespace fracta::cli
