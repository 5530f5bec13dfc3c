// The development cluster's API as its own parts see it: controllers and the node use this interface in-process, the
// HTTPS front end maps requests onto it. Every call runs the same path as a request over the wire: defaulting,
// validation, admission, resourceVersion checks, watch events.
//
// Thread-safe. Objects handed out are immutable snapshots.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

using Object = std::shared_ptr<const Json>;

// "pods", "jobs.batch", "leases.coordination.k8s.io": plural, then the group unless core.
using ResourceName = std::string_view;

enum class EventType { kAdded, kModified, kDeleted };
struct StoreEvent {
  EventType type;
  Object object;    // for kDeleted the last state, with the resourceVersion of the deletion
  Object previous;  // null for kAdded
  std::uint64_t version = 0;
};

struct RemoveOptions {
  std::optional<std::int64_t> grace_period_seconds;  // pods; empty = the pod's own, 0 = at once
  std::string propagation;                           // Background | Foreground | Orphan; "" = the kind's default
  std::string precondition_uid;
};

class Api {
 public:
  virtual ~Api() = default;
  virtual Result<Object> get(ResourceName resource, std::string_view ns, std::string_view name) const = 0;
  virtual std::vector<Object> list(ResourceName resource, std::string_view ns,
                                   std::string_view label_selector = "") const = 0;
  virtual Result<Object> create(ResourceName resource, std::string_view ns, Json object) = 0;
  // `subresource` "", "status" or (namespaces) "finalize". The object's resourceVersion, when present, must match
  // (kConflict).
  virtual Result<Object> update(ResourceName resource, std::string_view ns, std::string_view name, Json object,
                                std::string_view subresource = "") = 0;
  // Read, change, write; again on conflict. `change` returns false when nothing needs writing.
  virtual Result<Object> mutate(ResourceName resource, std::string_view ns, std::string_view name,
                                const std::function<bool(Json&)>& change, std::string_view subresource = "") = 0;
  virtual Result<void> remove(ResourceName resource, std::string_view ns, std::string_view name,
                              const RemoveOptions& options = {}) = 0;

  // The pods/binding subresource: spec.nodeName and condition PodScheduled. kConflict when bound already.
  virtual Result<void> bind_pod(std::string_view ns, std::string_view pod, std::string_view node) = 0;
  // The serviceaccounts/token subresource: `request` is an authentication.k8s.io/v1 TokenRequest (spec.audiences,
  // spec.expirationSeconds, spec.boundObjectRef); the answer carries status.token (a secret) and expirationTimestamp.
  virtual Result<Object> create_token(std::string_view ns, std::string_view service_account, Json request) = 0;

  // First an kAdded event for every existing object, then every later change, in order, until `stop`. The callback runs
  // on a thread of the subscription and may call the Api. Blocks until stopped.
  virtual void watch(ResourceName resource, const std::function<void(const StoreEvent&)>& on_event,
                     const std::stop_token& stop) = 0;

  // corev1.Event, aggregated by (object, reason, message) as client-go's recorder does.
  virtual void record_event(const Json& involved_object, std::string_view type, std::string_view reason,
                            std::string_view message, std::string_view component) = 0;
};

// What the API server asks of a node (the kubelet's server side): logs, exec, attach.
struct NodeLogOptions {
  std::string container;  // resolved and checked already
  bool follow = false, previous = false, timestamps = false;
  std::optional<std::int64_t> tail_lines, limit_bytes;
  std::string since_time;  // RFC 3339
};
struct NodeExecOptions {
  std::string container;
  std::vector<std::string> command;
  bool stdin_open = false, tty = false;
};
// Both ways of an exec or attach session; the front end speaks the wire protocol (v4/v5.channel.k8s.io). Output of a
// stream the client did not ask for goes nowhere.
class ExecStreams {
 public:
  using ResizeCallback = std::function<void(unsigned short columns, unsigned short rows)>;

  virtual ~ExecStreams() = default;
  virtual std::ptrdiff_t read_stdin(char* buffer, std::size_t size,
                                    std::chrono::milliseconds timeout) = 0;  // 0 end, -2 time-out
  virtual bool write_stdout(std::string_view bytes) = 0;
  virtual bool write_stderr(std::string_view bytes) = 0;
  // Called on another thread with the size the client's terminal has and with every later one, until on_resize({}).
  virtual void on_resize(ResizeCallback callback) = 0;
  [[nodiscard]] virtual std::stop_token stop() const = 0;  // fires when the client has gone
};

class NodeServices {
 public:
  virtual ~NodeServices() = default;
  // Writes until the end, or (follow) until the container ended; write returns false when the reader has gone.
  virtual Result<void> log(const Json& pod, const NodeLogOptions& options,
                           const std::function<bool(std::string_view)>& write, const std::stop_token& stop) = 0;
  // Whether a container of that name runs on the node now.
  [[nodiscard]] virtual bool is_running(const Json& pod, const std::string& container) = 0;
  // The exit code of the command. An error means that it could not be run.
  virtual Result<int> exec(const Json& pod, const NodeExecOptions& options, ExecStreams& streams) = 0;
  // The container's own streams (`options.command` and `options.tty` are not used) until it ends or the client goes.
  virtual Result<void> attach(const Json& pod, const NodeExecOptions& options, ExecStreams& streams) = 0;
};

}  // namespace fracta::devcluster
