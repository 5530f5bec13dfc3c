// What the verbs of Client share: identity, one request with retries, one streamed answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "fracta/kube/client.hpp"
#include "fracta/net/transport.hpp"
#include "kube/request_metrics.hpp"
#include "kube/warnings.hpp"

namespace fracta::kube {

// What is asked back: whole objects, or only their metadata (a third of the bytes).
enum class Shape { kFull, kMetadata, kMetadataList };
inline Shape metadata_if(bool wanted) { return wanted ? Shape::kMetadata : Shape::kFull; }

class Client::Impl {
 public:
  Impl(ClientConfig config, std::shared_ptr<net::Transport> transport, const Clock& clock, Options options);

  // One call with its retries; success is a 2xx answer.
  Result<net::Response> send(net::Request request, const CallContext& call);
  Result<Json> send_json(net::Request request, const CallContext& call);

  // A streamed answer: `on_data` gets the body of a 2xx answer; any other becomes its typed error. Tried again only as
  // long as no 2xx head has come.
  struct Limits {
    std::chrono::milliseconds head_timeout;  // from now to the head, retries included
    std::chrono::milliseconds idle_timeout;
    std::stop_token stop;
    std::function<void()> on_open;  // a 2xx head has come; may be empty
  };
  Result<void> stream(net::Request request, const Limits& limits, const std::function<bool(std::string_view)>& on_data);

  [[nodiscard]] net::Request request(std::string method, std::string target, Shape shape = Shape::kFull) const;
  [[nodiscard]] const ClientConfig& config() const { return config_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] RequestMetrics& metrics() { return metrics_; }

 private:
  friend class Attempts;
  ClientConfig config_;
  std::shared_ptr<net::Transport> transport_;
  const Clock& clock_;
  Options options_;
  std::string user_agent_;
  RequestMetrics metrics_;
  WarningFilter warnings_;
};

// kInvalid unless `name` can be one segment of a path (apimachinery path.IsValidPathSegmentName).
Result<void> check_path_segment(std::string_view what, std::string_view name);
Result<void> check_place(const Resource& resource, std::string_view ns, std::string_view name);

}  // namespace fracta::kube
