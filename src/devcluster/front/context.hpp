// One request on its way through the HTTPS front end, and the pieces every handler uses.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "devcluster/faults/effects.hpp"
#include "devcluster/server/outcome.hpp"
#include "devcluster/server/registry.hpp"
#include "devcluster/server/token_signer.hpp"
#include "devcluster/server/user.hpp"
#include "fracta/devcluster/api.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::devcluster {

// How the answer is wanted.
enum class Form { kObject, kTable, kPartial };

struct Call {
  const net::ServerRequest* http = nullptr;
  User user;
  // What the path says; `kind` is null for non-resource paths.
  const Kind* kind = nullptr;
  std::string group, version, resource, subresource, ns, name;
  std::string verb;                        // get list watch create update patch delete deletecollection
  bool watch_path = false;                 // /api/v1/watch/...
  std::shared_ptr<const Effects> effects;  // of the faults it met; may be null
  Form form = Form::kObject;
  bool yaml = false;
  std::string form_version = "v1";  // meta.k8s.io version asked for
  std::vector<std::string> warnings;

  [[nodiscard]] std::string parameter(std::string_view key) const { return http->query_parameter(key).value_or(""); }
  [[nodiscard]] bool flag(std::string_view key) const {
    const auto value = http->query_parameter(key);
    return value && (*value == "true" || *value == "1" || value->empty());
  }
};

struct Services {
  Registry* registry = nullptr;
  const TokenSigner* signer = nullptr;
  std::function<NodeServices*()> node;  // null until a node runs
  FaultBook* faults = nullptr;          // may be null
};

// front/request_info.cpp: fills kind, group, ..., verb from method and path. False: not a resource path.
bool parse_resource_path(Call& call);

// front/answers.cpp
net::ServerResponse answer_failure(const Call& call, const Failure& failure);
net::ServerResponse answer_json(const Call& call, int status, const Json& body);
net::ServerResponse answer_text(const Call& call, int status, std::string json);
// One object in the form that was asked for.
net::ServerResponse answer_record(const Call& call, int status, const Kind& kind, const RecordPtr& record);
// Accept header -> form; a failure when nothing offered is acceptable.
Outcome<Done> negotiate(Call& call);
Json partial_metadata(const Call& call, const Json& object);

// front/body.cpp: the body as an object of `type`, with field validation as asked for. The object has no defaults yet.
Outcome<Json> read_object(Call& call, const Kind& kind);
Outcome<Json> check_object(Call& call, const Kind& kind, std::string_view text);
// Only the decoding of it; the error is what is wrong with the fields.
Result<Json> decode_fields(Call& call, const Kind& kind, std::string_view text);
Outcome<Json> read_untyped(const Call& call);  // JSON or YAML, no schema
Outcome<WriteOptions> write_options(Call& call);
// front/write.cpp: path and body must agree about name and namespace; what the body leaves out is filled in.
Outcome<Done> check_place(const Call& call, Json& object);

// One file each.
net::ServerResponse serve_read(Call& call, const Services& services);  // get, list
net::ServerResponse serve_watch(Call call, const Services& services);
net::ServerResponse serve_write(Call& call, const Services& services);  // create, update, patch, delete
net::ServerResponse serve_delete(Call& call, const Services& services);
net::ServerResponse serve_patch(Call& call, const Services& services);
net::ServerResponse serve_log(Call& call, const Services& services);
net::ServerResponse serve_exec(Call& call, const Services& services);
net::ServerResponse serve_proxy(Call& call, const Services& services);
net::ServerResponse serve_attach(Call& call, const Services& services);  // pod_exec.cpp
net::ServerResponse serve_scale(Call& call, const Services& services);

// A resourceVersion parameter that is no number (front/read.cpp).
Failure bad_version(const std::string& text);
Failure bad_number(const std::string& text);
// resourceVersionMatch of list and watch.
Outcome<Done> check_match(const Call& call, std::uint64_t version);

// Selectors of list and watch.
struct Filter;
Outcome<std::shared_ptr<const Filter>> make_filter(const Call& call);
bool matches(const Filter& filter, const Kind& kind, const Json& object);
bool is_trivial(const Filter& filter);

// The object's JSON inside a watch event or answer, in the call's form.
std::string render_object(const Call& call, const Kind& kind, const RecordPtr& record, bool with_columns);
// table.cpp
Json table_of(const Call& call, const Kind& kind, const std::vector<RecordPtr>& records, const Json& list_metadata,
              bool with_columns);

}  // namespace fracta::devcluster
