#include "lab/report/answer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/findings/words.hpp"
#include "lab/experiment/engines.hpp"
#include "results/render/spelling.hpp"

namespace lab {

namespace {

bool is_row_of(const Conclusion::Figure& figure, const ArmReport& arm) {
  return arm.arm == figure.arm && arm.case_id == figure.case_id;
}

std::optional<std::string> spell_row(const MeasureRow& row) {
  const std::optional<double> value = row.measured ? std::optional(row.measured->median) : row.predicted;
  if (!value) return std::nullopt;
  if (row.stat.is_time()) return spell(*value);
  if (row.stat.quantity == Stat::Quantity::share) return fmt::format("{:.0f} %", 100 * *value);
  return quantity(*value, row.stat.is_bytes() ? byte_unit(*value) : plain_unit(*value));
}

std::optional<std::string> spell_figure(const Conclusion::Figure& figure, const ArmReport& arm) {
  if (!arm.not_run.empty() && !arm.makespan_s) return std::nullopt;
  if (arm.verdict == Verdict::instrument_fault) return std::nullopt;
  if (figure.stat == Stat{}) {
    if (arm.makespan_s) return spell(arm.makespan_s->median);
    return arm.predicted_s ? std::optional(spell(*arm.predicted_s)) : std::nullopt;
  }
  const auto row = std::find_if(arm.measures.begin(), arm.measures.end(),
                                [&](const MeasureRow& measure) { return measure.stat == figure.stat; });
  return row == arm.measures.end() ? std::nullopt : spell_row(*row);
}

}  // namespace

std::optional<std::string> answer_sentence(const Conclusion& answer, const std::vector<ArmAnalysis>& arms) {
  if (answer.words.empty()) return std::nullopt;
  std::string sentence = answer.words.front();
  for (std::size_t i = 0; i < answer.figures.size(); ++i) {
    const Conclusion::Figure& figure = answer.figures[i];
    const ArmReport* row = nullptr;
    for (const ArmAnalysis& arm : arms) {
      if (!is_row_of(figure, arm.report)) continue;
      const bool ours = arm.report.engine.is(kNative);
      if (row == nullptr || (ours && !row->engine.is(kNative))) row = &arm.report;
    }
    const auto text = row == nullptr ? std::nullopt : spell_figure(figure, *row);
    if (!text) return std::nullopt;
    sentence += *text + answer.words[i + 1];
  }
  return sentence;
}

bool speaks_of(const Conclusion& answer, const ArmReport& arm) {
  return std::any_of(answer.figures.begin(), answer.figures.end(),
                     [&](const Conclusion::Figure& figure) { return is_row_of(figure, arm); });
}

}  // namespace lab
