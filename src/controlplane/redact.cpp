#include "controlplane/redact.hpp"

#include "fracta/agent/build.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::controlplane {

namespace {

constexpr const char* kRedacted = "<redacted>";

void redact_field(Json& object, const char* field, const std::string& value) {
  auto it = object.find(field);
  if (it == object.end() || !it->is_object()) return;
  for (auto& entry : *it) entry = value;
}

}  // namespace

void redact_secret(Json& object) {
  if (!object.is_object() || string_at(object, "kind") != "Secret") return;
  redact_field(object, "data", base64_encode(kRedacted));
  redact_field(object, "stringData", kRedacted);
}

std::string main_container_image(const Json& owner) {
  const auto* containers =
      find_path(owner, string_at(owner, "kind") == "Job" ? "spec/template/spec/containers" : "spec/containers");
  if (containers && containers->is_array())
    for (const auto& container : *containers)
      if (string_at(container, "name") == agent::kMainContainer) return string_at(container, "image");
  return "";
}

}  // namespace fracta::controlplane
