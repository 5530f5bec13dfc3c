#include "agent/build/env.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"

namespace fracta::agent {
namespace {

using config::EnvVar;
using config::SecretKeyRef;

EnvVar plain(std::string name, std::string value) { return {std::move(name), std::move(value), {}}; }
EnvVar secret(std::string name, std::string from, std::string key) {
  return {std::move(name), "", SecretKeyRef{std::move(from), std::move(key)}};
}

// Kubernetes' own rule (expansion.go): $$ is $, $(NAME) is the variable if there is one, all else stays.
std::string kubelet_expands(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '$') {
      out += '$';
      ++i;
    } else if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '(') {
      const auto end = text.find(')', i);
      if (end == std::string::npos) {
        out += text[i];
      } else {
        out += "<expanded>";
        i = end;
      }
    } else {
      out += text[i];
    }
  }
  return out;
}

TEST(ConvertHostEnv, PlainValues) {
  const Json json = env_json({plain("KEY", "a=b"), plain("EMPTY", "")});
  EXPECT_EQ(dump_json(json), R"([{"name":"KEY","value":"a=b"},{"name":"EMPTY","value":""}])");
}

TEST(ConvertHostEnv, SecretRef) {
  EXPECT_EQ(dump_json(env_json({secret("TOKEN", "creds", "token")})),
            R"([{"name":"TOKEN","valueFrom":{"secretKeyRef":{"key":"token","name":"creds"}}}])");
}

TEST(ConvertHostEnv, Empty) { EXPECT_EQ(dump_json(env_json({})), "[]"); }

TEST(MergeEnv, HostEnvOverwritesDuplicates) {
  const auto merged = merge_env({plain("A", "1"), plain("B", "2")}, {plain("B", "3"), plain("C", "4")});
  EXPECT_EQ(dump_json(env_json(merged)),
            R"([{"name":"A","value":"1"},{"name":"B","value":"3"},{"name":"C","value":"4"}])");
}

TEST(MergeEnv, SecretRefOverwritesPlain) {
  const auto merged = merge_env({plain("A", "1")}, {secret("A", "s", "k")});
  ASSERT_EQ(merged.size(), 1u);
  EXPECT_TRUE(merged[0].secret_ref);
  EXPECT_EQ(merged[0].value, "");
}

TEST(MergeEnv, EmptyInputs) { EXPECT_TRUE(merge_env({}, {}).empty()); }

TEST(MergeEnv, LaterBaseEntriesOverwriteInPlace) {
  const auto merged = merge_env({plain("A", "1"), plain("B", "2"), plain("A", "3")}, {});
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[0].value, "3");
}

TEST(EscapeExpansion, ArrivesAsWritten) {
  for (const std::string text :
       {"$(date)", "$$", "$$$", "a$", "$HOME", "$$(X)", "$$$(X)", "$(", "", "pid $$ in $(tmp)"}) {
    EXPECT_EQ(kubelet_expands(escape_expansion(text)), text);
  }
}

TEST(EscapeExpansion, LeavesPlainShellReadable) { EXPECT_EQ(escape_expansion("echo $HOME ${X}"), "echo $HOME ${X}"); }

}  // namespace
}  // namespace fracta::agent
