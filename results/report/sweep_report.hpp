#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/statistics/statistics.hpp"
#include "results/render/page.hpp"

namespace lab {

/// One arm on one case at one point of a sweep.
struct SweepCell {
  std::string arm;  ///< on its engine: `async-loop on fastapi`
  std::string case_id;
  std::optional<Estimate> measured;
  std::optional<double> predicted;
  std::optional<std::string> note;  ///< why nothing was measured, or what is wrong with it
};

struct SweepPoint {
  std::vector<std::string> values;  ///< one per key
  std::string path;                 ///< of its run, or empty
  std::vector<SweepCell> cells;
};

/// What `lab sweep` reports, as plain values; made by lab/cli/sweep.cpp.
struct SweepReport {
  std::string scenario, question;
  Stat stat;
  bool predicted_only = false;
  bool complete = true;
  std::string incomplete_reason;
  std::string path;               ///< of the sweep's folder, or empty
  std::vector<std::string> keys;  ///< what is varied
  std::size_t planned = 0;        ///< points in all
  std::vector<SweepPoint> points;
  std::vector<std::string> warnings;
};

/// A line of the plot: one series at fixed values of all keys but the one along the axis.
struct SweepCurve {
  struct Mark {
    std::size_t place = 0;  ///< index of the value on the axis
    std::optional<Estimate> measured;
    std::optional<double> predicted;
  };
  std::string name;  ///< `workers-4, d=100ms`
  std::vector<Mark> marks;
};
struct SweepPlot {
  std::string key;
  std::vector<std::string> places;  ///< of the axis, at equal distances, in the order they were given
  std::vector<SweepCurve> curves;
  double least = 0, most = 1;
  bool logarithmic = false;  ///< where the values span more than a factor of 15
  /// 0 at the foot of the plot, 1 at its top; and back.
  double height(double value) const;
  double value_at(double height) const;
};
SweepPlot plot_of(const SweepReport& report);

/// Table, plot and remarks.
std::string sweep_text(const SweepReport& report, const TextStyle& style);
/// lab.sweep/1, one document with a newline at its end.
std::string sweep_json(const SweepReport& report);
/// One row per point, arm, case and repetition.
std::string sweep_csv(const SweepReport& report);
std::string sweep_markdown(const SweepReport& report);
std::string sweep_svg(const SweepReport& report);

}  // namespace lab
