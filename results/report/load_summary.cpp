#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/statistics/statistics.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "results/report/load_report.hpp"

namespace lab {

namespace {

constexpr std::size_t kMostBars = 10;
constexpr double kEvenRatio = 4;

/// The largest of 1, 2, 5, 10, 20 … that is not above `value`.
double round_down(double value) {
  const double decade = std::pow(10, std::floor(std::log10(value)));
  const double digit = value / decade;
  return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * decade;
}

/// Limits in nanoseconds, each above the one before; the last above `high`.
std::vector<double> limits(double low, double high) {
  std::vector<double> found;
  if (high < kEvenRatio * low) {
    const double step = std::max(1.0, round_down((high - low) / 4));
    for (double limit = (std::floor(low / step) + 1) * step;; limit += step) {
      found.push_back(limit);
      if (limit > high) return found;
    }
  }
  for (double limit = round_down(low); found.empty() || found.back() <= high;) {
    const double digit = std::round(limit / std::pow(10, std::floor(std::log10(limit) + 1e-9)));
    limit *= digit == 2 ? 2.5 : 2;
    limit = std::round(limit);
    if (limit > low) found.push_back(limit);
  }
  if (found.size() <= kMostBars) return found;
  found.clear();
  for (double limit = 10 * std::pow(10, std::floor(std::log10(low)));; limit *= 10) {
    found.push_back(limit);
    if (limit > high) return found;
  }
}

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
    std::ranges::sort(figures.all);
  }
  return figures;
}

double span_of(const LoadTask& task, const LoadTotals& totals) {
  const EnginePlan& plan = task.plan.engine;
  const Nanos last_end = totals.counts.last_end;
  if (totals.interrupted) return seconds(last_end);
  // n requests at a rate take n periods: the last one's is over when the next would be due.
  if (has_rate(plan.arrivals) && plan.planned >= 0)
    return seconds(
        std::max(last_end, std::min(plan.duration, plan.curve.when(static_cast<double>(plan.planned)))));
  // Who found no connection had its turn; the rest of the unsent ran out of time.
  const RequestCounts books = totals.counts.books();
  const bool late = books.unsent > books.failed() - (books.sent - books.ok - books.unfinished);
  const bool by_time = plan.duration != kNever && (plan.planned < 0 || late);
  return seconds(std::max<Nanos>(by_time ? plan.duration : 0, last_end));
}

struct ErrorRemark {
  LoadError error;
  NoteKind kind;
  const char* text;
};
constexpr ErrorRemark kErrorRemarks[] = {
    {LoadError::extra, NoteKind::note, "extra: more came than the head of a reply says (Content-Length)"},
    {LoadError::no_descriptors, NoteKind::warn,
     "this side ran out of file descriptors: raise `ulimit -n`, or give --max-connections"},
    {LoadError::no_ports, NoteKind::warn,
     "this side ran out of local ports: a closed connection keeps its port for a minute"}};

/// Whether the generator itself kept its times.
void remark_on_generator(const EnginePlan& plan, LoadTotals& totals, LoadReport& report) {
  constexpr Nanos kMedianLimit = 100 * kMicrosecond, kTailLimit = kMillisecond;
  if (report.burst_skew_s && totals.counts.sent > 1) {
    report.remarks.push_back(
        {NoteKind::note, "the burst left within " + format_seconds(*report.burst_skew_s)});
  }
  if (plan.arrivals == Arrivals::burst || plan.arrivals == Arrivals::closed) return;
  const Nanos tail = totals.samples.lag.supported_quantile(0.99).value_or(0);
  const Nanos median = totals.samples.lag.quantile(0.5).value_or(0);
  if (tail > kTailLimit) {
    report.remarks.push_back(
        {NoteKind::warn,
         fmt::format("the generator fell behind by {} at p99: it needs a core of its own, or a lower rate",
                     format_duration(tail))});
  } else if (median > kMedianLimit) {
    report.remarks.push_back({NoteKind::warn, fmt::format("the generator fell behind by {} at the median",
                                                          format_duration(median))});
  }
}

