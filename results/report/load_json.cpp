#include <boost/json.hpp>

#include "lab/core/utf8.hpp"
#include "results/report/load_report.hpp"
#include "results/store/json_words.hpp"

namespace lab {

namespace json = boost::json;

namespace {

json::object spell_figures(const LoadFigures& figures) {
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

json::object spell_environment(const LoadReport& report) {
  json::object environment{
      {"cores", report.cores}, {"kernel", json_text(report.kernel)}, {"noise", json_text(report.noise)}};
  for (const auto& [key, value] : report.environment) environment[valid_utf8(key)] = json_text(value);
  return environment;
}

json::array spell_thresholds(const LoadReport& report) {
  json::array rows;
  for (const ThresholdRow& row : report.thresholds) {
    rows.push_back({{"threshold", json_text(row.text)},
                    {"value", json_number(row.value)},
                    {"measured", json_text(row.measured)},
                    {"passed", row.passed}});
  }
  return rows;
}

json::value spell_clocks(const LoadReport& report) {
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
  json::array other_tools;
  for (const std::string& line : report.other_tools) other_tools.push_back(json_text(line));
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
      {"latency_s", spell_figures(report.latency)},
      {"uncorrected_latency_s", spell_figures(report.uncorrected)},
      {"error_latency_s", spell_figures(report.error_latency)},
      {"lag_s", spell_figures(report.lag)},
      {"exact", report.exact},
      {"relative_error", report.exact ? 0.0 : report.histogram_error},
      {"books", json_books(report.books)},
      {"closed",
       {{"before_reply", report.closed_before},
        {"in_reply", report.closed_in},
        {"after_reply", report.closed_after}}},
      {"statuses", std::move(statuses)},
      {"bytes_sent", report.bytes_sent},
      {"bytes_received", report.bytes_received},
      {"connections_opened", report.connections},
      {"connect_s", json_number(report.connect_s)},
      {"waited_for_connection", report.waited_for_connection},
      {"warm_up_requests", report.warm_up},
      {"burst_skew_s", json_number(report.burst_skew_s)},
      {"distribution", std::move(bars)},
      {"thresholds", spell_thresholds(report)},
      {"remarks", std::move(remarks)},
      {"other_tools", std::move(other_tools)},
      {"clocks", spell_clocks(report)},
      {"environment", spell_environment(report)}};
  return json::serialize(document) + "\n";
}

}  // namespace lab
