#include "fracta/base/metrics.hpp"

namespace fracta {
namespace {

TEST(Metrics, TextExposition) {
  MetricsRegistry registry;
  registry.counter("a_total", "Help.", {{"code", "2\"00\n"}}).add(2);
  registry.counter("a_total", "Help.", {{"code", "2\"00\n"}}).add();
  auto& histogram = registry.histogram("b_seconds", "H.", {0.1, 1});
  histogram.observe(0.1);
  histogram.observe(5);
  registry.gauge_function("c", "G.", [] {
    return std::vector<std::pair<MetricLabels, double>>{{{{"phase", "Running"}}, 7}};
  });
  EXPECT_EQ(registry.expose(),
            "# HELP a_total Help.\n# TYPE a_total counter\na_total{code=\"2\\\"00\\n\"} 3\n"
            "# HELP b_seconds H.\n# TYPE b_seconds histogram\n"
            "b_seconds_bucket{le=\"0.1\"} 1\nb_seconds_bucket{le=\"1\"} 1\nb_seconds_bucket{le=\"+Inf\"} "
            "2\nb_seconds_sum 5.1\nb_seconds_count 2\n"
            "# HELP c G.\n# TYPE c gauge\nc{phase=\"Running\"} 7\n");
}

TEST(Metrics, ProcessFiguresAreThere) {
  MetricsRegistry registry;
  register_process_metrics(registry, "1.0", "abc");
  const std::string text = registry.expose();
  EXPECT_THAT(text, testing::HasSubstr("fracta_build_info{version=\"1.0\",commit=\"abc\"} 1"));
  EXPECT_THAT(text, testing::HasSubstr("process_resident_memory_bytes "));
}

}  // namespace
}  // namespace fracta
