#include "results/report/load_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <string_view>
#include <tuple>

#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"
#include "results/report/format.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(LoadUrl, (), (url, weight))
BOOST_DESCRIBE_STRUCT(LoadFigures, (), (min, median, p90, p95, p99, max, n, all))
BOOST_DESCRIBE_STRUCT(LatencyBar, (), (below_s, count))
BOOST_DESCRIBE_STRUCT(LoadClosings, (), (before_reply, in_reply, after_reply))
BOOST_DESCRIBE_STRUCT(LoadClocks, (), (offset_s, error_s))
BOOST_DESCRIBE_STRUCT(LoadReport, (),
                      (complete, incomplete_reason, urls, method, load, arrivals, threads, ranks, seed,
                       span_s, requests_per_second, requested_rate, latency_s, uncorrected_latency_s,
                       error_latency_s, lag_s, exact, relative_error, books, closed, statuses, bytes_sent,
                       bytes_received, connections_opened, connect_s, waited_for_connection, warm_up_requests,
                       burst_skew_s, distribution, thresholds, remarks, other_tools, clocks, environment))

static boost::json::value as_json(const LoadMachine& machine) {
  return json_environment(machine);
}

namespace {

struct LoadStat {
  const char* name;
  std::optional<double> LoadFigures::*value;
};
constexpr LoadStat kStats[] = {{"min", &LoadFigures::min}, {"median", &LoadFigures::median},
                               {"p90", &LoadFigures::p90}, {"p95", &LoadFigures::p95},
                               {"p99", &LoadFigures::p99}, {"max", &LoadFigures::max}};

struct LoadQuantity {
  const char* heading;  ///< on a terminal
  const char* name;     ///< elsewhere
  LoadFigures LoadReport::*figures;
};
constexpr LoadQuantity kQuantities[] = {
    {"latency", "latency", &LoadReport::latency_s},
    {"uncorrected", "uncorrected_latency", &LoadReport::uncorrected_latency_s},
    {"of errors", "error_latency", &LoadReport::error_latency_s},
    {"lag", "lag", &LoadReport::lag_s}};

/// Those that are shown: of errors only where there are any.
std::vector<LoadQuantity> quantities_of(const LoadReport& report) {
  std::vector<LoadQuantity> reported(std::begin(kQuantities), std::end(kQuantities));
  if (report.error_latency_s.n == 0) reported.erase(reported.begin() + 2);
  return reported;
}

std::string time_text(const std::optional<double>& value) {
  return value ? quantity(*value, time_unit(*value)) : "–";
}

/// A row per quantity; where that has no room, per statistic.
Table figures_table(const LoadReport& report, std::size_t width) {
  constexpr std::size_t kName = 12, kStatName = 7, kCell = 10, kNarrowCell = 11;
  const std::vector<LoadQuantity> quantities = quantities_of(report);
  const bool wide = width >= kName + std::size(kStats) * (kCell + 1);
  Table table;
  table.gap = 1;
  const auto add_column = [&](const char* heading) {
    table.columns.push_back({ColumnRole::measured, heading, true, wide ? kCell : kNarrowCell});
  };
  table.columns.push_back({ColumnRole::arm, "", false, wide ? kName : kStatName});
  if (wide) {
    for (const LoadStat& stat : kStats) add_column(stat.name);
    for (const LoadQuantity& each : quantities) {
      TableRow& row = table.rows.emplace_back(TableRow{{each.heading}});
      for (const LoadStat& stat : kStats) row.cells.push_back(time_text(report.*each.figures.*stat.value));
    }
    return table;
  }
  for (const LoadQuantity& each : quantities) add_column(each.heading);
  for (const LoadStat& stat : kStats) {
    TableRow& row = table.rows.emplace_back(TableRow{{stat.name}});
    for (const LoadQuantity& each : quantities)
      row.cells.push_back(time_text(report.*each.figures.*stat.value));
  }
  return table;
}

/// `0.100 0.201 s`: all in the unit of the largest.
std::string all_values(const std::vector<double>& values) {
  const Unit unit = time_unit(values.back());
  std::string text;
  for (const double value : values) text += number(value, unit) + " ";
  return text + unit.name;
}

std::string rate_text(double rate) {
  return rate >= 999.5 ? grouped(std::llround(rate)) : fmt::format("{:.{}f}", rate, rate < 10 ? 3 : 1);
}

/// `2 before a reply, 1 in one`: where the server closed.
std::string closings(const LoadReport& report) {
  std::vector<std::string> parts;
  for (const auto& [count, where] : {std::pair{report.closed.before_reply, "before a reply"},
                                     std::pair{report.closed.in_reply, "in a reply"},
                                     std::pair{report.closed.after_reply, "behind the previous reply"}}) {
    if (count > 0) parts.push_back(fmt::format("{} {}", grouped(count), where));
  }
  return parts.empty() ? "" : " (" + join(parts, ", ") + ")";
}

std::string errors_line(const LoadReport& report) {
  std::vector<std::string> parts;
  for (const auto& [kind, count] : report.books.errors)
    parts.push_back(fmt::format("{} {}{}", kind, grouped(count), kind == "closed" ? closings(report) : ""));
  for (const auto& [kind, count] : report.books.not_sent)
    parts.push_back(fmt::format("not sent: {} {}", kind, grouped(count)));
  return join(parts, ", ");
}

std::string bytes_line(const LoadReport& report) {
  const auto size = [](std::int64_t bytes) {
    const auto value = static_cast<double>(bytes);
    return quantity(value, byte_unit(value));
  };
  return fmt::format("{} received, {} sent; {} connection{} opened{}", size(report.bytes_received),
                     size(report.bytes_sent), grouped(report.connections_opened),
                     report.connections_opened == 1 ? "" : "s",
                     report.connect_s ? fmt::format(", {} each", time_text(report.connect_s)) : "");
}

/// `below 2 ms ██████ 45.3 %`
void add_bars(const LoadReport& report, Page& page) {
  constexpr std::size_t kShare = 20;
  std::int64_t total = 0, largest = 1;
  std::vector<std::string> labels;
  std::size_t label_width = 0;
  for (const LatencyBar& bar : report.distribution) {
    total += bar.count;
    largest = std::max(largest, bar.count);
    const Unit unit = time_unit(bar.below_s * 0.9999);
    labels.push_back(fmt::format("below {:g} {}", bar.below_s * unit.factor, unit.name));
    label_width = std::max(label_width, columns(labels.back()) + 2);
  }
  const std::size_t room =
      page.width() > label_width + kShare + 10 ? page.width() - label_width - kShare : 10;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const auto count = static_cast<double>(report.distribution[row].count);
    const double share = count / static_cast<double>(total);
    const auto length = std::llround(static_cast<double>(room) * count / static_cast<double>(largest));
    std::string line = pad(labels[row], label_width);
    for (auto i = count > 0 ? std::max(length, 1LL) : length; i > 0; --i)
      line += page.style().ascii ? "#" : "█";
    page.line(fmt::format("{} {} ({:.{}f} %)", line, grouped(report.distribution[row].count), share * 100,
                          share > 0 && share < 0.001 ? 3 : 1));
  }
}

