#include <fmt/format.h>

#include "results/render/formatting.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace {

/// One row per repetition; one without a number where nothing was measured.
std::string rows_of(const ArmReport& arm, const MeasureRow& row) {
  std::string out;
  const auto add = [&](const std::string& repetition, const std::string& value) {
    out += csv_row({arm.arm, arm.case_id, arm.engine.kind, repetition, to_string(row.stat), value,
                    row.stat.is_time() ? "s" : "", arm.mode, fmt::format("{}", arm.workers),
                    arm.threads ? fmt::format("{}", *arm.threads) : "", fmt::format("{}", arm.requests),
                    number_cell(row.stat == Stat{} ? arm.bound_s : std::nullopt), number_cell(row.predicted),
                    number_cell(row.documented), std::string(to_string(row.verdict)), arm.label});
  };
  if (!row.measured) {
    add("", arm.engine.is(kModel) ? number_cell(row.predicted) : "");
  } else if (row.measured->samples.empty()) {
    add("1", number_cell(row.measured->median));
  } else {
    int repetition = 0;
    for (const double value : row.measured->samples) add(fmt::format("{}", ++repetition), number_cell(value));
  }
  return out;
}

}  // namespace

// One heading for all.
extern const ReportFormat k_format_csv{
    "csv", [](const FormatInput& input) -> Result<std::string> {
      std::string out =
          "arm,case,engine,repetition,stat,value,unit,mode,workers,threads,requests,bound,predicted,"
          "documented,verdict,label\n";
      for (const Report& report : input.reports) {
        for (const ArmReport& arm : report.arms) {
          for (const MeasureRow& row : arm.measures) out += rows_of(arm, row);
        }
      }
      return out;
    }};

}  // namespace lab
