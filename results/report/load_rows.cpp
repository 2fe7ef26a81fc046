// lab load as rows: CSV for a spreadsheet, Markdown for an issue.

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "lab/core/utf8.hpp"
#include "results/render/cells.hpp"
#include "results/render/spelling.hpp"
#include "results/report/load_report.hpp"

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
  const Books& books = report.books;
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
  add("bytes", "sent", fmt::format("{}", report.bytes_sent), "bytes");
  add("bytes", "received", fmt::format("{}", report.bytes_received), "bytes");
  add("connections", "opened", fmt::format("{}", report.connections), "");
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

}  // namespace lab