void add_heading(const LoadReport& report, Page& page) {
  std::int64_t weights = 0;
  for (const LoadUrl& each : report.urls) weights += each.weight;
  for (const auto& [url, weight] : report.urls) {
    const std::string share = report.urls.size() > 1 ? fmt::format("{} of {} ", weight, weights) : "";
    page.line(fmt::format("{}{} {}", share, report.method, url));
  }
  page.paragraph(report.load);
  if (report.incomplete_reason)
    page.entry(pad("WARN", kTagIndent), "incomplete: " + *report.incomplete_reason, true);
}

/// `503` where all replies that are errors have one status and nothing else is wrong; otherwise `errors`.
std::string kind_of_error_replies(const LoadReport& report) {
  std::string only;
  for (const auto& [kind, count] : report.books.errors) {
    if (kind == "extra" || (kind.starts_with("status_") && !only.empty())) return "errors";
    if (kind.starts_with("status_")) only = kind.substr(7);
  }
  return only;
}

/// `998 requests/s of 1000 asked for, 9980 answered in 10 s`; which replies were errors.
void add_rate(const LoadReport& report, Page& page) {
  const std::int64_t errors = report.error_latency_s.n;
  const char* const ok = errors > 0 ? "ok " : "";
  const auto bold = [&](const std::string& text) {
    return page.style().color ? "\x1b[1m" + text + "\x1b[0m" : text;
  };
  std::string rate = bold(fmt::format("{} {}requests/s", rate_text(report.requests_per_second), ok));
  if (report.requested_rate) rate += fmt::format(" of {} asked for", rate_text(*report.requested_rate));
  page.raw(fmt::format("{}, {} answered{} in {}\n", rate, grouped(report.books.ok), errors > 0 ? " ok" : "",
                       printable(long_time(report.span_s), page.style().ascii)));
  if (errors == 0) return;
  page.raw(bold(fmt::format("{} of {} replies were {}", grouped(errors), grouped(errors + report.latency_s.n),
                            kind_of_error_replies(report))) +
           "\n");
}

