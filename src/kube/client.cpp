// The verbs that send one object and get one back. Paths and parameters: kubernetes.io, "Kubernetes API concepts".
#include "fracta/kube/client.hpp"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "kube/client_impl.hpp"

namespace fracta::kube {
namespace {

std::string write_query(const WriteOptions& options, const std::string& manager, bool force) {
  net::QueryParameters query;
  if (options.dry_run) query.emplace_back("dryRun", "All");
  if (!manager.empty()) query.emplace_back("fieldManager", manager);
  switch (options.field_validation) {
    case FieldValidation::kServerDefault:
      break;
    case FieldValidation::kStrict:
      query.emplace_back("fieldValidation", "Strict");
      break;
    case FieldValidation::kWarn:
      query.emplace_back("fieldValidation", "Warn");
      break;
    case FieldValidation::kIgnore:
      query.emplace_back("fieldValidation", "Ignore");
      break;
  }
  if (force) query.emplace_back("force", "true");
  return query.empty() ? "" : "?" + net::encode_query(query);
}

std::string_view propagation_text(Propagation propagation) {
  switch (propagation) {
    case Propagation::kForeground:
      return "Foreground";
    case Propagation::kOrphan:
      return "Orphan";
    case Propagation::kBackground:
      break;
  }
  return "Background";
}

// `POST jobs "x" in namespace "y"`: what was tried, for every error that goes up.
std::string place(const Resource& resource, std::string_view ns, std::string_view name) {
  std::string out(resource.plural);
  if (!name.empty()) out += " \"" + std::string(name) + "\"";
  if (!ns.empty() && resource.namespaced) out += " in namespace \"" + std::string(ns) + "\"";
  return out;
}

// The server's own Status texts already name the object; only errors without one need the context.
Result<Json> named(Result<Json> answer, std::string_view verb, const std::string& where) {
  if (answer || !answer.error().reason.empty()) return answer;
  return answer.error().with_context(std::string(verb) + " " + where);
}

}  // namespace

Client::Client(ClientConfig config, std::shared_ptr<net::Transport> transport, const Clock& clock, Options options)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(transport), clock, std::move(options))) {}
Client::~Client() = default;

const ClientConfig& Client::config() const { return impl_->config(); }

Result<Json> Client::get(const Resource& resource, std::string_view ns, std::string_view name,
                         const CallContext& call) {
  FRACTA_TRY(check_place(resource, ns, name));
  return named(impl_->send_json(impl_->request("GET", resource.path(ns, name)), call), "getting",
               place(resource, ns, name));
}

Result<Json> Client::create(const Resource& resource, std::string_view ns, const Json& object,
                            const WriteOptions& options) {
  if (resource.namespaced) FRACTA_TRY(check_path_segment("namespace", ns));
  auto request = impl_->request("POST", resource.path(ns) + write_query(options, impl_->options().field_manager, false),
                                metadata_if(options.metadata_only));
  request.headers.add("Content-Type", "application/json");
  request.body = dump_json(object);
  return named(impl_->send_json(std::move(request), options.call), "creating",
               place(resource, ns, string_at(object, "metadata/name")));
}

Result<Json> Client::update(const Resource& resource, std::string_view ns, std::string_view name, const Json& object,
                            const WriteOptions& options) {
  FRACTA_TRY(check_place(resource, ns, name));
  auto request =
      impl_->request("PUT", resource.path(ns, name) + write_query(options, impl_->options().field_manager, false),
                     metadata_if(options.metadata_only));
  request.headers.add("Content-Type", "application/json");
  request.body = dump_json(object);
  return named(impl_->send_json(std::move(request), options.call), "updating", place(resource, ns, name));
}

Result<Json> Client::patch(const Resource& resource, std::string_view ns, std::string_view name,
                           std::string_view content_type, const Json& patch, const WriteOptions& options) {
  FRACTA_TRY(check_place(resource, ns, name));
  // Server-side apply is how a controller says "these fields are mine" (kubernetes.io, Server-Side Apply).
  const bool apply = content_type == "application/apply-patch+yaml";
  auto request =
      impl_->request("PATCH", resource.path(ns, name) + write_query(options, impl_->options().field_manager, apply),
                     metadata_if(options.metadata_only));
  request.headers.add("Content-Type", std::string(content_type));
  request.body = dump_json(patch);
  return named(impl_->send_json(std::move(request), options.call), "patching", place(resource, ns, name));
}

Result<void> Client::remove(const Resource& resource, std::string_view ns, std::string_view name,
                            const DeleteOptions& options) {
  FRACTA_TRY(check_place(resource, ns, name));
  Json body = {
      {"kind", "DeleteOptions"}, {"apiVersion", "v1"}, {"propagationPolicy", propagation_text(options.propagation)}};
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  if (!options.precondition_uid.empty()) body["preconditions"] = {{"uid", options.precondition_uid}};
  // The answer is the object, which nobody reads.
  auto request = impl_->request("DELETE", resource.path(ns, name), Shape::kMetadata);
  request.headers.add("Content-Type", "application/json");
  request.body = dump_json(body);
  auto answer = impl_->send(std::move(request), options.call);
  if (answer) return {};
  if (!answer.error().reason.empty()) return answer.error();
  return answer.error().with_context("deleting " + place(resource, ns, name));
}

Result<Json> Client::server_version(const CallContext& call) {
  return named(impl_->send_json(impl_->request("GET", "/version"), call), "asking for", "the server's version");
}

Result<Json> Client::raw(std::string_view method, const std::string& target, const std::string& body,
                         const CallContext& call) {
  constexpr std::array<std::string_view, 5> kMethods{"GET", "POST", "PUT", "PATCH", "DELETE"};
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) {
    return make_error(ErrorCode::kInvalid, "no such method");
  }
  if (target.empty() || target.front() != '/') return make_error(ErrorCode::kInvalid, "the target must begin with '/'");
  auto request = impl_->request(std::string(method), target);
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  request.body = body;
  return named(impl_->send_json(std::move(request), call), method, target);
}

}  // namespace fracta::kube
