#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/formatting.hpp"
#include "results/report/load_report.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

namespace {

constexpr std::size_t kToolIndent = 15;

/// `p50 1.001 s`; 0 where the tool prints nothing, as it does itself.
std::string percentiles(const ReportedLatencies& reported, double least = 0) {
  std::vector<std::string> parts;
  for (const auto& [percent, latency_s] : reported.percentiles) {
    if (percent != 50 && percent < least) continue;
    parts.push_back(
        fmt::format("p{:g} {}", percent, latency_s ? quantity(*latency_s, time_unit(*latency_s)) : "0"));
  }
  return join(parts, ", ");
}

std::string missing(const ReportedLatencies& reported, std::int64_t all, std::string_view why) {
  return reported.counted == all ? "" : fmt::format("; {} of {} {}", reported.counted, all, why);
}

/// A line has no room for all that hey prints.
std::string line_of(const std::string& name, const ReportedLatencies& reported) {
  const std::string all = percentiles(reported, 90);
  return fmt::format("{}{}{}; of {}{}", pad(name, 12), all.empty() ? "" : " ", all, reported.counted,
                     reported.added > 0 ? fmt::format(" and {} added", reported.added) : "");
}

/// Did all of them belong to loads that have a rate?
bool is_paced(const Scenario& scenario, const std::string& case_id,
              const std::vector<RequestRecord>& records) {
  const auto set = std::ranges::find(scenario.cases, case_id, &Case::id);
  return set != scenario.cases.end() && std::ranges::all_of(records, [&](const RequestRecord& record) {
           return record.load < set->loads.size() && has_rate(set->loads[record.load].arrivals);
         });
}

void add_tools(const EmulatedTools& others, Page& page) {
  const std::int64_t all = others.truth.counted;
  const auto add = [&](const std::string& tool, const ReportedLatencies& reported, const std::string& more) {
    page.hanging(pad("  " + tool, kToolIndent), percentiles(reported) + more, kToolIndent);
  };
  double most = 50;
  for (const ReportedPercentile& one : others.truth.percentiles) {
    if (carries_percentile(all, one.percent / 100)) most = std::max(most, one.percent);
  }
  add("here", others.truth,
      most < 99 ? fmt::format("; {} are too few for a percentile above p{:g}", count(all, "value"), most)
                : "");
  const std::string added =
      others.wrk.added == 0
          ? ""
          : fmt::format("; it adds {} for requests that it considers missing", others.wrk.added);
  add("wrk", others.wrk,
      missing(others.wrk, all, "replies are counted: those after 2 s are dropped") + added);
  const bool zeros = std::ranges::any_of(others.hey.percentiles,
                                         [](const ReportedPercentile& one) { return !one.latency_s; });
  add("hey", others.hey, zeros ? "; only hey counts the zeros" : "");
  const std::int64_t counted = others.autocannon.counted;
  add("autocannon", others.autocannon,
      counted == all ? "" : fmt::format("; its count is {} instead of {}", counted, all));
  if (others.closed_loop.percentiles.empty()) return;
  add("one client", others.closed_loop,
      missing(others.closed_loop, all,
              "requests would have been sent: it waits for each reply before the next"));
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
  std::ranges::sort(answers, {}, &Answer::intended_s);
  const EmulatedTools others = what_others_print(answers, paced);
  return {line_of("wrk", others.wrk), line_of("hey", others.hey), line_of("autocannon", others.autocannon),
          line_of("closed loop", others.closed_loop), line_of("nearest rank", others.truth)};
}

std::string emulated_tools_text(const Run& run, const Scenario& scenario, const TextStyle& style) {
  Page page(style, 40);
  page.raw("What other tools would have reported for the same replies (first repetition)\n");
  std::set<std::tuple<std::string, std::string, std::string>> reported;
  for (const RunRepetition& kept : run.repetitions) {
    if (kept.engine == kModel) continue;
    if (!reported.insert({kept.arm, kept.engine, kept.case_id}).second) continue;
    RunRepetition room;
    const RunRepetition& repetition = whole(kept, room);
    std::string name = repetition.arm;
    if (repetition.engine != kNative && repetition.engine != kServer) name += " on " + repetition.engine;
    if (scenario.cases.size() > 1) name += fmt::format(" ({})", repetition.case_id);
    for (std::uint32_t route = 0; route < scenario.routes.size(); ++route) {
      std::vector<RequestRecord> asked;
      std::ranges::copy_if(repetition.records, std::back_inserter(asked),
                           [&](const RequestRecord& record) { return record.route == route; });
      const std::vector<Answer> answers = answers_of(asked);
      if (answers.empty()) continue;
      page.raw(printable(scenario.routes.size() > 1 ? name + ", " + scenario.routes[route].name : name,
                         style.ascii) +
               "\n");
      add_tools(what_others_print(answers, is_paced(scenario, repetition.case_id, asked)), page);
    }
  }
  return page.take();
}

}  // namespace lab