constexpr std::size_t kToolIndent = 15;

/// `p50 1.001 s`; 0 where the tool prints nothing, as it does itself.
std::string percentiles(const ReportedLatencies& reported, double least = 0) {
  std::vector<std::string> parts;
  for (const auto& [percent, latency_s] : reported.percentiles) {
    if (percent != 50 && percent < least) continue;
    parts.push_back(
        fmt::format("p{:g} {}", percent, latency_s ? quantity(*latency_s, time_unit(*latency_s)) : "0"));
  }
  return join(parts, ", ");
}

std::string missing(const ReportedLatencies& reported, std::int64_t all, std::string_view why) {
  return reported.counted == all ? "" : fmt::format("; {} of {} {}", reported.counted, all, why);
}

/// A line has no room for all that hey prints.
std::string line_of(const std::string& name, const ReportedLatencies& reported) {
  const std::string all = percentiles(reported, 90);
  return fmt::format("{}{}{}; of {}{}", pad(name, 12), all.empty() ? "" : " ", all, reported.counted,
                     reported.added > 0 ? fmt::format(" and {} added", reported.added) : "");
}

/// Did all of them belong to loads that have a rate?
bool is_paced(const Scenario& scenario, const std::string& case_id,
              const std::vector<RequestRecord>& records) {
  const auto set = std::ranges::find(scenario.cases, case_id, &Case::id);
  return set != scenario.cases.end() && std::ranges::all_of(records, [&](const RequestRecord& record) {
           return record.load < set->loads.size() && has_rate(set->loads[record.load].arrivals);
         });
}

void add_tools(const EmulatedTools& others, Page& page) {
  const std::int64_t all = others.truth.counted;
  const auto add = [&](const std::string& tool, const ReportedLatencies& reported, const std::string& more) {
    page.hanging(pad("  " + tool, kToolIndent), percentiles(reported) + more, kToolIndent);
  };
  double most = 50;
  for (const ReportedPercentile& one : others.truth.percentiles) {
    if (carries_percentile(all, one.percent / 100)) most = std::max(most, one.percent);
  }
  add("here", others.truth,
      most < 99 ? fmt::format("; {} are too few for a percentile above p{:g}", count(all, "value"), most)
                : "");
  const std::string added =
      others.wrk.added == 0
          ? ""
          : fmt::format("; it adds {} for requests that it considers missing", others.wrk.added);
  add("wrk", others.wrk,
      missing(others.wrk, all, "replies are counted: those after 2 s are dropped") + added);
  const bool zeros = std::ranges::any_of(others.hey.percentiles,
                                         [](const ReportedPercentile& one) { return !one.latency_s; });
  add("hey", others.hey, zeros ? "; only hey counts the zeros" : "");
  const std::int64_t counted = others.autocannon.counted;
  add("autocannon", others.autocannon,
      counted == all ? "" : fmt::format("; its count is {} instead of {}", counted, all));
  if (others.closed_loop.percentiles.empty()) return;
  add("one client", others.closed_loop,
      missing(others.closed_loop, all,
              "requests would have been sent: it waits for each reply before the next"));
}

}  // namespace

