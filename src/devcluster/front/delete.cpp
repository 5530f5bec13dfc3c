// delete and deletecollection.
#include <fmt/format.h>

#include "devcluster/front/context.hpp"
#include "devcluster/schema/decode.hpp"
#include "devcluster/schema/json_error.hpp"
#include "devcluster/server/stored_form.hpp"
#include "devcluster/server/strategy.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

Outcome<DeleteOptions> read_options(Call& call) {
  Json object = Json::object();
  if (!call.http->body.empty()) {
    auto untyped = read_untyped(call);
    if (!untyped.ok()) {
      const std::string why = json_syntax_error(call.http->body);
      if (untyped.failure().code != 400 || why.empty()) return untyped.failure();
      return Failure{500, "", "couldn't get version/kind; json parse error: " + why, Json()};
    }
    if (const std::string kind = string_at(*untyped, "kind"); !kind.empty() && kind != "DeleteOptions") {
      return Failure{500, "",
                     fmt::format("no kind \"{}\" is registered for version \"{}\" in scheme "
                                 "\"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27\"",
                                 kind, string_at(*untyped, "apiVersion")),
                     Json()};
    }
    auto decoded = decode_object(dump_json(*untyped), *schema().find("meta.DeleteOptions"));
    if (!decoded) return bad_request(decoded.error().message);
    object = std::move(decoded->object);
  } else {
    if (const auto grace = call.http->query_parameter("gracePeriodSeconds")) {
      const auto seconds = parse_int(*grace);
      if (!seconds) return bad_request(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", *grace));
      object["gracePeriodSeconds"] = *seconds;
    }
    if (const auto policy = call.http->query_parameter("propagationPolicy")) object["propagationPolicy"] = *policy;
    if (const auto orphan = call.http->query_parameter("orphanDependents"))
      object["orphanDependents"] = *orphan == "true";
    if (const auto dry_run = call.http->query_parameter("dryRun")) object["dryRun"] = Json::array({*dry_run});
  }
  DeleteOptions options;
  FieldErrors errors;
  options.grace_period_seconds = int_at(object, "gracePeriodSeconds");
  options.precondition_uid = string_at(object, "preconditions/uid");
  options.precondition_version = string_at(object, "preconditions/resourceVersion");
  options.propagation = string_at(object, "propagationPolicy");
  if (!options.propagation.empty() && options.propagation != "Orphan" && options.propagation != "Background" &&
      options.propagation != "Foreground") {
    errors.not_supported("propagationPolicy", options.propagation, {"Foreground", "Background", "Orphan", "nil"});
  }
  if (object.contains("orphanDependents") && !options.propagation.empty())
    errors.invalid("propagationPolicy", options.propagation,
                   "orphanDependents and deletionPropagation cannot be both set");
  if (object.contains("orphanDependents") && options.propagation.empty())
    options.propagation = bool_at(object, "orphanDependents") ? "Orphan" : "Background";
  if (const Json* dry_run = find(object, "dryRun"); dry_run != nullptr && !dry_run->empty()) {
    options.dry_run = true;
    if (*dry_run != Json::array({"All"})) errors.not_supported_text("dryRun", go_strings(*dry_run), {"All"});
  }
  if (!errors.empty()) {
    Kind kind;
    kind.group = "meta.k8s.io";
    kind.kind = "DeleteOptions";
    return errors.to_failure(kind, "");
  }
  return options;
}

Json deleted_status(const Kind& kind, const RecordPtr& record) {
  Json details = {{"name", string_at(record->object, "metadata/name")},
                  {"kind", kind.plural},
                  {"uid", string_at(record->object, "metadata/uid")}};
  if (!kind.group.empty()) details["group"] = kind.group;
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", Json::object()},
          {"status", "Success"},
          {"details", details}};
}

// The namespace life cycle's immortals.
bool is_protected(const Call& call) {
  return call.resource == "namespaces" && call.group.empty() &&
         (call.name == "default" || call.name == "kube-system" || call.name == "kube-public");
}

net::ServerResponse serve_one(Call& call, const Services& services, const DeleteOptions& options) {
  if (is_protected(call))
    return answer_failure(call, forbidden(*call.kind, call.name, "this namespace may not be deleted"));
  auto deleted = services.registry->remove(*call.kind, call.kind->namespaced ? call.ns : "", call.name, options);
  if (!deleted.ok()) return answer_failure(call, deleted.failure());
  if (!deleted->gone || returns_deleted_object(*call.kind))
    return answer_record(call, 200, *call.kind, deleted->record);
  Call plain = call;
  plain.form = Form::kObject;
  return answer_json(plain, 200, deleted_status(*call.kind, deleted->record));
}

net::ServerResponse serve_collection(Call& call, const Services& services, const DeleteOptions& options) {
  auto filter = make_filter(call);
  if (!filter.ok()) return answer_failure(call, filter.failure());
  const std::string prefix = call.kind->namespaced && !call.ns.empty() ? call.ns + "/" : "";
  const auto snapshot = services.registry->store().list(call.kind->storage(), prefix);
  std::string items;
  for (const auto& [key, record] : snapshot->records) {
    if (!matches(**filter, *call.kind, record->object)) continue;
    auto deleted = services.registry->remove(*call.kind, string_at(record->object, "metadata/namespace"),
                                             string_at(record->object, "metadata/name"), options);
    if (!deleted.ok()) {
      if (deleted.failure().code == 404) continue;  // somebody else was faster
      return answer_failure(call, deleted.failure());
    }
    if (!items.empty()) items += ',';
    items += seen_as(*call.kind, deleted->record)->body();
  }
  return answer_text(
      call, 200,
      fmt::format(
          "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{{\"resourceVersion\":\"{}\"}},\"items\":[{}]}}",
          call.kind->kind, call.kind->api_version(), snapshot->version, items));
}

}  // namespace

net::ServerResponse serve_delete(Call& call, const Services& services) {
  auto options = read_options(call);
  if (!options.ok()) return answer_failure(call, options.failure());
  if (call.resource == "jobs" && options->propagation.empty()) {
    call.warnings.emplace_back(
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or "
        "set propagationPolicy=Orphan to suppress this warning");
  }
  return call.name.empty() ? serve_collection(call, services, *options) : serve_one(call, services, *options);
}

}  // namespace fracta::devcluster
