#include "lab/report/load_summary.hpp"

#include <algorithm>
#include <cmath>

#include "lab/core/duration.hpp"
#include "lab/experiment/load_others.hpp"
#include "lab/report/load_bars.hpp"

namespace lab {

namespace {

constexpr Nanos kMedianLimit = 100 * kMicrosecond;
constexpr Nanos kTailLimit = kMillisecond;

LoadFigures figures_of(Distribution& values) {
  LoadFigures figures;
  figures.n = values.size();
  if (figures.n == 0) return figures;
  figures.min = seconds(values.min());
  figures.max = seconds(values.max());
  figures.median = seconds(values.quantile(0.5));
  figures.p90 = seconds(values.supported_quantile(0.90));
  figures.p95 = seconds(values.supported_quantile(0.95));
  figures.p99 = seconds(values.supported_quantile(0.99));
  if (!figures.p90) {
    for (const Nanos value : values.exact()) figures.all.push_back(seconds(value));
    std::sort(figures.all.begin(), figures.all.end());
  }
  return figures;
}

double span_of(const LoadRequestOptions& options, const LoadTotals& totals) {
  const EnginePlan& plan = options.plan.engine;
  const Nanos last_end = totals.counts.last_end;
  if (totals.interrupted) return seconds(last_end);
  // n requests at a rate take n periods: the last one's is over when the next would be due.
  if (has_rate(plan.arrivals) && plan.planned >= 0)
    return seconds(
        std::max(last_end, std::min(plan.duration, plan.curve.when(static_cast<double>(plan.planned)))));
  // Who found no connection had its turn; the rest of the unsent ran out of time.
  const Books books = totals.counts.books();
  const bool late = books.unsent > books.failed() - (books.sent - books.ok - books.unfinished);
  const bool by_time = plan.duration != kNever && (plan.planned < 0 || late);
  return seconds(std::max<Nanos>(by_time ? plan.duration : 0, last_end));
}

class Remarks {
 public:
  Remarks(const EnginePlan& plan, LoadTotals& totals, LoadReport& report)
      : plan_(plan), totals_(totals), counts_(totals.counts), report_(report) {}

  void add_all() {
    for (const std::string& warning : totals_.warnings) warn(warning);
    about_the_generator();
    about_errors();
    about_connections();
    about_statuses();
    if (!report_.exact) {
      note(fmt::format(
          "beyond {} requests latencies are counted in a histogram: percentiles are within {:.2g} %",
          Distribution::kMostExact, report_.histogram_error * 100));
    }
  }

 private:
  void note(const std::string& text) { report_.remarks.push_back({NoteKind::note, text}); }
  void warn(const std::string& text) { report_.remarks.push_back({NoteKind::warn, text}); }
  std::int64_t errors(LoadError kind) const { return counts_.errors[static_cast<std::size_t>(kind)]; }

  void about_the_generator() {
    if (report_.burst_skew_s && counts_.sent > 1)
      note("the burst left within " + format_duration(to_nanos(*report_.burst_skew_s)));
    if (plan_.arrivals == Arrivals::burst || plan_.arrivals == Arrivals::closed) return;
    const auto tail = totals_.samples.lag.supported_quantile(0.99);
    const auto median = totals_.samples.lag.quantile(0.5);
    if (tail && *tail > kTailLimit) {
      warn(fmt::format("the generator fell behind by {} at p99: it needs a core of its own, or a lower rate",
                       format_duration(*tail)));
    } else if (median && *median > kMedianLimit) {
      warn(fmt::format("the generator fell behind by {} at the median", format_duration(*median)));
    }
  }

  void about_errors() {
    if (const std::int64_t timeouts = errors(LoadError::timeout); timeouts > 0) {
      note(fmt::format("{} request{} had no whole reply within {}: no latency above counts them", timeouts,
                       timeouts == 1 ? "" : "s", format_duration(plan_.timeout)));
    }
    if (!totals_.first_problem.empty()) note("the first bad reply: " + totals_.first_problem);
    if (errors(LoadError::extra) > 0)
      note("extra: more bytes came behind a reply than its head says (Content-Length)");
    if (errors(LoadError::no_descriptors) > 0)
      warn("this side ran out of file descriptors: raise `ulimit -n`, or give --max-connections");
    if (errors(LoadError::no_ports) > 0)
      warn("this side ran out of local ports: a closed connection keeps its port for a minute");
    if (counts_.gave_up > 0) {
      warn(fmt::format("nothing was answered for {}: {} requests were not sent",
                       format_duration(plan_.timeout), counts_.unsent));
    }
  }