std::string load_text(const LoadReport& report, const TextStyle& style) {
  Page page(style);
  const auto entry = [&](std::string_view tag, const std::string& text) {
    page.entry(pad(tag, kTagIndent), text, tag == "WARN" || tag == "MISS");
  };
  add_heading(report, page);
  page.blank();
  add_rate(report, page);
  page.blank();
  page.table(figures_table(report, page.width()));
  page.blank();
  if (!report.latency_s.all.empty()) {
    entry("ALL", all_values(report.latency_s.all));
  } else {
    add_bars(report, page);
  }
  page.blank();
  const RequestCounts& books = report.books;
  entry("BOOKS", fmt::format("planned {} = sent {} + unsent {}", grouped(books.planned), grouped(books.sent),
                             grouped(books.unsent)));
  entry("", fmt::format("sent {} = ok {} + errors {} + unfinished {}", grouped(books.sent), grouped(books.ok),
                        grouped(books.sent - books.ok - books.unfinished), grouped(books.unfinished)));
  if (books.failed() > 0) entry("ERROR", errors_line(report));
  entry("BYTES", bytes_line(report));
  for (const ThresholdRow& row : report.thresholds)
    entry(row.passed ? "PASS" : "MISS", fmt::format("{}: {}", row.threshold, row.measured));
  for (const Note& note : report.remarks) entry(to_string(note.kind), note.text);
  if (report.other_tools.empty()) return page.take();
  page.raw("\nThe same requests, as other tools would have reported them:\n");
  for (const std::string& each : report.other_tools) page.line(each);
  return page.take();
}

std::string load_csv(const LoadReport& report) {
  std::string out = "quantity,stat,value,unit\n";
  const auto add = [&](const char* quantity, const auto& stat, const auto& value, const char* unit = "") {
    out += csv_row({quantity, fmt::format("{}", stat), fmt::format("{}", value), unit});
  };
  add("complete", "", report.complete);
  add("requests_per_second", "", report.requests_per_second, "1/s");
  add("span", "", report.span_s, "s");
  for (const LoadQuantity& each : kQuantities) {
    for (const LoadStat& stat : kStats) {
      add(each.name, stat.name, number_cell(report.*each.figures.*stat.value), "s");
    }
  }
  const RequestCounts& books = report.books;
  for (const auto& [name, count] :
       {std::pair{"planned", books.planned}, std::pair{"unsent", books.unsent}, std::pair{"sent", books.sent},
        std::pair{"ok", books.ok}, std::pair{"unfinished", books.unfinished}})
    add("books", name, count);
  for (const auto& [kind, count] : books.errors) add("errors", kind, count);
  for (const auto& [kind, count] : books.not_sent) add("not_sent", kind, count);
  for (const auto& [status, count] : report.statuses) add("status", status, count);
  add("bytes", "sent", report.bytes_sent, "bytes");
  add("bytes", "received", report.bytes_received, "bytes");
  add("connections", "opened", report.connections_opened);
  for (const ThresholdRow& row : report.thresholds)
    add("threshold", row.threshold, row.passed ? "PASS" : "MISS");
  for (const Note& note : report.remarks) add("remark", to_string(note.kind), note.text);
  return out;
}

