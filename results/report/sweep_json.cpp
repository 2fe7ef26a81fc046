#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/markup.hpp"
#include "results/report/sweep_report.hpp"
#include "results/store/json_words.hpp"

namespace lab {

namespace json = boost::json;

namespace {

json::object format_point(const SweepReport& report, const SweepPoint& point) {
  json::object settings;
  for (std::size_t i = 0; i < report.keys.size(); ++i)
    settings[valid_utf8(report.keys[i])] = json_text(point.values[i]);
  json::array cells;
  for (const SweepCell& cell : point.cells) {
    cells.push_back(
        {{"arm", json_text(cell.arm)},
         {"case", json_text(cell.case_id)},
         {"measured", cell.measured ? json::value(json_estimate(cell.measured)) : json::value(nullptr)},
         {"predicted", json_number(cell.predicted)},
         {"note", json_text_or_null(cell.note)}});
  }
  return {
      {"settings", std::move(settings)}, {"path", json_text_or_null(point.path)}, {"arms", std::move(cells)}};
}

std::string plain(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "";
}

}  // namespace

std::string sweep_json(const SweepReport& report) {
  json::array keys;
  for (const std::string& key : report.keys) keys.push_back(json_text(key));
  json::array points;
  for (const SweepPoint& point : report.points) points.push_back(format_point(report, point));
  json::array warnings;
  for (const std::string& warning : report.warnings) warnings.push_back(json_text(warning));
  return json::serialize(json::object{{"schema", "lab.sweep/1"},
                                      {"scenario", json_text(report.scenario)},
                                      {"question", json_text(report.question)},
                                      {"complete", report.complete},
                                      {"complete_reason", json_text_or_null(report.incomplete_reason)},
                                      {"predicted_only", report.predicted_only},
                                      {"path", json_text_or_null(report.path)},
                                      {"stat", to_string(report.stat)},
                                      {"unit", json_unit(report.stat)},
                                      {"vary", std::move(keys)},
                                      {"planned_points", report.planned},
                                      {"points", std::move(points)},
                                      {"warnings", std::move(warnings)}}) +
         "\n";
}

std::string sweep_csv(const SweepReport& report) {
  std::vector<std::string> heading = report.keys;
  heading.insert(heading.end(), {"arm", "case", "repetition", "stat", "value", "unit", "predicted", "note"});
  std::string out;
  const auto add = [&](std::vector<std::string> cells) {
    for (std::string& cell : cells) cell = csv_cell(cell);
    out += join(cells, ",") + "\n";
  };
  add(heading);
  const std::string unit = report.stat.is_time() ? "s" : report.stat.is_bytes() ? "bytes" : "";
  for (const SweepPoint& point : report.points) {
    for (const SweepCell& cell : point.cells) {
      const std::size_t rows = cell.measured ? cell.measured->samples.size() : 0;
      for (std::size_t i = 0; i < std::max<std::size_t>(rows, 1); ++i) {
        std::vector<std::string> cells = point.values;
        cells.insert(cells.end(), {cell.arm, cell.case_id, rows > 0 ? std::to_string(i + 1) : "",
                                   to_string(report.stat), rows > 0 ? plain(cell.measured->samples[i]) : "",
                                   unit, cell.predicted ? plain(*cell.predicted) : "", cell.note});
        add(std::move(cells));
      }
    }
  }
  return out;
}

std::string sweep_markdown(const SweepReport& report) {
  const std::vector<SweepSeries> series = series_of(report);
  std::vector<std::string> heading = report.keys;
  for (const SweepSeries& one : series) heading.push_back(one.name);
  std::string out =
      fmt::format("{} of {} over {}{}\n\n", to_string(report.stat), report.scenario, join(report.keys, ", "),
                  report.predicted_only ? ": the model alone, nothing was run"
                                        : ": median (interval), beside the model's prediction");
  out += markdown_row(heading) + "|";
  for (std::size_t i = 0; i < heading.size(); ++i) out += i < report.keys.size() ? " --- |" : " ---: |";
  out += "\n";
  for (const SweepPoint& point : report.points) {
    std::vector<std::string> cells = point.values;
    for (const SweepSeries& one : series) {
      const SweepCell* cell = find_cell(point, one);
      std::string value;
      if (cell != nullptr && cell->measured) {
        const Unit unit = unit_of(report.stat, cell->measured->median);
        value = quantity(cell->measured->median, unit);
        if (cell->measured->low && cell->measured->high)
          value += fmt::format(" ({}–{})", number(*cell->measured->low, unit),
                               number(*cell->measured->high, unit));
      }
      if (cell != nullptr && cell->predicted) {
        const std::string predicted = quantity(*cell->predicted, unit_of(report.stat, *cell->predicted));
        value += value.empty() ? predicted : fmt::format("; {}", predicted);
      }
      cells.push_back(value.empty() ? "–" : value);
    }
    out += markdown_row(cells);
  }
  if (!report.complete)
    out += fmt::format("\nIncomplete: {} of {} points.\n", report.points.size(), report.planned);
  return out;
}

}  // namespace lab
