#include "config/decode.hpp"
#include "config/field_errors.hpp"
#include "config/schema.hpp"
#include "config/tolerations.hpp"
#include "fracta/base/json.hpp"
#include "fracta/config/volumes.hpp"

namespace fracta::config {
namespace {

void move_into(FieldErrors& errors, const View& view) {
  for (Diagnostic& diagnostic : errors.take()) {
    view.report().add(diagnostic.severity, diagnostic.path, std::move(diagnostic.message));
  }
}

// Kinds and field names are checked here; what the values mean is the API server's business (`--server`, dry run).
std::shared_ptr<const Json> decode_object(const View& view, const ObjectSchema& schema) {
  if (!view.present()) return nullptr;
  FieldErrors errors;
  check_schema(view.json(), schema, view.path(), errors);
  move_into(errors, view);
  return std::make_shared<const Json>(view.json());
}

std::shared_ptr<const Json> decode_list(const View& view, const char* what) {
  if (view.present() && !view.is_list()) view.error(std::string("kubernetes config: must be a list of ") + what);
  return std::make_shared<const Json>(view.is_list() ? view.json() : Json::array());
}

}  // namespace

void decode_scheduling(const View& block, KubernetesConfig& kubernetes) {
  kubernetes.tolerations = std::make_shared<const Json>(decode_tolerations(block["tolerations"]));
  kubernetes.affinity = decode_object(block["affinity"], kAffinitySchema);
  kubernetes.pod_security_context = decode_object(block["pod_security_context"], kPodSecurityContextSchema);
  kubernetes.container_security_context = decode_object(block["container_security_context"], kSecurityContextSchema);
}

void decode_extra_volumes(const View& block, KubernetesConfig& kubernetes) {
  kubernetes.extra_volumes = decode_list(block["extra_volumes"], "Volume objects");
  kubernetes.extra_volume_mounts = decode_list(block["extra_volume_mounts"], "VolumeMount objects");
  VolumeContext context;
  context.workspace_mount_path = kubernetes.pvc_mount_path;
  context.privileged =
      kubernetes.container_security_context != nullptr && bool_at(*kubernetes.container_security_context, "privileged");
  block.report().adopt(validate_extra_volumes(*kubernetes.extra_volumes, *kubernetes.extra_volume_mounts, context),
                       block.path());
}

}  // namespace fracta::config
