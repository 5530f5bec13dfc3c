// One watch: a line of JSON per event (kubernetes.io, "Efficient detection of changes").
#include <array>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/lines.hpp"
#include "kube/client_impl.hpp"
#include "kube/watch_decoder.hpp"

namespace fracta::kube {
namespace {

std::string watch_query(const WatchOptions& options) {
  net::QueryParameters query{{"watch", "true"}};
  if (options.bookmarks) query.emplace_back("allowWatchBookmarks", "true");
  if (!options.label_selector.empty()) query.emplace_back("labelSelector", options.label_selector);
  if (!options.field_selector.empty()) query.emplace_back("fieldSelector", options.field_selector);
  if (!options.resource_version.empty()) query.emplace_back("resourceVersion", options.resource_version);
  if (options.timeout.count() > 0) query.emplace_back("timeoutSeconds", std::to_string(options.timeout.count()));
  return "?" + net::encode_query(query);
}

// The server answers a watch at once; what takes longer is a dead connection.
constexpr std::chrono::milliseconds kHeadTimeout{30'000};

}  // namespace

Result<void> Client::watch(const Resource& resource, std::string_view ns, const WatchOptions& options,
                           const std::function<bool(const WatchEvent&)>& on_event) {
  if (resource.namespaced && !ns.empty()) FRACTA_TRY(check_path_segment("namespace", ns));
  WatchDecoder decoder(on_event, [this] { impl_->metrics().count_unknown_watch_event(); });
  auto done =
      impl_->stream(impl_->request("GET", resource.path(ns) + watch_query(options), metadata_if(options.metadata_only)),
                    {.head_timeout = kHeadTimeout,
                     .idle_timeout = options.idle_timeout,
                     .stop = options.stop,
                     .on_open = options.on_open},
                    [&](std::string_view bytes) { return decoder.feed(bytes); });
  const std::string where = "watching " + std::string(resource.plural);
  if (decoder.error()) return decoder.error()->reason.empty() ? decoder.error()->with_context(where) : *decoder.error();
  if (!done) return done.error().reason.empty() ? done.error().with_context(where) : done.error();
  if (!decoder.at_line_end())
    return make_error(ErrorCode::kUnavailable, where + ": it ended in the middle of an event");
  return {};
}

}  // namespace fracta::kube
