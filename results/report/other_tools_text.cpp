#include "results/report/other_tools_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

#include "harness/findings/words.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/spelling.hpp"
#include "results/render/wrap.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

namespace {

constexpr std::size_t kToolIndent = 15;

/// `p50 1.001 s`; 0 where the tool prints nothing, as it does itself.
std::string percentiles(const ToldLatencies& told) {
  std::vector<std::string> parts;
  for (const ToldPercentile& one : told.percentiles) {
    parts.push_back(fmt::format("p{:g} {}", one.percent,
                                one.latency_s ? quantity(*one.latency_s, time_unit(*one.latency_s)) : "0"));
  }
  return join(parts, ", ");
}

std::string missing(const ToldLatencies& told, std::int64_t all, std::string_view why) {
  return told.counted == all ? "" : fmt::format("; {} of {} {}", told.counted, all, why);
}

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

/// Did all of them belong to loads that have a rate?
bool is_paced(const Scenario& scenario, const std::string& case_id,
              const std::vector<RequestRecord>& records) {
  const auto set = std::find_if(scenario.cases.begin(), scenario.cases.end(),
                                [&](const Case& each) { return each.id == case_id; });
  return set != scenario.cases.end() &&
         std::all_of(records.begin(), records.end(), [&](const RequestRecord& record) {
           return record.load < set->loads.size() && has_rate(set->loads[record.load].arrivals);
         });
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

std::string other_tools_text(const OtherTools& others, const TextStyle& style) {
  const auto width = static_cast<std::size_t>(std::max(style.width, 40));
  const std::int64_t all = others.truth.counted;
  std::string out;
  const auto add = [&](const std::string& tool, const std::string& text) {
    for (const std::string& line :
         wrap(printable(text, style.ascii), pad("  " + tool, kToolIndent), kToolIndent, width))
      out += line + "\n";
  };
  double most = 50;
  for (const ToldPercentile& one : others.truth.percentiles) {
    if (carries_percentile(all, one.percent / 100)) most = std::max(most, one.percent);
  }
  add("here",
      percentiles(others.truth) +
          (most < 99 ? fmt::format("; {} cannot support a percentile above p{:g}", count(all, "value"), most)
                     : ""));
  add("wrk",
      percentiles(others.wrk) + missing(others.wrk, all, "replies are counted: those past 2 s are dropped") +
          (others.wrk.added == 0
               ? ""
               : fmt::format("; it adds {} for requests that it holds to be missing", others.wrk.added)));
  const bool zeros = std::any_of(others.hey.percentiles.begin(), others.hey.percentiles.end(),
                                 [](const ToldPercentile& one) { return !one.latency_s; });
  add("hey", percentiles(others.hey) + (zeros ? "; the zeros are its own" : ""));
  add("autocannon", percentiles(others.autocannon) + (others.autocannon.counted == all
                                                          ? ""
                                                          : fmt::format("; its count is {} instead of {}",
                                                                        others.autocannon.counted, all)));
  if (!others.closed_loop.percentiles.empty()) {
    add("one client", percentiles(others.closed_loop) +
                          missing(others.closed_loop, all,
                                  "requests would have been sent: it waits for each reply before the next"));
  }
  return out;
}

std::string other_tools_text(const Run& run, const Scenario& scenario, const TextStyle& style) {
  std::string out = "What other tools would have printed of the same replies (first repetition)\n";
  std::set<std::tuple<std::string, std::string, std::string>> told;
  for (const RunRepetition& kept : run.repetitions) {
    if (kept.engine == kModel) continue;
    if (!told.insert({kept.arm, kept.engine, kept.case_id}).second) continue;
    RunRepetition room;
    const RunRepetition& repetition = whole(kept, room);
    std::string name = repetition.arm;
    if (repetition.engine != kNative && repetition.engine != kServer) name += " on " + repetition.engine;
    if (scenario.cases.size() > 1) name += fmt::format(" ({})", repetition.case_id);
    for (std::uint32_t route = 0; route < scenario.routes.size(); ++route) {
      std::vector<RequestRecord> asked;
      std::copy_if(repetition.records.begin(), repetition.records.end(), std::back_inserter(asked),
                   [&](const RequestRecord& record) { return record.route == route; });
      const std::vector<Answer> answers = answers_of(asked);
      if (answers.empty()) continue;
      const std::string heading =
          scenario.routes.size() > 1 ? fmt::format("{}, {}", name, scenario.routes[route].name) : name;
      out +=
          printable(heading, style.ascii) + "\n" +
          other_tools_text(what_others_print(answers, is_paced(scenario, repetition.case_id, asked)), style);
    }
  }
  return out;
}

}  // namespace lab
