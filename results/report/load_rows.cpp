#include "results/report/load_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>
#include <vector>

#include "lab/core/utf8.hpp"
#include "results/render/formatting.hpp"
#include "results/render/markup.hpp"
#include "results/store/json_words.hpp"

namespace lab {

namespace {

using NamedFigure = std::pair<const char*, std::optional<double>>;

std::vector<NamedFigure> figures_of(const LoadFigures& figures) {
  return {{"min", figures.min}, {"median", figures.median}, {"p90", figures.p90},
          {"p95", figures.p95}, {"p99", figures.p99},       {"max", figures.max}};
}

const std::vector<std::pair<const char*, LoadFigures LoadReport::*>>& quantities() {
  static const std::vector<std::pair<const char*, LoadFigures LoadReport::*>> kQuantities{
      {"latency", &LoadReport::latency},
      {"uncorrected_latency", &LoadReport::uncorrected},
      {"error_latency", &LoadReport::error_latency},
      {"lag", &LoadReport::lag}};
  return kQuantities;
}

}  // namespace

std::string load_csv(const LoadReport& report) {
  std::string out = "quantity,stat,value,unit\n";
  const auto add = [&](const std::string& quantity, const std::string& stat, const std::string& value,
                       const char* unit) {
    out += fmt::format("{},{},{},{}\n", quantity, csv_cell(stat), csv_cell(value), unit);
  };
  add("complete", "", report.complete ? "true" : "false", "");
  add("requests_per_second", "", fmt::format("{}", report.requests_per_second), "1/s");
  add("span", "", fmt::format("{}", report.span_s), "s");
  for (const auto& [name, figures] : quantities()) {
    for (const auto& [stat, value] : figures_of(report.*figures))
      add(name, stat, value ? fmt::format("{}", *value) : "", "s");
  }
  const RequestCounts& books = report.books;
  const std::pair<const char*, std::int64_t> counts[] = {{"planned", books.planned},
                                                         {"unsent", books.unsent},
                                                         {"sent", books.sent},
                                                         {"ok", books.ok},
                                                         {"unfinished", books.unfinished}};
  for (const auto& [name, count] : counts) add("books", name, fmt::format("{}", count), "");
  for (const auto& [kind, count] : books.errors) add("errors", kind, fmt::format("{}", count), "");
  for (const auto& [kind, count] : books.not_sent) add("not_sent", kind, fmt::format("{}", count), "");
  for (const auto& [status, count] : report.statuses)
    add("status", fmt::format("{}", status), fmt::format("{}", count), "");
  add("bytes", "sent", fmt::format("{}", report.counts.bytes_sent), "bytes");
  add("bytes", "received", fmt::format("{}", report.counts.bytes_received), "bytes");
  add("connections", "opened", fmt::format("{}", report.counts.connections), "");
  for (const ThresholdRow& row : report.thresholds)
    add("threshold", row.text, row.passed ? "PASS" : "MISS", "");
  for (const Note& remark : report.remarks)
    add("remark", std::string(to_string(remark.kind)), remark.text, "");
  return out;
}

std::string load_markdown(const LoadReport& report) {
  std::string out;
  for (const auto& [url, weight] : report.urls) {
    out += fmt::format("`{} {}`{}  \n", report.method, printable(url, false),
                       report.urls.size() > 1 ? fmt::format(" × {}", weight) : "");
  }
  const std::int64_t errors = report.error_latency.n;
  out += fmt::format(
      "{}: **{:.1f} {}requests/s**, {} ok of {} sent, {} planned{}.\n\n", printable(report.load, false),
      report.requests_per_second, errors > 0 ? "ok " : "", report.books.ok, report.books.sent,
      report.books.planned,
      errors > 0 ? fmt::format("; {} replies were {}", errors, kind_of_error_replies(report)) : "");
  if (!report.complete) out += "Incomplete: " + printable(report.incomplete, false) + "\n\n";
  out += "| | min | median | p90 | p95 | p99 | max |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n";
  for (const auto& [name, figures] : quantities()) {
    if (figures == &LoadReport::error_latency && errors == 0) continue;
    std::string words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    out += fmt::format("| {} |", words);
    for (const auto& [stat, value] : figures_of(report.*figures))
      out += fmt::format(" {} |", value ? quantity(*value, time_unit(*value)) : "–");
    out += "\n";
  }
  if (report.books.failed() > 0) {
    out += "\n| error | requests |\n| --- | ---: |\n";
    for (const auto& [kind, count] : report.books.errors) out += fmt::format("| {} | {} |\n", kind, count);
    for (const auto& [kind, count] : report.books.not_sent)
      out += fmt::format("| not sent: {} | {} |\n", kind, count);
  }
  if (!report.thresholds.empty()) {
    out += "\n| threshold | measured | |\n| --- | --- | --- |\n";
    for (const ThresholdRow& row : report.thresholds)
      out += markdown_row({row.text, row.measured, row.passed ? "PASS" : "MISS"});
  }
  if (!report.remarks.empty()) {
    out += "\n| | remark |\n| --- | --- |\n";
    for (const Note& remark : report.remarks)
      out += markdown_row({std::string(to_string(remark.kind)), remark.text});
  }
  return out;
}

namespace json = boost::json;

namespace {

json::object format_figures(const LoadFigures& figures) {
  json::array all;
  for (const double value : figures.all) all.push_back(json_number(value));
  return {{"min", json_number(figures.min)},
          {"median", json_number(figures.median)},
          {"p90", json_number(figures.p90)},
          {"p95", json_number(figures.p95)},
          {"p99", json_number(figures.p99)},
          {"max", json_number(figures.max)},
          {"n", figures.n},
          {"all", std::move(all)}};
}

json::object format_environment(const LoadReport& report) {
  json::object environment{
      {"cores", report.cores}, {"kernel", json_text(report.kernel)}, {"noise", json_text(report.noise)}};
  for (const auto& [key, value] : report.environment) environment[valid_utf8(key)] = json_text(value);
  return environment;
}

json::array format_thresholds(const LoadReport& report) {
  json::array rows;
  for (const ThresholdRow& row : report.thresholds) {
    rows.push_back({{"threshold", json_text(row.text)},
                    {"value", json_number(row.value)},
                    {"measured", json_text(row.measured)},
                    {"passed", row.passed}});
  }
  return rows;
}

json::value format_clocks(const LoadReport& report) {
  if (report.clock_offsets_s.empty()) return nullptr;
  json::array offsets;
  for (const double offset : report.clock_offsets_s) offsets.push_back(offset);
  return json::object{{"offset_s", std::move(offsets)}, {"error_s", json_number(report.clock_error_s)}};
}

}  // namespace

std::string load_json(const LoadReport& report) {
  json::array urls;
  for (const auto& [url, weight] : report.urls) urls.push_back({{"url", json_text(url)}, {"weight", weight}});
  json::object statuses;
  for (const auto& [status, count] : report.statuses) statuses[std::to_string(status)] = count;
  json::array bars;
  for (const LatencyBar& bar : report.bars)
    bars.push_back({{"below_s", json_number(bar.below_s)}, {"count", bar.count}});
  json::array remarks;
  for (const Note& remark : report.remarks)
    remarks.push_back({{"tag", json_text(to_string(remark.kind))}, {"text", json_text(remark.text)}});
  json::array emulated_tools;
  for (const std::string& line : report.emulated_tools) emulated_tools.push_back(json_text(line));
  json::object document{
      {"schema", "lab.load/1"},
      {"complete", report.complete},
      {"incomplete_reason", report.complete ? json::value(nullptr) : json_text(report.incomplete)},
      {"urls", std::move(urls)},
      {"method", json_text(report.method)},
      {"load", json_text(report.load)},
      {"arrivals", json_text(report.arrivals)},
      {"threads", report.threads},
      {"ranks", report.ranks},
      {"seed", report.seed},
      {"span_s", report.span_s},
      {"requests_per_second", report.requests_per_second},
      {"requested_rate", json_number(report.requested_rate)},
      {"latency_s", format_figures(report.latency)},
      {"uncorrected_latency_s", format_figures(report.uncorrected)},
      {"error_latency_s", format_figures(report.error_latency)},
      {"lag_s", format_figures(report.lag)},
      {"exact", report.exact},
      {"relative_error", report.exact ? 0.0 : report.histogram_error},
      {"books", json_books(report.books)},
      {"closed",
       {{"before_reply", report.counts.closed_before},
        {"in_reply", report.counts.closed_in},
        {"after_reply", report.counts.closed_after}}},
      {"statuses", std::move(statuses)},
      {"bytes_sent", report.counts.bytes_sent},
      {"bytes_received", report.counts.bytes_received},
      {"connections_opened", report.counts.connections},
      {"connect_s", json_number(connect_seconds(report.counts))},
      {"waited_for_connection", report.counts.waited},
      {"warm_up_requests", report.counts.warm_up},
      {"burst_skew_s", json_number(report.burst_skew_s)},
      {"distribution", std::move(bars)},
      {"thresholds", format_thresholds(report)},
      {"remarks", std::move(remarks)},
      {"other_tools", std::move(emulated_tools)},
      {"clocks", format_clocks(report)},
      {"environment", format_environment(report)}};
  return json::serialize(document) + "\n";
}

}  // namespace lab
