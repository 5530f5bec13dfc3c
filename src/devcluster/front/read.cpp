// get and list.
#include <fmt/format.h>

#include "devcluster/front/context.hpp"
#include "devcluster/schema/json_error.hpp"
#include "devcluster/server/stored_form.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

struct Page {
  std::vector<RecordPtr> records;
  std::uint64_t version = 0;
  std::string next;  // continue token
  std::optional<std::size_t> remaining;
};

Failure bad_continue(std::string_view why) {
  return bad_request(fmt::format("invalid continue token: continue key is not valid: {}", why));
}

constexpr const char* kExpired =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the "
    "continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing "
    "with the provided token results in an inconsistent list - objects that were created, modified, or deleted between "
    "the "
    "time the first chunk was returned and now may show up in the list.";

std::string continue_token(std::uint64_t version, const std::string& last_key) {
  return base64url_encode(dump_json({{"v", "meta.k8s.io/v1"}, {"rv", version}, {"start", last_key + '\x01'}}));
}

Outcome<Json> read_continue(const std::string& token) {
  const auto text = base64url_decode(token);
  if (!text) {
    const auto bad = token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    return bad_continue(
        fmt::format("illegal base64 data at input byte {}", bad == std::string::npos ? token.size() : bad));
  }
  auto parsed = parse_json(*text);
  if (!parsed) return bad_continue(json_syntax_error(*text));
  const std::string version = string_at(*parsed, "v");
  if (version != "meta.k8s.io/v1")
    return bad_continue(fmt::format("server does not recognize this encoded version {}", version));
  const auto at = int_at(*parsed, "rv");
  if (!at || *at <= 0) return bad_continue("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  if (string_at(*parsed, "start").empty()) return bad_continue("encoded start key empty (version meta.k8s.io/v1)");
  return std::move(*parsed);
}

// A fault may want answers as of some changes ago; 0 = now.
std::uint64_t stale_version(const Call& call, const Store& store) {
  const std::uint64_t back = call.effects ? call.effects->stale() : 0;
  const std::uint64_t now = store.version();
  const std::uint64_t at = back == 0 || back >= now ? 0 : now - back;
  return at == 0 || store.compacted(call.kind->storage(), at) ? 0 : at;
}

struct ListRequest {
  std::size_t limit = 0;
  std::uint64_t at = 0;
  std::string start;
};

}  // namespace

Failure bad_number(const std::string& text) {
  return bad_request(fmt::format("strconv.ParseInt: parsing {}: invalid syntax", go_quote(text)));
}

