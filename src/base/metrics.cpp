#include "fracta/base/metrics.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "fracta/base/check.hpp"

namespace fracta {

namespace {

std::string escape_label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string labels_text(const MetricLabels& labels, std::string_view extra = "") {
  std::string out;
  for (const auto& [name, value] : labels)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escape_label(value));
  if (!extra.empty()) out += fmt::format("{}{}", out.empty() ? "" : ",", extra);
  return out.empty() ? out : "{" + out + "}";
}

std::string number(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

}  // namespace

struct MetricsRegistry::Family {
  char kind;  // c counter, g gauge, h histogram, f gauge function
  std::string help;
  std::map<MetricLabels, std::unique_ptr<Counter>> counters;
  std::map<MetricLabels, std::unique_ptr<Gauge>> gauges;
  std::map<MetricLabels, std::unique_ptr<Histogram>> histograms;
  std::function<std::vector<std::pair<MetricLabels, double>>()> read;

  void expose(const std::string& name, std::string& out) const;
};

Histogram::Histogram(std::vector<double> upper_bounds)
    : bounds_(std::move(upper_bounds)), counts_(bounds_.size() + 1) {}

void Histogram::observe(double v) {
  const auto slot = static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), v) - bounds_.begin());
  std::lock_guard lock(mutex_);
  ++counts_[slot];
  sum_ += v;
}

Histogram::Snapshot Histogram::snapshot() const {
  std::lock_guard lock(mutex_);
  Snapshot out{bounds_, {}, sum_};
  std::uint64_t total = 0;
  for (const auto count : counts_) out.cumulative.push_back(total += count);
  return out;
}

MetricsRegistry::Family& MetricsRegistry::family(std::string_view name, std::string_view help, char kind) {
  auto it = families_.find(name);
  if (it == families_.end()) {
    auto made = std::make_shared<Family>();
    made->kind = kind;
    made->help = help;
    it = families_.emplace(std::string(name), std::move(made)).first;
  }
  check(it->second->kind == kind, "one metric name used for two kinds");
  return *it->second;
}

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help, MetricLabels labels) {
  std::lock_guard lock(mutex_);
  auto& slot = family(name, help, 'c').counters[std::move(labels)];
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, MetricLabels labels) {
  std::lock_guard lock(mutex_);
  auto& slot = family(name, help, 'g').gauges[std::move(labels)];
  if (!slot) slot = std::make_unique<Gauge>();
  return *slot;
}

Histogram& MetricsRegistry::histogram(std::string_view name, std::string_view help, std::vector<double> upper_bounds,
                                      MetricLabels labels) {
  std::lock_guard lock(mutex_);
  auto& slot = family(name, help, 'h').histograms[std::move(labels)];
  if (!slot) slot = std::make_unique<Histogram>(std::move(upper_bounds));
  return *slot;
}

void MetricsRegistry::gauge_function(std::string_view name, std::string_view help,
                                     std::function<std::vector<std::pair<MetricLabels, double>>()> read) {
  std::lock_guard lock(mutex_);
  family(name, help, 'f').read = std::move(read);
}

void MetricsRegistry::Family::expose(const std::string& name, std::string& out) const {
  const std::string_view type = kind == 'c' ? "counter" : kind == 'h' ? "histogram" : "gauge";
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  for (const auto& [labels, counter] : counters)
    out += fmt::format("{}{} {}\n", name, labels_text(labels), number(counter->value()));
  for (const auto& [labels, gauge] : gauges)
    out += fmt::format("{}{} {}\n", name, labels_text(labels), number(gauge->value()));
  if (read)
    for (const auto& [labels, value] : read())
      out += fmt::format("{}{} {}\n", name, labels_text(labels), number(value));
  for (const auto& [labels, histogram] : histograms) {
    const auto shot = histogram->snapshot();
    for (std::size_t i = 0; i < shot.cumulative.size(); ++i) {
      const double bound = i < shot.upper_bounds.size() ? shot.upper_bounds[i] : INFINITY;
      out += fmt::format("{}_bucket{} {}\n", name, labels_text(labels, fmt::format("le=\"{}\"", number(bound))),
                         shot.cumulative[i]);
    }
    out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, labels_text(labels), number(shot.sum), name,
                       labels_text(labels), shot.cumulative.back());
  }
}

std::string MetricsRegistry::expose() const {
  // Families are shared out of the lock first: a gauge function may take the lock of the part it reads from.
  std::vector<std::pair<std::string, std::shared_ptr<Family>>> families;
  {
    std::lock_guard lock(mutex_);
    families.assign(families_.begin(), families_.end());
  }
  std::string out;
  for (const auto& [name, family] : families) {
    if (family->kind == 'f') {
      family->expose(name, out);
    } else {
      std::lock_guard lock(mutex_);
      family->expose(name, out);
    }
  }
  return out;
}

void register_process_metrics(MetricsRegistry& registry, std::string_view version, std::string_view commit) {
  using Series = std::vector<std::pair<MetricLabels, double>>;
  registry
      .gauge("fracta_build_info", "Constant 1, labelled with the version and commit of this program.",
             {{"version", std::string(version)}, {"commit", std::string(commit)}})
      .set(1);
  registry.gauge("process_start_time_seconds", "Start time of the process since the epoch, in seconds.")
      .set(static_cast<double>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
  registry.gauge_function("process_cpu_seconds_total", "User and system CPU time spent, in seconds.", [] {
    std::timespec used{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return Series{{{}, static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9}};
  });
  registry.gauge_function("process_resident_memory_bytes", "Resident memory, in bytes.", [] {
    std::ifstream statm("/proc/self/statm");
    double total = 0, resident = 0;
    statm >> total >> resident;
    return Series{{{}, resident * static_cast<double>(sysconf(_SC_PAGESIZE))}};
  });
  registry.gauge_function("process_open_fds", "Open file descriptors.", [] {
    std::error_code ignored;
    const auto entries = std::filesystem::directory_iterator("/proc/self/fd", ignored);
    return Series{{{}, static_cast<double>(std::distance(begin(entries), end(entries)))}};
  });
}

}  // namespace fracta