std::string load_markdown(const LoadReport& report) {
  std::string out;
  for (const auto& [url, weight] : report.urls) {
    out += fmt::format("`{} {}`{}  \n", report.method, printable(url, false),
                       report.urls.size() > 1 ? fmt::format(" × {}", weight) : "");
  }
  const std::int64_t errors = report.error_latency_s.n;
  out += fmt::format(
      "{}: **{:.1f} {}requests/s**, {} ok of {} sent, {} planned{}.\n\n", printable(report.load, false),
      report.requests_per_second, errors > 0 ? "ok " : "", report.books.ok, report.books.sent,
      report.books.planned,
      errors > 0 ? fmt::format("; {} replies were {}", errors, kind_of_error_replies(report)) : "");
  if (report.incomplete_reason) out += "Incomplete: " + printable(*report.incomplete_reason, false) + "\n\n";
  out += "| | min | median | p90 | p95 | p99 | max |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n";
  for (const LoadQuantity& each : quantities_of(report)) {
    std::vector<std::string> cells{each.name};
    std::ranges::replace(cells[0], '_', ' ');
    for (const LoadStat& stat : kStats) cells.push_back(time_text(report.*each.figures.*stat.value));
    out += markdown_row(std::move(cells));
  }
  if (report.books.failed() > 0) out += "\n| error | requests |\n| --- | ---: |\n";
  for (const auto& [kind, count] : report.books.errors) out += fmt::format("| {} | {} |\n", kind, count);
  for (const auto& [kind, count] : report.books.not_sent)
    out += fmt::format("| not sent: {} | {} |\n", kind, count);
  if (!report.thresholds.empty()) out += "\n| threshold | measured | |\n| --- | --- | --- |\n";
  for (const ThresholdRow& row : report.thresholds)
    out += markdown_row({row.threshold, row.measured, row.passed ? "PASS" : "MISS"});
  if (!report.remarks.empty()) out += "\n| | remark |\n| --- | --- |\n";
  for (const Note& note : report.remarks) out += markdown_row({std::string(to_string(note.kind)), note.text});
  return out;
}

std::string load_json(const LoadReport& report) {
  return json_document("lab.load/1", report);
}

std::vector<std::string> other_tools_lines(const LoadTotals& totals, bool paced) {
  if (static_cast<std::int64_t>(totals.kept.size()) !=
      totals.samples.latency.size() + totals.error_replies.latency.size())
    return {"there were too many requests to keep each of them"};
  std::vector<Answer> answers;
  answers.reserve(totals.kept.size());
  for (const LoadSample& sample : totals.kept)
    answers.push_back({seconds(sample.intended), seconds(sample.latency)});
  std::ranges::sort(answers, {}, &Answer::intended_s);
  const EmulatedTools others = what_others_print(answers, paced);
  return {line_of("wrk", others.wrk), line_of("hey", others.hey), line_of("autocannon", others.autocannon),
          line_of("closed loop", others.closed_loop), line_of("nearest rank", others.truth)};
}

std::string emulated_tools_text(const Run& run, const Scenario& scenario, const TextStyle& style) {
  Page page(style, 40);
  page.raw("What other tools would have reported for the same replies (first repetition)\n");
  std::set<std::tuple<std::string, std::string, std::string>> reported;
  for (const RunRepetition& kept : run.repetitions) {
    if (kept.engine == kModel) continue;
    if (!reported.insert({kept.arm, kept.engine, kept.case_id}).second) continue;
    RunRepetition room;
    const RunRepetition& repetition = whole(kept, room);
    std::string name = repetition.arm;
    if (repetition.engine != kNative && repetition.engine != kServer) name += " on " + repetition.engine;
    if (scenario.cases.size() > 1) name += fmt::format(" ({})", repetition.case_id);
    for (std::uint32_t route = 0; route < scenario.routes.size(); ++route) {
      std::vector<RequestRecord> asked;
      std::ranges::copy_if(repetition.records, std::back_inserter(asked),
                           [&](const RequestRecord& record) { return record.route == route; });
      const std::vector<Answer> answers = answers_of(asked);
      if (answers.empty()) continue;
      page.raw(printable(scenario.routes.size() > 1 ? name + ", " + scenario.routes[route].name : name,
                         style.ascii) +
               "\n");
      add_tools(what_others_print(answers, is_paced(scenario, repetition.case_id, asked)), page);
    }
  }
  return page.take();
}

}  // namespace lab
