// Lists, page by page, each streamed. Rules: client-go tools/pager/pager.go.
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "kube/client_impl.hpp"
#include "kube/list_reader.hpp"

namespace fracta::kube {
namespace {

struct Page {
  std::string resource_version;
  std::string continue_token;
};

struct Position {
  std::string continue_token;
  int limit = 0;
};

std::string list_query(const ListOptions& options, const Position& position) {
  net::QueryParameters query;
  if (!options.label_selector.empty()) query.emplace_back("labelSelector", options.label_selector);
  if (!options.field_selector.empty()) query.emplace_back("fieldSelector", options.field_selector);
  if (position.limit > 0) query.emplace_back("limit", std::to_string(position.limit));
  // The token names its version itself; the server refuses both together.
  if (!position.continue_token.empty()) {
    query.emplace_back("continue", position.continue_token);
  } else if (!options.resource_version.empty()) {
    query.emplace_back("resourceVersion", options.resource_version);
  }
  return query.empty() ? "" : "?" + net::encode_query(query);
}

}  // namespace

Result<std::string> Client::list(const Resource& resource, std::string_view ns, const ListOptions& options,
                                 const std::function<void(const Json&)>& on_item) {
  if (resource.namespaced && !ns.empty()) FRACTA_TRY(check_path_segment("namespace", ns));
  const auto deadline = impl_->clock().steady_now() + options.call.timeout;
  const std::string where = "listing " + std::string(resource.plural);

  auto read_page = [&](const Position& position) -> Result<Page> {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - impl_->clock().steady_now());
    ListReader reader(on_item);
    bool late = false;
    auto done = impl_->stream(impl_->request("GET", resource.path(ns) + list_query(options, position),
                                             options.metadata_only ? Shape::kMetadataList : Shape::kFull),
                              {.head_timeout = left, .idle_timeout = left, .stop = options.call.stop, .on_open = {}},
                              [&](std::string_view bytes) {
                                late = impl_->clock().steady_now() > deadline;
                                return !late && reader.feed(bytes);
                              });
    if (late) return make_error(ErrorCode::kDeadlineExceeded, "the list did not end in time");
    if (!reader.error().message.empty()) return reader.error();
    if (!done) return done.error();
    auto envelope = reader.finish();
    if (!envelope) return envelope.error();
    return Page{.resource_version = string_at(*envelope, "metadata/resourceVersion"),
                .continue_token = string_at(*envelope, "metadata/continue")};
  };

  Position position{.continue_token = "", .limit = options.limit};
  while (true) {
    auto page = read_page(position);
    if (!page && page.error().code == ErrorCode::kGone && !position.continue_token.empty()) {
      // The version the pages belong to is compacted away. Whole and at once, or it would happen again.
      if (options.on_restart) options.on_restart();
      position = {};
      continue;
    }
    if (!page) return page.error().reason.empty() ? page.error().with_context(where) : page.error();
    if (page->continue_token.empty()) return std::move(page->resource_version);
    if (page->continue_token == position.continue_token) {
      return make_error(ErrorCode::kUnavailable, where + ": the server answers the same page for ever");
    }
    position.continue_token = std::move(page->continue_token);
  }
}

}  // namespace fracta::kube
