#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/cells.hpp"
#include "results/report/export.hpp"

namespace lab {

namespace {

bool is_number(const std::string& cell) {
  double value = 0;
  const char* end = cell.data() + cell.size();
  const auto [rest, problem] = std::from_chars(cell.data(), end, value);
  return problem == std::errc() && rest == end && std::isfinite(value);
}

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

std::string csv_cell(const std::string& text) {
  std::string out = valid_utf8(text);
  const std::size_t first = out.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && std::string_view("=+-@").find(out[first]) != std::string_view::npos &&
      !is_number(out)) {
    out.insert(0, 1, '\'');
  }
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char letter : out) quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return quoted + "\"";
}

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

}  // namespace lab
