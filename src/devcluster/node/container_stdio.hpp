// A running container's standard streams as those see them who attach: what it writes goes to everybody attached, what
// they send goes to its standard input.
#pragma once

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <string>

#include "devcluster/node/unique_fd.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

// Thread-safe.
class ContainerStdio {
 public:
  // `input`: the container's standard input (a terminal's master), invalid without `stdin: true`. `once`: stdinOnce.
  ContainerStdio(UniqueFd input, bool terminal, bool once)
      : terminal_(terminal), once_(once), input_(std::move(input)) {}

  void publish(bool error_stream, std::string_view bytes);
  void close();  // the container has ended

  // Until the container ends (or the client does). kResourceExhausted when the client reads too slowly.
  Result<void> attach(bool with_stdin, ExecStreams& streams);

 private:
  struct Subscriber {
    std::deque<std::pair<bool, std::string>> chunks;
    std::size_t bytes = 0;
    bool overrun = false;
  };
  UniqueFd duplicate_input();
  Result<void> forward(Subscriber& subscriber, ExecStreams& streams);

  const bool terminal_, once_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  UniqueFd input_;
  std::list<Subscriber*> subscribers_;
  bool closed_ = false;
};

}  // namespace fracta::devcluster
