// Requests to one API server: identity, retries, typed errors.
//
// Retries as client-go's rest/with_retry.go: an answer 429 or 5xx *with Retry-After* is tried again, at most 10 times,
// within the call's deadline; a GET is tried again after a connection error. A create is never repeated blindly: only
// 429 and 503 with Retry-After (the server turned it away) repeat a POST; when its outcome is unknown the caller gets
// kUnavailable/kDeadlineExceeded and decides (anchors D.2). A 401 asks the token source for a new token, once.
// Every request carries User-Agent and, for writes, fieldManager. Names that cannot be one path segment ("", ".", "..",
// '/', '%', control characters) are kInvalid before anything is sent. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/metrics.hpp"
#include "fracta/base/result.hpp"
#include "fracta/kube/client_config.hpp"
#include "fracta/kube/resource.hpp"

namespace fracta::kube {

struct CallContext {
  std::chrono::milliseconds timeout{30'000};  // for the whole call including retries
  std::stop_token stop;
};

enum class FieldValidation { kServerDefault, kStrict, kWarn, kIgnore };
struct WriteOptions {
  bool dry_run = false;  // dryRun=All
  FieldValidation field_validation = FieldValidation::kServerDefault;
  bool metadata_only = false;  // ask for PartialObjectMetadata back: a third of the bytes
  CallContext call;
};

enum class Propagation { kBackground, kForeground, kOrphan };
struct DeleteOptions {
  Propagation propagation = Propagation::kBackground;
  std::optional<int> grace_period_seconds;
  std::string precondition_uid;  // empty = none
  CallContext call;
};

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;  // "0" = from the server's cache
  int limit = 500;               // page size; 0 = everything at once
  bool metadata_only = false;    // PartialObjectMetadataList: no spec, no status
  // Items handed out so far are void and the list begins again (the continue token expired, 410). A caller that
  // remembers which keys it saw must forget them here.
  std::function<void()> on_restart;
  CallContext call;  // timeout is for all pages together
};

struct WatchOptions {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;
  std::chrono::seconds timeout{300};  // asked from the server as timeoutSeconds
  std::chrono::milliseconds idle_timeout{330'000};
  bool bookmarks = true;
  bool metadata_only = false;
  std::function<void()> on_open;  // the server accepted the watch
  std::stop_token stop;
};

struct LogOptions {
  std::string container;
  bool follow = false;
  bool timestamps = false;
  bool previous = false;
  std::optional<std::int64_t> tail_lines;
  std::optional<std::int64_t> limit_bytes;
  std::string since_time;  // RFC 3339
  CallContext call;        // timeout is the idle time when following
};

enum class WatchEventType { kAdded, kModified, kDeleted, kBookmark, kError };
struct WatchEvent {
  WatchEventType type;
  const Json& object;  // valid during the callback only
};

class Client {
 public:
  struct Options {
    std::string user_agent = "fracta";  // sent as "<user_agent>/<version> (linux/amd64) fracta/<commit>"
    std::string field_manager = "fracta";
    MetricsRegistry* metrics = nullptr;  // rest_client_* metrics by client-go's names
    // Warning headers of the server (deprecated fields, unknown fields with fieldValidation=Warn), each text once.
    std::function<void(const std::string&)> on_warning;
    // Instead of really waiting between retries; for tests. Returns false when stopped.
    std::function<bool(const std::stop_token&, std::chrono::nanoseconds)> sleep;
  };
  static Result<std::unique_ptr<Client>> create(ClientConfig config, const Clock& clock, Options options);
  // For tests: a given transport instead of the network.
  Client(ClientConfig config, std::shared_ptr<net::Transport> transport, const Clock& clock, Options options);
  ~Client();

  [[nodiscard]] const ClientConfig& config() const;

  Result<Json> get(const Resource& resource, std::string_view ns, std::string_view name, const CallContext& call = {});
  // Calls `on_item` for each object of each page while the body arrives: memory is bounded by one object (16 MiB), not
  // by the list. Items carry no kind/apiVersion, as the server sends them. A continue token that expired (410) calls
  // on_restart and begins again without pages, as client-go's pager does. A connection that breaks in the middle of a
  // page is an error: list again. Returns the list's resourceVersion.
  Result<std::string> list(const Resource& resource, std::string_view ns, const ListOptions& options,
                           const std::function<void(const Json&)>& on_item);
  Result<Json> create(const Resource& resource, std::string_view ns, const Json& object,
                      const WriteOptions& options = {});
  Result<Json> update(const Resource& resource, std::string_view ns, std::string_view name, const Json& object,
                      const WriteOptions& options = {});
  // content_type: application/merge-patch+json, application/json-patch+json, application/strategic-merge-patch+json or
  // application/apply-patch+yaml (then with force=true).
  Result<Json> patch(const Resource& resource, std::string_view ns, std::string_view name,
                     std::string_view content_type, const Json& patch, const WriteOptions& options = {});
  Result<void> remove(const Resource& resource, std::string_view ns, std::string_view name,
                      const DeleteOptions& options = {});

  // Blocks until the server ends the watch in order (success), an ERROR event came (its Status as Error; 410 = kGone),
  // the connection broke, or stop. `on_event` returns false to end it (kCanceled).
  Result<void> watch(const Resource& resource, std::string_view ns, const WatchOptions& options,
                     const std::function<bool(const WatchEvent&)>& on_event);

  // Blocks until the log ends or on_data returns false.
  Result<void> pod_log(std::string_view ns, std::string_view pod, const LogOptions& options,
                       const std::function<bool(std::string_view)>& on_data);

  Result<Json> server_version(const CallContext& call = {});
  // Any other GET/POST, e.g. a sub-resource. `target` begins with '/'.
  Result<Json> raw(std::string_view method, const std::string& target, const std::string& body,
                   const CallContext& call = {});

  class Impl;  // src/kube only

 private:
  std::unique_ptr<Impl> impl_;
};

// Status object or any body -> Error with code, reason, message, causes, retry_after. Hostile bodies cost nothing.
Error error_from_answer(int http_status, const net::Headers& headers, const std::string& body);

// The same for the Status object of a watch's ERROR event.
Error error_from_status(const Json& status, int http_status);

}  // namespace fracta::kube
