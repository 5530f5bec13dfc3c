#include "config/tolerations.hpp"

#include "config/field_errors.hpp"
#include "config/schema.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

// "key=value:Effect", "key:Effect", "key=value", "key"; without an effect every effect is meant, as in Kubernetes.
Json from_text(const std::string& text) {
  Json toleration = Json::object();
  std::string rest = text;
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string::npos) {
    toleration["effect"] = rest.substr(colon + 1);
    rest.resize(colon);
  }
  const std::size_t equals = rest.find('=');
  toleration["key"] = rest.substr(0, equals);
  toleration["operator"] = equals == std::string::npos ? "Exists" : "Equal";
  if (equals != std::string::npos) toleration["value"] = rest.substr(equals + 1);
  return toleration;
}

// The rules of ValidateTolerations (pkg/apis/core/validation).
void check_toleration(const Json& toleration, const std::string& path, FieldErrors& errors) {
  const std::string key = string_at(toleration, "key");
  const std::string op = string_at(toleration, "operator");
  const std::string value = string_at(toleration, "value");
  const std::string effect = string_at(toleration, "effect");
  const bool any_key = key.empty();
  if (!any_key) errors.invalid_each(path + ".key", key, qualified_name_errors(key));
  if (any_key && op != "Exists")
    errors.invalid(path + ".operator", op,
                   "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
  if (find(toleration, "tolerationSeconds") != nullptr && effect != "NoExecute") {
    errors.invalid(path + ".effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  if (op.empty() || op == "Equal") {
    errors.invalid_each(path + ".operator", value, label_value_errors(value));
  } else if (op == "Exists") {
    if (!value.empty()) errors.invalid(path + ".operator", value, "value must be empty when `operator` is 'Exists'");
  } else {
    errors.not_supported(path + ".operator", op, {"Equal", "Exists"});
  }
  if (!effect.empty() && effect != "NoSchedule" && effect != "PreferNoSchedule" && effect != "NoExecute") {
    errors.not_supported(path + ".effect", effect, {"NoSchedule", "PreferNoSchedule", "NoExecute"});
  }
}

}  // namespace

Json decode_tolerations(const View& view) {
  Json result = Json::array();
  if (view.present() && !view.is_list()) {
    view.error("kubernetes config: must be a list of texts (key=value:Effect) or Toleration objects");
  }
  for (const View& item : view.items()) {
    FieldErrors errors;
    const Json toleration = item.is_map() ? item.json() : from_text(item.text());
    // Paths are those of the document: a text has no fields.
    const bool fits = check_schema(toleration, kTolerationSchema, item.path(), errors);
    if (fits) check_toleration(toleration, item.path(), errors);
    for (Diagnostic& diagnostic : errors.take()) {
      view.report().add(diagnostic.severity, item.is_map() ? diagnostic.path : item.path(),
                        std::move(diagnostic.message));
    }
    result.push_back(toleration);
  }
  return result;
}

}  // namespace fracta::config