void remark_on_replies(const EnginePlan& plan, const LoadTotals& totals, LoadReport& report) {
  const auto note = [&](std::string text) { report.remarks.push_back({NoteKind::note, std::move(text)}); };
  const LoadCounts& counts = totals.counts;
  const auto errors = [&](LoadError kind) { return counts.errors[static_cast<std::size_t>(kind)]; };
  if (const std::int64_t timeouts = errors(LoadError::timeout); timeouts > 0) {
    note(fmt::format("{} had no whole reply within {}: the latencies above do not include them",
                     plural(timeouts, "request"), format_duration(plan.timeout)));
  }
  if (!totals.first_problem.empty()) note("the first bad reply: " + totals.first_problem);
  for (const ErrorRemark& each : kErrorRemarks) {
    const bool any = errors(each.error) > 0 || counts.not_sent[static_cast<std::size_t>(each.error)] > 0;
    if (any) report.remarks.push_back({each.kind, each.text});
  }
  if (counts.gave_up > 0) {
    report.remarks.push_back(
        {NoteKind::warn, fmt::format("nothing was answered for {}: {} requests were not sent",
                                     format_duration(plan.timeout), counts.unsent)});
  }
  if (counts.waited > 0) {
    note(
        fmt::format("{} had to wait because all {} connections were busy: latency includes this wait, "
                    "uncorrected does not",
                    plural(counts.waited, "request"), plan.most));
  }
  const LoadFigures& latency = report.latency_s;
  if (!plan.fresh && counts.connections > plan.clients && counts.closed_by_server * 2 > latency.n)
    note("the server closes its connections: a new one was opened for most requests");
  const double longest = latency.max.value_or(0);
  if (plan.arrivals == Arrivals::closed && latency.median && longest > 0.1 && longest > 10 * *latency.median)
    note("a closed loop sends nothing while it waits, so few of its requests notice a pause: see --rate");
  std::int64_t redirects = 0;
  for (const auto& [status, count] : report.statuses)
    redirects += status / 100 == 3 && status != 304 ? count : 0;
  if (redirects > 0) note(fmt::format("{} replies were redirects (3xx), which are not followed", redirects));
  if (!report.exact) {
    note(fmt::format(
        "beyond {} requests latencies are counted in a histogram: percentiles are within {:.2g} %",
        Distribution::kMaxExact, report.relative_error * 100));
  }
}

constexpr std::pair<std::string_view, Threshold::What> kOthers[] = {{"errors", Threshold::What::errors},
                                                                    {"rps", Threshold::What::rate}};

}  // namespace

std::string load_in_words(const EnginePlan& plan, bool limited, int threads) {
  const RateCurve& curve = plan.curve;
  std::string words;
  if (plan.arrivals == Arrivals::closed) {
    words = "closed loop, " + plural(plan.clients, "client");
  } else if (is_timed(plan.arrivals)) {
    words = plan.arrivals == Arrivals::constant ? "evenly " : "at random ";
    words += curve.ramp == 0
                 ? fmt::format("{}/s", curve.to)
                 : fmt::format("{}/s to {}/s within {}", curve.from, curve.to, format_duration(curve.ramp));
  } else {
    words = plural(plan.planned, "request");
    words += plan.arrivals == Arrivals::burst
                 ? " at once"
                 : fmt::format(", one every {}", format_duration(to_nanos(1 / curve.to)));
  }
  if (lasts(plan.arrivals) && plan.planned >= 0) words += ", " + plural(plan.planned, "request");
  if (plan.duration != kNever)
    words += fmt::format("{} {}", plan.planned >= 0 ? ", at most" : " for", format_duration(plan.duration));
  if (plan.client_ramp > 0) words += fmt::format(", starting within {}", format_duration(plan.client_ramp));
  if (limited) words += fmt::format(", at most {} connections", plan.most);
  words += plan.fresh ? ", a new connection each" : "";
  if (plan.warm_up > 0) words += fmt::format(", {} of warm-up before", format_duration(plan.warm_up));
  if (threads > 1) words += fmt::format(", {} threads", threads);
  return words + fmt::format(", timeout {}", format_duration(plan.timeout));
}

const ThresholdWords kLoadThresholds{
    "uncorrected.", false, kOthers,
    "p1 to p99.999, median, min, max, mean (and uncorrected.p99 …), errors, rps",
    "such as p99<200ms, median<=50ms, errors<1% or rps>1000"};

ThresholdRow judge(const Threshold& threshold, LoadTotals& totals, double requests_per_second) {
  const RequestCounts books = totals.counts.books();
  const std::int64_t failed = books.failed();
  if (threshold.what == Threshold::What::errors)
    return judge(threshold, static_cast<double>(failed), fmt::format("{}", failed));
  if (threshold.what == Threshold::What::rate)
    return judge(threshold, requests_per_second, fmt::format("{:.1f} requests/s", requests_per_second));
  const std::int64_t tried = books.ok + failed + books.unfinished;
  if (threshold.what == Threshold::What::error_share && tried > 0) {
    const double share = static_cast<double>(failed) / static_cast<double>(tried);
    return judge(threshold, share, fmt::format("{:.3g} % ({} of {})", share * 100, failed, tried));
  }
  Distribution& latencies = threshold.has_prefix ? totals.samples.uncorrected : totals.samples.latency;
  if (!threshold.is_latency() || latencies.size() == 0)
    return cannot_judge(threshold, "nothing was answered");
  return judge(threshold, latencies, "replies");
}

