#include "lab/experiment/load_others.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/analysis/other_tools.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/spelling.hpp"

namespace lab {

namespace {

std::string line_of(const std::string& name, const ToldLatencies& told) {
  std::string line = pad(name, 12);
  for (const ToldPercentile& each : told.percentiles) {
    if (each.percent != 50 && each.percent < 90) continue;  // a line has no room for all that hey prints
    const std::string value = each.latency_s ? quantity(*each.latency_s, time_unit(*each.latency_s)) : "0";
    line += fmt::format(" p{:g} {},", each.percent, value);
  }
  if (line.ends_with(',')) line.pop_back();
  line += fmt::format("; of {}", told.counted);
  return told.added > 0 ? line + fmt::format(" and {} added", told.added) : line;
}

}  // namespace

std::vector<std::string> other_tools_lines(const LoadTotals& totals, bool paced) {
  if (static_cast<std::int64_t>(totals.kept.size()) !=
      totals.samples.latency.size() + totals.error_replies.latency.size())
    return {"there were too many requests to keep each of them"};
  std::vector<Answer> answers;
  answers.reserve(totals.kept.size());
  for (const LoadSample& sample : totals.kept)
    answers.push_back({seconds(sample.intended), seconds(sample.latency)});
  std::sort(answers.begin(), answers.end(),
            [](const Answer& a, const Answer& b) { return a.intended_s < b.intended_s; });
  const OtherTools others = what_others_print(answers, paced);
  return {line_of("wrk", others.wrk), line_of("hey", others.hey), line_of("autocannon", others.autocannon),
          line_of("closed loop", others.closed_loop), line_of("nearest rank", others.truth)};
}

}  // namespace lab
