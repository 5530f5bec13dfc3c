// The change the project starts from, its test plan word by word: a kubeconfig is registered once, is found by its
// provider, reaches the agent as a private file with KUBECONFIG set, its MCP server works on that cluster, and nothing
// is left of it.
#include "e2e/stored_credentials_world.hpp"

namespace fracta::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The pinned server, where it is installed.
std::string mcp_server() {
  if (const char* given = std::getenv("FRACTA_MCP_SERVER"); given != nullptr && *given != '\0') return given;
  const char* path = std::getenv("PATH");
  for (const char* name : {"kubernetes-mcp-server", "kubernetes-mcp-server-linux-amd64"})
    if (auto found = find_on_path(name, path != nullptr ? path : ""); !found.empty()) return found;
  return "";
}

class Kubeconfig : public StoredCredentialsWorld {};

// What the agent does with its credential; each step leaves its result in /tmp.
constexpr const char* kAgent = R"(
echo "KUBECONFIG=$KUBECONFIG IDS=$CREDENTIAL_IDS"
stat -c '%a %F' "$KUBECONFIG" > /tmp/stat
cp .mcp.json /tmp/mcp.json
cat "$KUBECONFIG"
if [ -x /tools/kubernetes-mcp-server ]; then
  mkfifo /tmp/in
  kubernetes-mcp-server --kubeconfig "$KUBECONFIG" --disable-multi-cluster < /tmp/in > /tmp/mcp.out 2> /tmp/mcp.err &
  exec 3> /tmp/in
  echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}' >&3
  until grep -q '"id":1' /tmp/mcp.out; do sleep 0.1; done
  echo '{"jsonrpc":"2.0","method":"notifications/initialized"}' >&3
  echo '{"jsonrpc":"2.0","id":2,"method":"tools/list"}' >&3
  echo '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"pods_list","arguments":{}}}' >&3
  until grep -q '"id":3' /tmp/mcp.out; do sleep 0.1; done
  exec 3>&-
fi
echo ready
until grep -q rotated-marker "$KUBECONFIG"; do sleep 0.2; done
stat -c '%a' "$KUBECONFIG" > /tmp/stat2
echo done
)";

TEST_F(Kubeconfig, TheSeedsTestPlan) {
  const std::string server = mcp_server();
  if (server.empty()) {
    std::cerr
        << "\n*** kubernetes-mcp-server is not installed (FRACTA_MCP_SERVER, or on PATH): the steps that talk to it "
           "are left out. `npm install kubernetes-mcp-server@0.0.67` has it. ***\n\n";
  } else {
    std::filesystem::copy_file(server, path("tools/kubernetes-mcp-server"));
    chmod(path("tools/kubernetes-mcp-server").c_str(), 0755);
  }
  start_remote();
  ASSERT_EQ(remote({"create", "namespace", "far-away"}).exit_code, 0);
  ASSERT_EQ(remote({"-n", "far-away", "run", "remote-pod", "--image", "x", "--", "sleep", "600"}).exit_code, 0);

  // 1. Create a kubeconfig credential.
  const std::string text = read_file(path("remote.kubeconfig")).value_or("");
  const std::string id = create_credential("remote", "kubeconfig", path("remote.kubeconfig"));
  ASSERT_EQ(id.size(), 27u);
  // 2. It appears in the list by its provider.
  const auto listed = fracta({"credential", "list", "--provider", "kubeconfig"});
  EXPECT_THAT(listed.standard_output,
              AllOf(HasSubstr(id), HasSubstr("remote"), Not(HasSubstr("certificate-authority"))));
  EXPECT_THAT(fracta({"credential", "list", "--provider", "github"}).standard_output, Not(HasSubstr(id)));

  // 3. An agent with it has the private file and KUBECONFIG.
  spawn({"k", "--credential", "remote", "--", "sh", "-c", kAgent});
  ASSERT_TRUE(eventually([&] { return log_of("k").find("ready\n") != std::string::npos; }, std::chrono::seconds{60}))
      << log_of("k") << read_tmp("mcp.err");
  EXPECT_THAT(log_of("k"), AllOf(HasSubstr("KUBECONFIG=/tmp/.ambient_kubeconfig IDS={\"kubeconfig\":\"" + id + "\"}\n"),
                                 HasSubstr("fracta: credential \"remote\" (kubeconfig): /tmp/.ambient_kubeconfig, "
                                           "KUBECONFIG\n")));
  EXPECT_EQ(read_tmp("stat"), "600 regular file\n");
  EXPECT_EQ(read_tmp(".ambient_kubeconfig"), text);
  EXPECT_THAT(fracta({"get", "k", "-o", "json"}).standard_output, HasSubstr(id));

  // 4. The OpenShift MCP server starts and works on the remote cluster.
  EXPECT_EQ(parse_json(read_tmp("mcp.json")).value_or(Json())["mcpServers"]["openshift"]["args"],
            Json({"--kubeconfig", "/tmp/.ambient_kubeconfig", "--disable-multi-cluster"}));
  if (!server.empty()) {
    EXPECT_THAT(read_tmp("mcp.out"), AllOf(HasSubstr("\"protocolVersion\""), HasSubstr("pods_list_in_namespace"),
                                           HasSubstr("remote-pod"), HasSubstr("far-away")));
  }

  // A rotation reaches the running agent.
  std::ofstream(path("rotated.kubeconfig")) << text << "# rotated-marker\n";
  const auto updated = fracta({"credential", "update", id, "--token", "@" + path("rotated.kubeconfig")});
  ASSERT_EQ(updated.exit_code, 0) << updated.standard_error;
  ASSERT_TRUE(eventually([&] { return !read_tmp("stat2").empty(); }, std::chrono::seconds{60})) << log_of("k");
  EXPECT_EQ(read_tmp("stat2"), "600\n");

  // 5. Nothing is left.
  EXPECT_EQ(wait_for_end("k"), 0) << log_of("k");
  EXPECT_THAT(left(), IsEmpty());
  // The agent printed the whole file; people see no secret of it.
  const Json kubeconfig =
      parse_json(
          kubectl({"--kubeconfig", path("remote.kubeconfig"), "config", "view", "--raw", "-o", "json"}).standard_output)
          .value_or(Json());
  const std::string seen = log_of("k");
  EXPECT_THAT(seen, HasSubstr("current-context"));
  for (const auto& [key, value] : kubeconfig["users"][0]["user"].items())
    if (value.is_string() && key != "client-certificate-data") {
      EXPECT_THAT(seen, Not(HasSubstr(value.get<std::string>()))) << key;
    }
}

