#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/markup.hpp"
#include "results/report/export.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace {

std::string value_text(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? fmt::format("{}", *value) : "";
}

void add_rows(const ArmReport& arm, const MeasureRow& row, std::string& out) {
  std::vector<double> values;
  if (row.measured)
    values =
        row.measured->samples.empty() ? std::vector<double>{row.measured->median} : row.measured->samples;
  const auto add = [&](const std::string& repetition, const std::string& value) {
    const bool makespan = row.stat == Stat{};
    const std::vector<std::string> cells{arm.arm,
                                         arm.case_id,
                                         arm.engine.kind,
                                         repetition,
                                         to_string(row.stat),
                                         value,
                                         row.stat.is_time() ? "s" : "",
                                         arm.mode,
                                         fmt::format("{}", arm.workers),
                                         arm.threads ? fmt::format("{}", *arm.threads) : "",
                                         fmt::format("{}", arm.requests),
                                         value_text(makespan ? arm.bound_s : std::nullopt),
                                         value_text(row.predicted),
                                         value_text(row.documented),
                                         std::string(to_string(row.verdict)),
                                         arm.label};
    std::vector<std::string> spelled;
    for (const std::string& each : cells) spelled.push_back(csv_cell(each));
    out += join(spelled, ",") + "\n";
  };
  if (values.empty()) add("", arm.engine.is(kModel) ? value_text(row.predicted) : "");
  for (std::size_t i = 0; i < values.size(); ++i) add(fmt::format("{}", i + 1), value_text(values[i]));
}

}  // namespace

std::string to_csv(const Report& report) {
  std::string out =
      "arm,case,engine,repetition,stat,value,unit,mode,workers,threads,requests,bound,predicted,documented,"
      "verdict,"
      "label\n";
  for (const ArmReport& arm : report.arms) {
    for (const MeasureRow& row : arm.measures) add_rows(arm, row, out);
  }
  return out;
}

// One heading for all.
extern const ReportFormat k_format_csv{"csv", [](const FormatInput& input) -> Result<std::string> {
                                         std::string text;
                                         for (const Report& report : input.reports) {
                                           const std::string csv = to_csv(report);
                                           text += text.empty() ? csv : csv.substr(csv.find('\n') + 1);
                                         }
                                         return text;
                                       }};

}  // namespace lab
