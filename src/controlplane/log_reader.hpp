// Logs of an agent's pod, read from the API server when asked for; nothing is kept.
//
// A followed log that breaks off (kubelet rotation ends it without an error: kubernetes #28369, #59902) is resumed by
// timestamp: the server is asked for lines since the last one, known lines are left out by their own timestamps, and
// when the last known line is not among them any more the reader is told that lines may be missing. Thread-safe.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "controlplane/agent_cache.hpp"
#include "fracta/base/result.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/controlplane/event_source.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::controlplane {

// Leaves out the lines a reader has had already. Lines come with timestamps in front, "2026-…Z text".
class LineResume {
 public:
  // What of `line` is to be passed on; empty optional: it was passed on before.
  struct Passed {
    std::string_view timestamp, text;
    bool lost_before = false;  // lines between the last one and this may be missing
  };
  std::optional<Passed> take(std::string_view line);
  void reconnected();                                              // the next lines may repeat known ones
  [[nodiscard]] const std::string& last() const { return last_; }  // "" before the first line

 private:
  std::string last_;      // timestamp of the last line passed on
  std::size_t same_ = 0;  // how many lines had that timestamp
  std::size_t skip_ = 0;  // of those, still expected again
  bool resuming_ = false;
};

class LogReader {
 public:
  using Write = std::function<bool(std::string_view)>;
  LogReader(kube::Client& client, const AgentCache& cache, EventSource& events, std::string ns,
            std::chrono::milliseconds call_timeout);

  Result<void> read(const std::string& id, const LogQuery& query, const Write& write,
                    const std::stop_token& stop) const;
  Result<void> follow(const std::string& id, const LogQuery& query, const Write& write,
                      const std::stop_token& stop) const;

 private:
  enum class Ended { kLog, kReader, kBroken };
  struct Cursor {
    std::string pod;
    LineResume resume;
  };
  // True when there is something to read, false when there never will be.
  Result<bool> wait_for_start(const std::string& id, const LogQuery& query, const std::stop_token& stop) const;
  Result<Ended> stream(Cursor& cursor, const LogQuery& query, const Write& write, const std::stop_token& stop) const;

  kube::Client& client_;
  const AgentCache& cache_;
  EventSource& events_;
  const std::string ns_;
  const std::chrono::milliseconds call_timeout_;
};

}  // namespace fracta::controlplane