TEST_F(Kubeconfig, AKilledAgentLeavesNothing) {
  start_remote();
  create_credential("remote", "kubeconfig", path("remote.kubeconfig"));
  spawn({"k", "--credential", "remote", "--", "sh", "-c", "echo up; while :; do sleep 0.1; done"});
  ASSERT_TRUE(eventually([&] { return !read_tmp(".ambient_kubeconfig").empty(); })) << log_of("k");
  ASSERT_EQ(fracta({"kill", "k"}).exit_code, 0);
  EXPECT_TRUE(eventually([&] { return left().empty(); })) << left().front();
}

TEST_F(Kubeconfig, ADeletedCredentialIsTakenFromTheRunningAgent) {
  start_remote();
  const std::string id = create_credential("remote", "kubeconfig", path("remote.kubeconfig"));
  spawn({"k", "--credential", "remote", "--", "sh", "-c",
         "echo up; while [ -e \"$KUBECONFIG\" ]; do sleep 0.2; done; echo taken"});
  ASSERT_TRUE(eventually([&] { return !read_tmp(".ambient_kubeconfig").empty(); })) << log_of("k");
  const auto refused = fracta({"credential", "delete", id, "--confirm"});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.standard_error, HasSubstr("in use by agent k"));
  ASSERT_EQ(fracta({"credential", "delete", id, "--confirm", "--force"}).exit_code, 0);
  EXPECT_EQ(wait_for_end("k"), 0) << log_of("k");
  EXPECT_THAT(log_of("k"), AllOf(HasSubstr("taken away: "), HasSubstr("taken\n")));
}

TEST_F(Kubeconfig, MissingAndConflictingOnesAreErrorsBeforeAnythingIsCreated) {
  start_remote();
  create_credential("one", "kubeconfig", path("remote.kubeconfig"));
  create_credential("two", "kubeconfig", path("remote.kubeconfig"));
  const auto missing = fracta({"spawn", "a", "--credential", "no-such", "--", "true"});
  EXPECT_NE(missing.exit_code, 0);
  EXPECT_THAT(missing.standard_error, HasSubstr("credential \"no-such\" (asked for by this spawn) does not exist"));
  const auto both = fracta({"spawn", "a", "--credential", "one", "--credential", "two", "--", "true"});
  EXPECT_NE(both.exit_code, 0);
  EXPECT_THAT(both.standard_error, HasSubstr("\"one\" and \"two\" are both kubeconfig credentials"));
  EXPECT_EQ(kubectl_n({"get", "jobs", "-o", "name"}).standard_output, "");
}

TEST_F(Kubeconfig, AnAgentThatCannotHaveItsCredentialSaysWhichAndWhy) {
  start_remote();
  const std::string id = create_credential("remote", "kubeconfig", path("remote.kubeconfig"));
  // The place is taken by a directory.
  std::filesystem::create_directories(in_tmp(".ambient_kubeconfig"));
  spawn({"k", "--credential", "remote", "--", "echo", "started"});
  EXPECT_NE(wait_for_end("k"), 0);
  EXPECT_THAT(log_of("k"), Not(HasSubstr("started")));
  const Json agent = parse_json(fracta({"get", "k", "-o", "json"}).standard_output).value_or(Json());
  EXPECT_EQ(int_at(agent, "exit_code"), 125) << agent.dump();
  EXPECT_THAT(
      string_at(agent, "message"),
      AllOf(HasSubstr("credential \"remote\" (kubeconfig): /tmp/.ambient_kubeconfig"), HasSubstr("is a directory")));
}

}  // namespace
}  // namespace fracta::e2e