namespace {

void check_list_match(const Call& call, const std::string& match, std::uint64_t version, FieldErrors& errors) {
  const char* field = "resourceVersionMatch";
  if (call.verb == "watch") errors.forbidden(field, "resourceVersionMatch is forbidden for watch");
  if (call.parameter("resourceVersion").empty())
    errors.forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (!call.parameter("continue").empty())
    errors.forbidden(field, "resourceVersionMatch is forbidden when continue is provided");
  if (match != "Exact" && match != "NotOlderThan")
    errors.not_supported(field, match, {"Exact", "NotOlderThan", ""});
  else if (match == "Exact" && version == 0 && !call.parameter("resourceVersion").empty())
    errors.forbidden(field, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
}

// Of servers that know such watches.
void check_initial_events(const Call& call, const std::string& match, FieldErrors& errors) {
  const char* field = "resourceVersionMatch";
  if (match != "NotOlderThan")
    errors.forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  if (!match.empty() && match != "NotOlderThan") errors.not_supported(field, match, {"NotOlderThan"});
  if (!match.empty() && !call.parameter("continue").empty())
    errors.forbidden(field, "resourceVersionMatch is forbidden when continue is provided");
}

}  // namespace

Outcome<Done> check_match(const Call& call, std::uint64_t version) {
  const std::string match = call.parameter("resourceVersionMatch");
  FieldErrors errors;
  if (call.verb == "watch" && call.http->query_parameter("sendInitialEvents"))
    check_initial_events(call, match, errors);
  else if (!match.empty())
    check_list_match(call, match, version, errors);
  if (errors.empty()) return Done{};
  Kind options;
  options.group = "meta.k8s.io";
  options.kind = "ListOptions";
  return errors.to_failure(options, "");
}

// A real server takes this for its own mistake: 500 without a reason.
Failure bad_version(const std::string& text) {
  return {500, "",
          fmt::format("resourceVersion: Invalid value: {0}: strconv.ParseUint: parsing {0}: invalid syntax",
                      go_quote(text)),
          Json()};
}

namespace {

Outcome<std::uint64_t> version_parameter(const Call& call) {
  const std::string text = call.parameter("resourceVersion");
  if (text.empty()) return std::uint64_t{0};
  const auto value = parse_int(text);
  if (!value || *value < 0) {
    return bad_version(text);
  }
  return static_cast<std::uint64_t>(*value);
}

Failure future_version(std::uint64_t asked, std::uint64_t current) {
  return {
      504,
      "Timeout",
      fmt::format("Timeout: Too large resource version: {}, current: {}", asked, current),
      {{"causes", Json::array({{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}})},
       {"retryAfterSeconds", 1}}};
}

Outcome<ListRequest> list_request(const Call& call, const Store& store) {
  ListRequest request;
  for (const char* name : {"limit", "timeoutSeconds"}) {
    const std::string text = call.parameter(name);
    const auto value = parse_int(text);
    if (!text.empty() && !value) return bad_number(text);
    if (std::string_view(name) == "limit" && value && *value > 0) request.limit = static_cast<std::size_t>(*value);
  }
  auto version = version_parameter(call);
  if (!version.ok()) return version.failure();
  if (auto checked = check_match(call, *version); !checked.ok()) return checked.failure();
  if (const std::string token = call.parameter("continue"); !token.empty()) {
    const auto parsed = read_continue(token);
    if (!parsed.ok()) return parsed.failure();
    if (*version != 0) return bad_request("specifying resource version is not allowed when using continue");
    request.at = static_cast<std::uint64_t>(*int_at(*parsed, "rv"));
    request.start = string_at(*parsed, "start");
    return request;
  }
  const bool exact = call.parameter("resourceVersionMatch") == "Exact";
  if (const std::uint64_t current = store.version(); *version > current) {
    if (exact) return Failure{500, "", "etcdserver: mvcc: required revision is a future revision", Json()};
    return future_version(*version, current);
  }
  if (exact) request.at = *version;
  if (request.at == 0) request.at = stale_version(call, store);
  return request;
}

Outcome<Page> read_page(const Call& call, const Store& store) {
  auto request = list_request(call, store);
  if (!request.ok()) return request.failure();
  auto filter = make_filter(call);
  if (!filter.ok()) return filter.failure();
  const std::string prefix = call.kind->namespaced && !call.ns.empty() ? call.ns + "/" : "";
  const auto snapshot = store.list(call.kind->storage(), prefix, request->at);
  if (!snapshot) {
    if (!request->start.empty()) return expired(kExpired);
    return expired(fmt::format("The resourceVersion for the provided list is too old."));
  }
  Page page;
  page.version = snapshot->version;
  const auto& records = snapshot->records;
  std::size_t i = 0;
  while (i < records.size() && records[i].first < request->start) ++i;
  for (; i < records.size(); ++i) {
    // A full page ends where it is full: whether more of the rest matches is for the next one to find out.
    if (request->limit != 0 && page.records.size() == request->limit) {
      page.next = continue_token(page.version, records[i - 1].first);
      if (is_trivial(**filter)) page.remaining = records.size() - i;
      break;
    }
    if (!matches(**filter, *call.kind, records[i].second->object)) continue;
    page.records.push_back(records[i].second);
  }
  return page;
}

net::ServerResponse serve_list(Call& call, const Services& services) {
  auto page = read_page(call, services.registry->store());
  if (!page.ok()) return answer_failure(call, page.failure());
  Json metadata = {{"resourceVersion", std::to_string(page->version)}};
  if (!page->next.empty()) metadata["continue"] = page->next;
  if (page->remaining) metadata["remainingItemCount"] = *page->remaining;
  if (call.form == Form::kTable)
    return answer_json(call, 200, table_of(call, *call.kind, page->records, metadata, true));

  const bool partial = call.form == Form::kPartial;
  std::string text =
      fmt::format("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{},\"items\":[",
                  partial ? "PartialObjectMetadataList" : call.kind->kind + "List",
                  partial ? "meta.k8s.io/" + call.form_version : call.kind->api_version(), dump_json(metadata));
  bool first = true;
  for (const RecordPtr& record : page->records) {
    if (!first) text += ',';
    first = false;
    if (partial)
      text += dump_json(partial_metadata(call, record->object));
    else
      text += seen_as(*call.kind, record)->body();
  }
  return answer_text(call, 200, text + "]}");
}

net::ServerResponse serve_stale(Call& call, const Store& store, std::uint64_t at) {
  const std::string key = object_key(call.kind->namespaced ? call.ns : "", call.name);
  if (const auto snapshot = store.list(call.kind->storage(), key, at)) {
    for (const auto& [found, record] : snapshot->records) {
      if (found == key) return answer_record(call, 200, *call.kind, record);
    }
  }
  return answer_failure(call, not_found(*call.kind, call.name));
}

}  // namespace

net::ServerResponse serve_read(Call& call, const Services& services) {
  if (call.verb == "list") return serve_list(call, services);
  auto version = version_parameter(call);
  if (!version.ok()) return answer_failure(call, version.failure());
  if (const std::uint64_t at = stale_version(call, services.registry->store()); at != 0)
    return serve_stale(call, services.registry->store(), at);
  if (const std::uint64_t current = services.registry->store().version(); *version > current)
    return answer_failure(call, future_version(*version, current));
  auto record = services.registry->get(*call.kind, call.kind->namespaced ? call.ns : "", call.name);
  if (!record.ok()) return answer_failure(call, record.failure());
  return answer_record(call, 200, *call.kind, *record);
}

}  // namespace fracta::devcluster
