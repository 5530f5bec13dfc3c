#include "devcluster/validation/go_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

std::string go_time(const std::string& rfc3339) {
  if (rfc3339.size() < 20) return "0001-01-01 00:00:00 +0000 UTC";
  std::string fraction;
  if (rfc3339[19] == '.') fraction = rfc3339.substr(19, rfc3339.find_first_not_of("0123456789", 20) - 19);
  while (!fraction.empty() && (fraction.back() == '0' || fraction.back() == '.')) fraction.pop_back();
  return fmt::format("{} {}{} +0000 UTC", rfc3339.substr(0, 10), rfc3339.substr(11, 8), fraction);
}

std::string go_plain(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  std::vector<std::string> parts;
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) parts.push_back(key + ":" + go_plain(item));
    return "map[" + join(parts, " ") + "]";
  }
  if (value.is_array()) {
    for (const Json& item : value) parts.push_back(go_plain(item));
    return "[" + join(parts, " ") + "]";
  }
  return value.is_null() ? "<nil>" : dump_json(value);
}

namespace {

std::string pointer(const Json& object, const char* field, const char* type) {
  const Json* value = find(object, field);
  return fmt::format("(*{})({})", type, value == nullptr || value->is_null() ? "nil" : "0xc000010000");
}

}  // namespace

std::string go_toleration(const Json& toleration) {
  const auto text = [&](const char* field) { return go_quote(string_at(toleration, field)); };
  return fmt::format("core.Toleration{{Key:{}, Operator:{}, Value:{}, Effect:{}, TolerationSeconds:{}}}", text("key"),
                     text("operator"), text("value"), text("effect"),
                     pointer(toleration, "tolerationSeconds", "int64"));
}

std::string go_security_context(const Json& context) {
  const auto field = [&](const char* name, const char* type) { return pointer(context, name, type); };
  return fmt::format(
      "core.SecurityContext{{Capabilities:{}, Privileged:{}, SELinuxOptions:{}, WindowsOptions:{}, RunAsUser:{}, "
      "RunAsGroup:{}, RunAsNonRoot:{}, ReadOnlyRootFilesystem:{}, AllowPrivilegeEscalation:{}, ProcMount:{}, "
      "SeccompProfile:{}}}",
      field("capabilities", "core.Capabilities"), field("privileged", "bool"),
      field("seLinuxOptions", "core.SELinuxOptions"), field("windowsOptions", "core.WindowsSecurityContextOptions"),
      field("runAsUser", "int64"), field("runAsGroup", "int64"), field("runAsNonRoot", "bool"),
      field("readOnlyRootFilesystem", "bool"), field("allowPrivilegeEscalation", "bool"),
      field("procMount", "core.ProcMountType"), field("seccompProfile", "core.SeccompProfile"));
}

std::string go_object_reference(const Json& reference) {
  const auto text = [&](const char* field) { return go_quote(string_at(reference, field)); };
  return fmt::format(
      "core.ObjectReference{{Kind:{}, Namespace:{}, Name:{}, UID:{}, APIVersion:{}, ResourceVersion:{}, FieldPath:{}}}",
      text("kind"), text("namespace"), text("name"), text("uid"), text("apiVersion"), text("resourceVersion"),
      text("fieldPath"));
}

}  // namespace fracta::devcluster