std::vector<LatencyBar> latency_bars(const Distribution& latencies) {
  if (latencies.size() == 0) return {};
  const double low = static_cast<double>(std::max<Nanos>(latencies.min(), 1));
  std::vector<LatencyBar> bars;
  std::vector<Nanos> tops;
  for (const double limit : limits(low, static_cast<double>(latencies.max()))) {
    tops.push_back(std::llround(limit));
    bars.push_back({limit / 1e9, 0});
  }
  latencies.for_each([&](Nanos value, std::int64_t count) {
    const auto at = std::upper_bound(tops.begin(), tops.end() - 1, value) - tops.begin();
    bars[static_cast<std::size_t>(at)].count += count;
  });
  const auto is_empty = [](const LatencyBar& bar) { return bar.count == 0; };
  while (is_empty(bars.back())) bars.pop_back();
  bars.erase(bars.begin(), std::ranges::find_if_not(bars, is_empty));
  return bars;
}

LoadReport summarise_load(const LoadTask& task, LoadTotals& totals) {
  const EnginePlan& plan = task.plan.engine;
  const LoadCounts& counts = totals.counts;
  LoadReport report;
  for (const auto& [url, weight] : task.urls) report.urls.push_back({url.text, weight});
  report.load = task.load;
  report.arrivals = to_string(plan.arrivals);
  report.threads = task.plan.threads;
  report.seed = plan.seed;
  report.complete = !totals.interrupted;
  report.span_s = span_of(task, totals);
  if (totals.interrupted) report.incomplete_reason = "interrupted after " + format_seconds(report.span_s);
  if (report.span_s > 0) report.requests_per_second = static_cast<double>(counts.ok) / report.span_s;
  report.requested_rate = task.requested_rate;
  report.latency_s = figures_of(totals.samples.latency);
  report.error_latency_s = figures_of(totals.error_replies.latency);
  report.uncorrected_latency_s = figures_of(totals.samples.uncorrected);
  report.lag_s = figures_of(totals.samples.lag);
  report.exact = totals.samples.latency.is_exact();
  report.relative_error = report.exact ? 0 : Histogram::kRelativeError;
  report.books = counts.books();
  for (std::size_t status = 0; status < counts.statuses.size(); ++status) {
    if (counts.statuses[status] > 0) report.statuses[static_cast<int>(status)] = counts.statuses[status];
  }
  report.closed = {counts.closed_before, counts.closed_in, counts.closed_after};
  report.bytes_sent = counts.bytes_sent;
  report.bytes_received = counts.bytes_received;
  report.connections_opened = counts.connections;
  if (counts.connections > 0)
    report.connect_s = seconds(counts.connecting) / static_cast<double>(counts.connections);
  report.waited_for_connection = counts.waited;
  report.warm_up_requests = counts.warm_up;
  if (plan.arrivals == Arrivals::burst && counts.sent > 0)
    report.burst_skew_s = seconds(counts.last_sent - counts.first_sent);
  report.distribution = latency_bars(totals.samples.latency);
  for (const Threshold& threshold : task.thresholds)
    report.thresholds.push_back(judge(threshold, totals, report.requests_per_second));
  if (task.emulated_tools) report.other_tools = other_tools_lines(totals, has_rate(plan.arrivals));
  for (const std::string& warning : totals.warnings) report.remarks.push_back({NoteKind::warn, warning});
  remark_on_generator(plan, totals, report);
  remark_on_replies(plan, totals, report);
  return report;
}

int load_exit_code(const LoadTask& task, const LoadReport& report) {
  if (report.statuses.empty()) return static_cast<int>(ErrorKind::environment);
  const bool missed = !std::ranges::all_of(report.thresholds, &ThresholdRow::passed);
  const bool errors_judged = std::ranges::any_of(task.thresholds, &Threshold::about_errors);
  const bool failed = missed || (!errors_judged && report.books.failed() > 0);
  return failed ? static_cast<int>(ErrorKind::check_failed) : 0;
}

}  // namespace lab
