#include <boost/json.hpp>
#include <cmath>

#include "results/load_report.hpp"
#include "results/utf8.hpp"

namespace lab {

namespace json = boost::json;

namespace {

json::string text(const std::string& value) {
  return json::string(valid_utf8(value));
}

json::value number(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}

json::object spell_figures(const LoadFigures& figures) {
  return {{"min", number(figures.min)},
          {"median", number(figures.median)},
          {"p90", number(figures.p90)},
          {"p95", number(figures.p95)},
          {"p99", number(figures.p99)},
          {"max", number(figures.max)},
          {"n", figures.n}};
}

json::object spell_books(const Books& books) {
  json::object errors;
  for (const auto& [kind, count] : books.errors) errors[valid_utf8(kind)] = count;
  return {{"planned", books.planned}, {"unsent", books.unsent},      {"sent", books.sent},
          {"ok", books.ok},           {"errors", std::move(errors)}, {"unfinished", books.unfinished}};
}

json::object spell_environment(const LoadReport& report) {
  json::object environment{
      {"cores", report.cores}, {"kernel", text(report.kernel)}, {"noise", text(report.noise)}};
  for (const auto& [key, value] : report.environment) environment[valid_utf8(key)] = text(value);
  return environment;
}

json::array spell_thresholds(const LoadReport& report) {
  json::array rows;
  for (const ThresholdRow& row : report.thresholds) {
    rows.push_back({{"threshold", text(row.text)},
                    {"value", number(row.value)},
                    {"measured", text(row.measured)},
                    {"passed", row.passed}});
  }
  return rows;
}

json::value spell_clocks(const LoadReport& report) {
  if (report.clock_offsets_s.empty()) return nullptr;
  json::array offsets;
  for (const double offset : report.clock_offsets_s) offsets.push_back(offset);
  return json::object{{"offset_s", std::move(offsets)}, {"error_s", number(report.clock_error_s)}};
}

}  // namespace

std::string load_json(const LoadReport& report) {
  json::array urls;
  for (const auto& [url, weight] : report.urls) urls.push_back({{"url", text(url)}, {"weight", weight}});
  json::object statuses;
  for (const auto& [status, count] : report.statuses) statuses[std::to_string(status)] = count;
  json::array bars;
  for (const LatencyBar& bar : report.bars)
    bars.push_back({{"below_s", number(bar.below_s)}, {"count", bar.count}});
  json::array remarks;
  for (const Remark& remark : report.remarks)
    remarks.push_back({{"tag", text(remark.tag)}, {"text", text(remark.text)}});
  json::array other_tools;
  for (const std::string& line : report.other_tools) other_tools.push_back(text(line));
  json::object document{
      {"schema", "lab.load/1"},
      {"complete", report.complete},
      {"incomplete_reason", report.complete ? json::value(nullptr) : text(report.incomplete)},
      {"urls", std::move(urls)},
      {"method", text(report.method)},
      {"load", text(report.load)},
      {"arrivals", text(report.arrivals)},
      {"threads", report.threads},
      {"ranks", report.ranks},
      {"seed", report.seed},
      {"span_s", report.span_s},
      {"requests_per_second", report.requests_per_second},
      {"requested_rate", number(report.requested_rate)},
      {"latency_s", spell_figures(report.latency)},
      {"uncorrected_latency_s", spell_figures(report.uncorrected)},
      {"lag_s", spell_figures(report.lag)},
      {"exact", report.exact},
      {"relative_error", report.exact ? 0.0 : report.histogram_error},
      {"books", spell_books(report.books)},
      {"statuses", std::move(statuses)},
      {"bytes_sent", report.bytes_sent},
      {"bytes_received", report.bytes_received},
      {"connections_opened", report.connections},
      {"connect_s", number(report.connect_s)},
      {"waited_for_connection", report.waited_for_connection},
      {"warm_up_requests", report.warm_up},
      {"burst_skew_s", number(report.burst_skew_s)},
      {"distribution", std::move(bars)},
      {"thresholds", spell_thresholds(report)},
      {"remarks", std::move(remarks)},
      {"other_tools", std::move(other_tools)},
      {"clocks", spell_clocks(report)},
      {"environment", spell_environment(report)}};
  return json::serialize(document) + "\n";
}

}  // namespace lab
