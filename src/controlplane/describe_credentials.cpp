#include <nlohmann/json.hpp>

#include "fracta/controlplane/credentials.hpp"
#include "fracta/credentials/diagnosis.hpp"

namespace fracta::controlplane {
namespace {

Json to_json(const credentials::Diagnosis& diagnosis) {
  Json findings = Json::array();
  for (const auto& finding : diagnosis.findings) {
    Json one{{"kind", credentials::to_string(finding.kind)}, {"text", finding.text}};
    if (!finding.remedy.empty()) one["remedy"] = finding.remedy;
    findings.push_back(std::move(one));
  }
  return {{"runtime", diagnosis.runtime},   {"title", diagnosis.title},   {"findings", std::move(findings)},
          {"has_plan", diagnosis.has_plan}, {"helper", diagnosis.helper}, {"wants_settings", diagnosis.wants_settings},
          {"files", diagnosis.files}};
}

}  // namespace

Json describe_credentials(const config::Config& config, const std::string& runtime) {
  Json all = Json::array();
  for (const auto& [name, entry] : config.agent_runtimes)
    if (runtime.empty() && !entry.auth_profile.empty()) all.push_back(to_json(credentials::diagnose(config, name)));
  if (!runtime.empty()) all.push_back(to_json(credentials::diagnose(config, runtime)));
  return {{"runtimes", std::move(all)}};
}

}  // namespace fracta::controlplane
