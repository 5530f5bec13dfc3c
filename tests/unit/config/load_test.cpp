#include "fracta/config/load.hpp"

#include "unit/config/helpers.hpp"

namespace fracta::config {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Load, DefaultsAreUpstreams) {
  const Config config = clean("");
  EXPECT_EQ(config.profile, "kubernetes");
  EXPECT_EQ(config.backend, "kubernetes");
  EXPECT_EQ(config.state_driver, "sqlite");
  EXPECT_EQ(config.sqlite_path, ".fracta/state.db");
  EXPECT_EQ(config.queue_workers, 2);
  EXPECT_EQ(config.queue_lease_timeout, minutes{30});
  EXPECT_EQ(config.reaper_interval, seconds{30});
  EXPECT_EQ(config.reaper_max_age.count(), 0);
  EXPECT_EQ(config.heartbeat_interval, seconds{15});
  EXPECT_EQ(config.ring_size, 100);
  EXPECT_EQ(config.control_plane_client_mode, "auto");
  EXPECT_EQ(config.default_mode, "batch");
}

TEST(Load, StateAndQueue) {
  const Config config = clean(R"(
runtime:
  state: {driver: postgres, postgres: {dsn: "postgres://u:${PW}@h/db", max_conns: 20, min_conns: 2, max_conn_lifetime: 30m, max_conn_idle_time: 5m}}
  queue: {backend: postgres, workers: 4, lease_timeout: 1h}
reaper: {interval: 1m, max_age: 4h, max_concurrent: 7}
)",
                              {{"PW", "pw"}});
  EXPECT_EQ(config.postgres.dsn, "postgres://u:pw@h/db");
  EXPECT_EQ(config.postgres.max_conn_lifetime, minutes{30});
  EXPECT_EQ(config.queue_workers, 4);
  EXPECT_EQ(config.reaper_max_age, std::chrono::hours{4});
  EXPECT_EQ(config.reaper_max_concurrent, 7);
}

TEST(Load, LegacyStatePath) {
  EXPECT_EQ(load("runtime: {state: {path: /old}}").config->sqlite_path, "/old");
  EXPECT_EQ(load("runtime: {state: {path: /old, sqlite: {path: /new}}}").config->sqlite_path, "/new");
}

TEST(Load, ValuesAreCheckedInUpstreamsWords) {
  EXPECT_THAT(all_text(load("runtime: {backend: docker}")), HasSubstr("unknown runtime backend: \"docker\""));
  EXPECT_THAT(all_text(load("runtime: {state: {driver: mysql}}")), HasSubstr("unknown state driver: \"mysql\""));
  EXPECT_THAT(all_text(load("runtime: {queue: {backend: kafka}}")), HasSubstr("unknown queue backend: \"kafka\""));
  EXPECT_THAT(all_text(load("runtime: {queue: {backend: postgres}}")),
              HasSubstr("postgres queue requires postgres state driver"));
  EXPECT_THAT(all_text(load("reaper: {interval: soon}")),
              HasSubstr("invalid duration \"soon\": time: invalid duration"));
  EXPECT_THAT(all_text(load("reaper: {interval: 30}")), HasSubstr("time: missing unit in duration"));
  EXPECT_THAT(all_text(load("runtime: {state: {postgres: {max_conn_lifetime: x}}}")),
              HasSubstr("invalid max_conn_lifetime \"x\": "));
  EXPECT_THAT(all_text(load("agents: {agent_runtimes: {a: {model_tiers: {huge: m}}}}")),
              HasSubstr("invalid tier \"huge\": must be one of [heavy medium light]"));
}

TEST(Load, TheLocalBackendIsAnsweredWithWhatToUseInstead) {
  for (const char* text : {"runtime: {backend: local}", "profile: local"}) {
    const LoadResult result = load(text);
    EXPECT_FALSE(result.config.has_value());
    EXPECT_THAT(all_text(result), HasSubstr("fracta devcluster"));
  }
  EXPECT_EQ(clean("{profile: local, runtime: {backend: kubernetes}}").backend, "kubernetes");
}

TEST(Load, ACommandNobodyRunsWarns) {
  EXPECT_THAT(all_text(load("agents: {agent_runtimes: {codex: {command: [codex, --fast]}}}")),
              HasSubstr("agent_runtimes.codex.command: not used: adapter \"codex\" makes its own command line"));
}

