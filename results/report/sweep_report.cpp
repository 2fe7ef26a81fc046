#include "results/report/sweep_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr double kLogarithmicFrom = 15;

std::size_t place_of(const std::vector<std::string>& values, const std::string& value) {
  return static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
}

/// The values of each key, in the order in which they come.
std::vector<std::vector<std::string>> values_of(const SweepReport& report) {
  std::vector<std::vector<std::string>> values(report.keys.size());
  for (const SweepPoint& point : report.points) {
    for (std::size_t i = 0; i < values.size() && i < point.values.size(); ++i) {
      if (place_of(values[i], point.values[i]) == values[i].size()) values[i].push_back(point.values[i]);
    }
  }
  return values;
}

void find_range(SweepPlot& plot) {
  double least = std::numeric_limits<double>::max();
  double most = std::numeric_limits<double>::lowest();
  const auto see = [&](const std::optional<double>& value) {
    if (!value || !std::isfinite(*value)) return;
    least = std::min(least, *value);
    most = std::max(most, *value);
  };
  for (const SweepCurve& curve : plot.curves) {
    for (const SweepCurve::Mark& mark : curve.marks) {
      see(mark.predicted);
      if (!mark.measured) continue;
      see(mark.measured->median);
      see(mark.measured->low);
      see(mark.measured->high);
    }
  }
  if (least > most) return;
  plot.logarithmic = least > 0 && most / least > kLogarithmicFrom;
  plot.least = plot.logarithmic ? least : std::min(0.0, least);
  plot.most = most > plot.least ? most : plot.least + 1;
}

}  // namespace

std::vector<SweepSeries> series_of(const SweepReport& report) {
  std::vector<SweepSeries> series;
  bool many_cases = false;
  for (const SweepPoint& point : report.points) {
    for (const SweepCell& cell : point.cells) {
      many_cases |= !series.empty() && cell.case_id != series.front().case_id;
      const bool known = std::any_of(series.begin(), series.end(), [&](const SweepSeries& one) {
        return one.arm == cell.arm && one.case_id == cell.case_id;
      });
      if (!known) series.push_back({cell.arm, cell.arm, cell.case_id});
    }
  }
  for (SweepSeries& one : series) {
    if (many_cases) one.name = fmt::format("{} ({})", one.arm, one.case_id);
  }
  return series;
}

const SweepCell* find_cell(const SweepPoint& point, const SweepSeries& series) {
  const auto found = std::find_if(point.cells.begin(), point.cells.end(), [&](const SweepCell& cell) {
    return cell.arm == series.arm && cell.case_id == series.case_id;
  });
  return found == point.cells.end() ? nullptr : &*found;
}

double SweepPlot::height(double value) const {
  if (!logarithmic) return (value - least) / (most - least);
  return std::log(std::max(value, least) / least) / std::log(most / least);
}

SweepPlot plot_of(const SweepReport& report) {
  SweepPlot plot;
  const auto values = values_of(report);
  std::size_t axis = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (values[i].size() > values[axis].size()) axis = i;
  }
  if (values.empty()) return plot;
  plot.key = report.keys[axis];
  plot.places = values[axis];
  for (const SweepSeries& series : series_of(report)) {
    for (const SweepPoint& point : report.points) {
      const SweepCell* cell = find_cell(point, series);
      if (cell == nullptr) continue;
      std::string name = series.name;
      for (std::size_t i = 0; i < point.values.size(); ++i) {
        if (i != axis && values[i].size() > 1)
          name += fmt::format(", {}={}", report.keys[i], point.values[i]);
      }
      auto curve = std::find_if(plot.curves.begin(), plot.curves.end(),
                                [&](const SweepCurve& one) { return one.name == name; });
      if (curve == plot.curves.end()) curve = plot.curves.insert(curve, {name, {}});
      curve->marks.push_back({place_of(plot.places, point.values[axis]), cell->measured, cell->predicted});
    }
  }
  for (SweepCurve& curve : plot.curves) {
    std::stable_sort(curve.marks.begin(), curve.marks.end(),
                     [](const auto& a, const auto& b) { return a.place < b.place; });
  }
  find_range(plot);
  return plot;
}

}  // namespace lab
