// A Google Cloud service-account key for models on Vertex AI.
#include "credentials/providers/common.hpp"

namespace fracta::credentials {
namespace {

Result<Inspection> inspect_vertex(const StoredCredential& credential, const ValidationOptions&) {
  const auto key = parse_google_key(credential.token);
  if (!key) return key.error();
  if (key->type == "service_account" && key->project.empty())
    return invalid_field("token", "is a service-account key without \"project_id\"");
  FRACTA_TRY(check_email(credential.email, false));
  return Inspection{};
}

Result<Delivery> deliver_vertex(const StoredCredential& credential, const DeliveryPaths& paths) {
  const auto key = parse_google_key(credential.token);
  if (!key) return key.error();
  const std::string path = paths.directory + "/.ambient_vertex_credentials.json";
  Delivery out;
  out.files.push_back({path, credential.token});
  out.env["GOOGLE_APPLICATION_CREDENTIALS"] = path;
  if (!key->project.empty()) {
    out.env["GOOGLE_CLOUD_PROJECT"] = key->project;
    out.env["ANTHROPIC_VERTEX_PROJECT_ID"] = key->project;
  }
  out.secrets = secrets_in(credential);
  return out;
}

}  // namespace

const Provider& vertex_provider() {
  static const Provider provider{
      "vertex",       "Google Cloud service-account key (JSON) for Vertex AI",
      {"token"},      {"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "ANTHROPIC_VERTEX_PROJECT_ID"},
      inspect_vertex, deliver_vertex,
      nullptr};
  return provider;
}

}  // namespace fracta::credentials