TEST(Load, UnknownKeysWarnWithASuggestion) {
  const LoadResult result =
      load("runtme: {}\nruntime: {kubernetes: {namspace: x}}\nagents: {agent_runtimes: {a: {modle: m}}}\n");
  EXPECT_TRUE(result.config.has_value());
  EXPECT_THAT(
      lines(result),
      ElementsAre("1:1: warning: runtme: unknown key \"runtme\"; did you mean \"runtime\"?",
                  "2:24: warning: runtime.kubernetes.namspace: unknown key \"namspace\"; did you mean \"namespace\"?",
                  "3:31: warning: agents.agent_runtimes.a.modle: unknown key \"modle\"; did you mean \"model\"?"));
}

TEST(Load, UnknownKeysAreErrorsWhenStrict) {
  EXPECT_FALSE(load("runtme: {}", {}, true).config.has_value());
  EXPECT_TRUE(load("runtime: {}", {}, true).config.has_value());
}

TEST(Load, KindsAreChecked) {
  EXPECT_THAT(lines(load("runtime: []")), ElementsAre("1:1: runtime: must be a map of keys, not a list"));
  EXPECT_THAT(all_text(load("just a text")), HasSubstr("must be a map of keys, not a text"));
  EXPECT_THAT(all_text(load("agents: {agent_runtimes: {a: {kubernetes: {env: {A: b}}}}}")),
              HasSubstr("must be a list, not a map"));
  EXPECT_THAT(all_text(load("runtime: {queue: {workers: two}}")), HasSubstr("must be a whole number, not a text"));
  EXPECT_THAT(all_text(load("runtime: {queue: {workers: 99999999999}}")), HasSubstr("out of range"));
  EXPECT_THAT(all_text(load("runtime: {kubernetes: {automount_service_account_token: 'true'}}")),
              HasSubstr("must be true or false, not a text"));
}

TEST(Load, AllProblemsAreReportedInTheOrderOfTheFile) {
  const LoadResult result = load(
      "reaper: {interval: x}\nruntime: {state: {driver: y}, kubernetes: {image_pull_policy: z}}\nlogging: {level: "
      "loud}\n");
  EXPECT_THAT(lines(result),
              ElementsAre(StartsWith("1:10: "), StartsWith("2:19: "), StartsWith("2:44: "), StartsWith("3:11: ")));
}

TEST(Load, ThePageOfASyntaxErrorIsNamed) {
  EXPECT_THAT(lines(load("a: 1\nb: [1, 2\nc: 3\n")), ElementsAre(StartsWith("3:")));
  EXPECT_THAT(lines(load("runtime: {}\nruntime: {}\n")), ElementsAre("2:1: key \"runtime\" is already set on line 1"));
  EXPECT_THAT(lines(load("a: \"x\nb: 1\n")), ElementsAre(HasSubstr("never closed")));
}

TEST(Load, FilesThatCannotBeReadAreErrors) {
  const LoadResult result = load_file("/nonexistent/fracta.yaml");
  EXPECT_FALSE(result.config.has_value());
  EXPECT_THAT(all_text(result), HasSubstr("reading config /nonexistent/fracta.yaml"));
}

TEST(Load, ThereIsAHashOfWhatIsInEffect) {
  EXPECT_EQ(clean("").hash, clean("runtime: {kubernetes: {namespace: fracta}}").hash);
  EXPECT_NE(clean("").hash, clean("runtime: {kubernetes: {namespace: other}}").hash);
  EXPECT_EQ((*clean("").effective)["runtime"]["kubernetes"]["namespace"], "fracta");
}

TEST(Load, DiagnosticsForMachines) {
  const Diagnostic diagnostic{Severity::kWarning, {3, 7}, "a.b", "odd"};
  EXPECT_EQ(diagnostic_to_json("f.yaml", diagnostic),
            Json::parse(R"({"file":"f.yaml","line":3,"column":7,"severity":"warning","path":"a.b","message":"odd"})"));
  EXPECT_EQ(format_diagnostic("f.yaml", diagnostic), "f.yaml:3:7: warning: a.b: odd");
}

}  // namespace
}  // namespace fracta::config