  void about_connections() {
    if (counts_.waited > 0) {
      note(
          fmt::format("{} request{} had to wait because all {} connections were busy: latency has that, "
                      "uncorrected has not",
                      counts_.waited, counts_.waited == 1 ? "" : "s", plan_.most));
    }
    const std::int64_t answered = report_.latency.n;
    if (!plan_.fresh && counts_.connections > plan_.clients && counts_.closed_by_server * 2 > answered)
      note("the server closes its connections: a new one was opened for most requests");
    if (plan_.arrivals == Arrivals::closed && report_.latency.median && report_.latency.max &&
        *report_.latency.max > 0.1 && *report_.latency.max > 10 * *report_.latency.median) {
      note("a closed loop sends nothing while it waits, so few of its requests meet a pause: see --rate");
    }
  }

  void about_statuses() {
    std::int64_t redirects = 0;
    for (const auto& [status, count] : report_.statuses)
      redirects += status / 100 == 3 && status != 304 ? count : 0;
    if (redirects > 0)
      note(fmt::format("{} replies were redirects (3xx), which are not followed", redirects));
  }

  const EnginePlan& plan_;
  LoadTotals& totals_;
  const LoadCounts& counts_;
  LoadReport& report_;
};

}  // namespace

LoadReport summarise_load(const LoadRequestOptions& options, LoadTotals& totals) {
  const EnginePlan& plan = options.plan.engine;
  const LoadCounts& counts = totals.counts;
  LoadReport report;
  for (const auto& [url, weight] : options.urls) report.urls.emplace_back(url.text, weight);
  report.method = options.message.method;
  report.load = options.load;
  report.arrivals = to_string(plan.arrivals);
  report.threads = options.plan.threads;
  report.seed = plan.seed;
  report.complete = !totals.interrupted;
  report.span_s = span_of(options, totals);
  if (totals.interrupted) report.incomplete = "interrupted after " + format_duration(to_nanos(report.span_s));
  if (report.span_s > 0) report.requests_per_second = static_cast<double>(counts.ok) / report.span_s;
  report.requested_rate = options.requested_rate;
  report.latency = figures_of(totals.samples.latency);
  report.error_latency = figures_of(totals.error_replies.latency);
  report.uncorrected = figures_of(totals.samples.uncorrected);
  report.lag = figures_of(totals.samples.lag);
  report.exact = totals.samples.latency.is_exact();
  report.histogram_error = Histogram::kRelativeError;
  report.books = counts.books();
  for (std::size_t status = 0; status < counts.statuses.size(); ++status) {
    if (counts.statuses[status] > 0) report.statuses[static_cast<int>(status)] = counts.statuses[status];
  }
  report.bytes_sent = counts.bytes_sent;
  report.bytes_received = counts.bytes_received;
  report.connections = counts.connections;
  if (counts.connections > 0)
    report.connect_s = seconds(counts.connecting) / static_cast<double>(counts.connections);
  report.closed_before = counts.closed_before;
  report.closed_in = counts.closed_in;
  report.closed_after = counts.closed_after;
  report.waited_for_connection = counts.waited;
  report.warm_up = counts.warm_up;
  if (plan.arrivals == Arrivals::burst && counts.sent > 0)
    report.burst_skew_s = seconds(counts.last_sent - counts.first_sent);
  report.bars = latency_bars(totals.samples.latency);
  for (const Threshold& threshold : options.thresholds)
    report.thresholds.push_back(judge(threshold, totals, report.requests_per_second));
  if (options.other_tools) report.other_tools = other_tools_lines(totals, has_rate(plan.arrivals));
  Remarks(plan, totals, report).add_all();
  return report;
}

int load_exit_code(const LoadRequestOptions& options, const LoadReport& report) {
  if (report.statuses.empty()) return static_cast<int>(ErrorKind::environment);
  const bool missed = std::any_of(report.thresholds.begin(), report.thresholds.end(),
                                  [](const ThresholdRow& row) { return !row.passed; });
  const bool errors_judged = std::any_of(options.thresholds.begin(), options.thresholds.end(),
                                         [](const Threshold& threshold) { return threshold.about_errors(); });
  const bool failed = missed || (!errors_judged && report.books.failed() > 0);
  return failed ? static_cast<int>(ErrorKind::check_failed) : 0;
}

}  // namespace lab
