// The command line. `run` is all that main() calls; the second form is for tests, which give it streams, an environment
// and time limits of their own.
//
// Exit codes: 0 done, 1 it failed (one line on stderr says why and what to do), 2 wrong usage.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace fracta::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

struct Context {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  std::function<std::optional<std::string>(const std::string& name)> environment;
  std::stop_token stop;                              // ends anything that waits or follows
  std::chrono::milliseconds reconnect_first{1'000};  // back-off of broken streams, doubled up to the next
  std::chrono::milliseconds reconnect_last{30'000};
};

int run(int argc, char** argv);
int run(const std::vector<std::string>& arguments, Context& context);  // without argv[0]

}  // namespace fracta::cli
