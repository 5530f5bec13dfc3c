// Content negotiation and the forms an answer can have.
#include <fmt/format.h>

#include <algorithm>

#include "devcluster/front/context.hpp"
#include "devcluster/server/stored_form.hpp"
#include "devcluster/store/packed_owners.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

void add_common(const Call& call, net::ServerResponse& response, const char* type) {
  response.headers.set("Content-Type", type);
  response.headers.set("Cache-Control", "no-cache, private");
  for (const std::string& warning : call.warnings) {
    std::string quoted;
    for (const char c : warning) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    response.headers.add("Warning", fmt::format("299 - \"{}\"", quoted));
  }
}

// Browsers and curl get indented answers, as from a real server.
bool wants_pretty(const Call& call) {
  if (const auto asked = call.http->query_parameter("pretty")) return *asked != "false" && *asked != "0";
  const std::string agent = call.http->headers.get("User-Agent").value_or("");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

struct Media {
  std::string type;
  std::string as, group, version;
};

Media parse_media(const std::string& text) {
  Media media;
  for (const std::string& part : split(text, ';')) {
    const std::string word(trim(part));
    if (media.type.empty())
      media.type = to_lower(word);
    else if (word.starts_with("as="))
      media.as = word.substr(3);
    else if (word.starts_with("g="))
      media.group = word.substr(2);
    else if (word.starts_with("v="))
      media.version = word.substr(2);
  }
  return media;
}

// One object and a list of them have names of their own.
Outcome<Done> check_partial(const Call& call, const std::string& as) {
  const bool list = as == "PartialObjectMetadataList";
  if (call.verb == "list" && !list) {
    return Failure{406, "NotAcceptable",
                   fmt::format("you requested PartialObjectMetadata, but the requested object is a list (*{}.{}List)",
                               call.kind->type->package, call.kind->kind),
                   Json()};
  }
  if (call.verb != "list" && call.verb != "watch" && call.verb != "deletecollection" && list) {
    return Failure{406, "NotAcceptable",
                   fmt::format("you requested PartialObjectMetadataList, but the requested object is not a list "
                               "(*{}.{})",
                               call.kind->type->package, call.kind->kind),
                   Json()};
  }
  return Done{};
}

Outcome<Done> check_include(const Call& call) {
  const std::string include = call.parameter("includeObject");
  if (include.empty() || include == "Metadata" || include == "Object" || include == "None") return Done{};
  return bad_request(
      fmt::format("Unable to convert to Table as requested: includeObject: Invalid value: {}: must be 'Metadata', "
                  "'Object', 'None', or empty",
                  go_quote(include)));
}

}  // namespace

Outcome<Done> negotiate(Call& call) {
  const std::string accept = call.http->headers.get("Accept").value_or("");
  if (trim(accept).empty()) return Done{};
  bool known = false;
  for (const std::string& entry : split(accept, ',')) {
    const Media media = parse_media(entry);
    const bool json = media.type == "application/json" || media.type == "*/*" || media.type == "application/*";
    const bool yaml = media.type == "application/yaml";
    if (!json && !yaml) continue;
    known = known || media.type != "application/*";
    if (!media.as.empty()) {
      if (media.group != "meta.k8s.io" || (media.version != "v1" && media.version != "v1beta1")) continue;
      if (media.as == "Table")
        call.form = Form::kTable;
      else if (media.as == "PartialObjectMetadata" || media.as == "PartialObjectMetadataList")
        call.form = Form::kPartial;
      else
        continue;
      call.form_version = media.version;
    }
    if (media.type == "application/*") continue;  // a real server knows only whole types and */*
    call.yaml = yaml;
    if (call.form == Form::kTable) return check_include(call);
    return call.form == Form::kPartial ? check_partial(call, media.as) : Outcome<Done>(Done{});
  }
  if (known) {
    return Failure{406, "NotAcceptable",
                   "only the following media types are accepted: application/json, application/yaml, "
                   "application/vnd.kubernetes.protobuf",
                   Json()};
  }
  return Failure{406, "NotAcceptable",
                 "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
                 "application/vnd.kubernetes.protobuf",
                 Json::object()};
}

net::ServerResponse answer_text(const Call& call, int status, std::string json) {
  net::ServerResponse response;
  response.status = status;
  if (call.yaml || wants_pretty(call)) {
    if (const auto parsed = parse_json(json)) json = call.yaml ? dump_yaml(*parsed) : dump_json(*parsed, 2);
  }
  response.body = std::move(json);
  add_common(call, response, call.yaml ? "application/yaml" : "application/json");
  return response;
}

net::ServerResponse answer_json(const Call& call, int status, const Json& body) {
  return answer_text(call, status, dump_json(body));
}

net::ServerResponse answer_failure(const Call& call, const Failure& failure) {
  Call plain = call;
  plain.yaml = false;
  net::ServerResponse response = answer_json(plain, failure.code, status_object(failure));
  if (failure.details.is_object() && failure.details.contains("retryAfterSeconds")) {
    response.headers.set("Retry-After", dump_json(failure.details["retryAfterSeconds"]));
  }
  return response;
}

Json partial_metadata(const Call& call, const Json& object) {
  Json metadata = object.value("metadata", Json::object());
  unpack_owners_in_metadata(metadata);
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/" + call.form_version},
          {"metadata", std::move(metadata)}};
}

std::string render_object(const Call& call, const Kind& kind, const RecordPtr& record, bool with_columns) {
  switch (call.form) {
    case Form::kObject:
      return seen_as(kind, record)->text();
    case Form::kPartial:
      return dump_json(partial_metadata(call, record->object));
    case Form::kTable: {
      const Json metadata = {{"resourceVersion", string_at(record->object, "metadata/resourceVersion")}};
      return dump_json(table_of(call, kind, {record}, metadata, with_columns));
    }
  }
  return {};
}

net::ServerResponse answer_record(const Call& call, int status, const Kind& kind, const RecordPtr& record) {
  return answer_text(call, status, render_object(call, kind, record, true));
}

}  // namespace fracta::devcluster
