// get and list.
#include <fmt/format.h>

#include "devcluster/front/context.hpp"
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

struct ListRequest {
  std::size_t limit = 0;
  std::uint64_t at = 0;
  std::string start;
};

Outcome<std::uint64_t> version_parameter(const Call& call) {
  const std::string text = call.parameter("resourceVersion");
  if (text.empty()) return std::uint64_t{0};
  const auto value = parse_int(text);
  if (!value || *value < 0) {
    return Failure{
        400, "BadRequest",
        fmt::format("resourceVersion: Invalid value: \"{}\": strconv.ParseUint: parsing \"{}\": invalid syntax", text,
                    text),
        Json()};
  }
  return static_cast<std::uint64_t>(*value);
}

Outcome<ListRequest> list_request(const Call& call, const Store& store) {
  ListRequest request;
  if (const std::string limit = call.parameter("limit"); !limit.empty()) {
    const auto value = parse_int(limit);
    if (!value) return bad_request(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", limit));
    request.limit = *value > 0 ? static_cast<std::size_t>(*value) : 0;
  }
  auto version = version_parameter(call);
  if (!version.ok()) return version.failure();
  if (const std::string token = call.parameter("continue"); !token.empty()) {
    const auto text = base64url_decode(token);
    const auto parsed = text ? parse_json(*text) : Result<Json>(make_error(ErrorCode::kInvalid, "illegal base64 data"));
    if (!parsed || !int_at(*parsed, "rv") || string_at(*parsed, "start").empty())
      return bad_continue("invalid character in the token");
    if (*version != 0) return bad_request("specifying resource version is not allowed when using continue");
    request.at = static_cast<std::uint64_t>(*int_at(*parsed, "rv"));
    request.start = string_at(*parsed, "start");
    return request;
  }
  const std::uint64_t current = store.version();
  if (*version > current) {
    return Failure{
        504,
        "Timeout",
        fmt::format("Timeout: Too large resource version: {}, current: {}", *version, current),
        {{"causes", Json::array({{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}})},
         {"retryAfterSeconds", 1}}};
  }
  const std::string match = call.parameter("resourceVersionMatch");
  FieldErrors errors;
  if (!match.empty() && match != "Exact" && match != "NotOlderThan") {
    errors.not_supported("resourceVersionMatch", match, {"Exact", "NotOlderThan", ""});
  } else if (!match.empty() && call.parameter("resourceVersion").empty()) {
    errors.forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided");
  } else if (match == "Exact" && *version == 0) {
    errors.forbidden("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  if (!errors.empty()) {
    Kind options;
    options.group = "meta.k8s.io";
    options.kind = "ListOptions";
    return errors.to_failure(options, "");
  }
  if (match == "Exact") request.at = *version;
  return request;
}

Outcome<Page> read_page(const Call& call, const Store& store) {
  auto request = list_request(call, store);
  if (!request.ok()) return request.failure();
  auto filter = make_filter(call);
  if (!filter.ok()) return filter.failure();
  const std::string prefix = call.kind->namespaced && !call.ns.empty() ? call.ns + "/" : "";
  const auto snapshot = store.list(call.kind->resource(), prefix, request->at);
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
    if (!matches(**filter, *call.kind, records[i].second->object)) continue;
    if (request->limit != 0 && page.records.size() == request->limit) {
      page.next = continue_token(page.version, records[i - 1].first);
      if (is_trivial(**filter)) page.remaining = records.size() - i;
      break;
    }
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
      text += dump_json(Json{{"metadata", partial_metadata(call, record->object)["metadata"]}});
    else
      text += record->body();
  }
  return answer_text(call, 200, text + "]}");
}

}  // namespace

net::ServerResponse serve_read(Call& call, const Services& services) {
  if (call.verb == "list") return serve_list(call, services);
  auto version = version_parameter(call);
  if (!version.ok()) return answer_failure(call, version.failure());
  auto record = services.registry->get(*call.kind, call.kind->namespaced ? call.ns : "", call.name);
  if (!record.ok()) return answer_failure(call, record.failure());
  return answer_record(call, 200, *call.kind, *record);
}

}  // namespace fracta::devcluster
