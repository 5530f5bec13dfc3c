// watch: a stream of events from a resource version on.
#include <fmt/format.h>

#include <chrono>

#include "devcluster/front/context.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::chrono::seconds kBookmarkEvery{60};
constexpr std::size_t kBatch = 256;
constexpr std::chrono::milliseconds kHoldFor{500};  // an event that a fault wants behind the next one

class Watcher {
 public:
  Watcher(Call call, Services services, std::shared_ptr<const Filter> filter, std::uint64_t from, bool replay)
      : call_(std::move(call)),
        services_(std::move(services)),
        filter_(std::move(filter)),
        seen_(from),
        replay_(replay) {
    prefix_ = call_.kind->namespaced && !call_.ns.empty() ? call_.ns + "/" : "";
    bookmarks_ = call_.flag("allowWatchBookmarks");
    const auto asked = parse_int(call_.parameter("timeoutSeconds"));
    const auto seconds = asked && *asked > 0 ? std::chrono::seconds(*asked)
                                             : std::chrono::seconds(1800 + static_cast<int>(random_fraction() * 1800));
    deadline_ = std::chrono::steady_clock::now() + std::min(seconds, std::chrono::seconds(24 * 3600));
  }

  void run(net::ResponseStream& stream) {
    if (faulted("gone")) return send_gone(stream);
    if (replay_ && !send_existing(stream)) return;
    auto next_bookmark = std::chrono::steady_clock::now() + kBookmarkEvery;
    while (!stream.stop().stop_requested()) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= deadline_) break;
      auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(std::min(deadline_, next_bookmark) - now);
      if (held_) wait = std::min(wait, kHoldFor);
      std::vector<Change> changes;
      const auto upto =
          services_.registry->store().changes(call_.kind->storage(), seen_, kBatch, wait, stream.stop(), changes);
      if (!upto) {
        send_gone(stream);
        return;
      }
      for (const Change& change : disturbed(std::move(changes))) {
        if (!send_change(stream, change) || faulted("end")) return;
      }
      seen_ = *upto;
      if (bookmarks_ && std::chrono::steady_clock::now() >= next_bookmark) {
        if (!send_bookmark(stream, false)) return;
        next_bookmark = std::chrono::steady_clock::now() + kBookmarkEvery;
      }
    }
    if (bookmarks_ && !stream.stop().stop_requested()) send_bookmark(stream, false);
  }

 private:
  [[nodiscard]] bool faulted(std::string_view what) const { return call_.effects && call_.effects->has_watch(what); }

  // The changes as a fault wants them seen: not at all, twice, or each pair the wrong way round.
  std::vector<Change> disturbed(std::vector<Change> changes) {
    if (faulted("drop")) return {};
    std::vector<Change> result;
    for (Change& change : changes) {
      if (faulted("duplicate")) result.push_back(change);
      if (faulted("reorder") && !held_) {
        held_ = std::move(change);
        continue;
      }
      result.push_back(std::move(change));
      if (held_) result.push_back(std::move(*held_));
      held_.reset();
    }
    if (held_ && changes.empty()) {  // nobody came to change places with
      result.push_back(std::move(*held_));
      held_.reset();
    }
    return result;
  }

  bool send(net::ResponseStream& stream, std::string_view type, const std::string& object) {
    return stream.write(fmt::format("{{\"type\":\"{}\",\"object\":{}}}\n", type, object));
  }

  bool send_record(net::ResponseStream& stream, std::string_view type, const RecordPtr& record) {
    const bool columns = call_.form == Form::kTable && !columns_sent_;
    columns_sent_ = true;
    return send(stream, type, render_object(call_, *call_.kind, record, columns));
  }

  bool send_existing(net::ResponseStream& stream) {
    const auto snapshot = services_.registry->store().list(call_.kind->storage(), prefix_);
    for (const auto& [key, record] : snapshot->records) {
      if (matches(*filter_, *call_.kind, record->object) && !send_record(stream, "ADDED", record)) return false;
    }
    seen_ = snapshot->version;
    return !call_.flag("sendInitialEvents") || send_bookmark(stream, true);
  }

  // An object that leaves the selection is deleted for this watcher, one that enters it is added.
  bool send_change(net::ResponseStream& stream, const Change& change) {
    if (!change.key.starts_with(prefix_)) return true;
    const bool is = change.type != EventType::kDeleted && matches(*filter_, *call_.kind, change.record->object);
    const bool was = change.previous != nullptr && matches(*filter_, *call_.kind, change.previous->object);
    if (is) return send_record(stream, was ? "MODIFIED" : "ADDED", change.record);
    if (!was) return true;
    if (change.type == EventType::kDeleted) return send_record(stream, "DELETED", change.record);
    Json last = change.previous->object;
    last["metadata"]["resourceVersion"] = std::to_string(change.version);
    return send_record(stream, "DELETED", std::make_shared<const Record>(std::move(last), change.version));
  }

  bool send_bookmark(net::ResponseStream& stream, bool initial) {
    Json metadata = {{"resourceVersion", std::to_string(seen_)}, {"creationTimestamp", nullptr}};
    if (initial) metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
    Json object = {{"kind", call_.kind->kind}, {"apiVersion", call_.kind->api_version()}, {"metadata", metadata}};
    if (call_.form == Form::kPartial) object = partial_metadata(call_, object);
    if (call_.form == Form::kTable) {
      object = {{"kind", "Table"},
                {"apiVersion", "meta.k8s.io/" + call_.form_version},
                {"metadata", {{"resourceVersion", std::to_string(seen_)}}},
                {"columnDefinitions", Json::array()},
                {"rows", Json::array({{{"cells", Json::array()}, {"object", partial_metadata(call_, object)}}})}};
    }
    return send(stream, "BOOKMARK", dump_json(object));
  }

  void send_gone(net::ResponseStream& stream) {
    send(stream, "ERROR",
         dump_json(status_object(
             expired(fmt::format("too old resource version: {} ({})", seen_, services_.registry->store().version())))));
  }

  Call call_;
  Services services_;
  std::shared_ptr<const Filter> filter_;
  std::string prefix_;
  std::uint64_t seen_;
  bool replay_;
  std::optional<Change> held_;
  bool bookmarks_ = false;
  bool columns_sent_ = false;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace

net::ServerResponse serve_watch(Call call, const Services& services) {
  auto filter = make_filter(call);
  if (!filter.ok()) return answer_failure(call, filter.failure());
  const std::string version = call.parameter("resourceVersion");
  const auto from = version.empty() ? std::optional<std::int64_t>(0) : parse_int(version);
  if (!from || *from < 0) return answer_failure(call, bad_version(version));
  if (const std::string timeout = call.parameter("timeoutSeconds"); !timeout.empty() && !parse_int(timeout))
    return answer_failure(call, bad_number(timeout));
  if (auto checked = check_match(call, static_cast<std::uint64_t>(*from)); !checked.ok())
    return answer_failure(call, checked.failure());
  const bool initial = call.flag("sendInitialEvents");
  const auto start = static_cast<std::uint64_t>(*from);
  net::ServerResponse response;
  response.headers.set("Content-Type", "application/json");
  response.headers.set("Cache-Control", "no-cache, private");
  // The request dies with this call: the watcher keeps a copy.
  auto request = std::make_shared<net::ServerRequest>(*call.http);
  call.http = request.get();
  auto watcher = std::make_shared<Watcher>(std::move(call), services, *filter, start, start == 0 || initial);
  response.stream = [watcher, request](net::ResponseStream& stream) { watcher->run(stream); };
  return response;
}

}  // namespace fracta::devcluster
