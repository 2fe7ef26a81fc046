#include "results/report/arm_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/statistics/statistics.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

Members members_of(const Arm& arm) {
  Members members{.pool = arm.threads, .connections = arm.connections, .queue_workers = 0};
  for (const auto& [name, queue] : arm.queues) {
    // A shared queue's workers stand among the server's, by turns.
    members.queue_workers += queue.shared ? (queue.workers + arm.workers - 1) / arm.workers : queue.workers;
  }
  return members;
}

std::int64_t queue_workers_of(const Arm& arm) {
  std::int64_t all = 0;
  for (const auto& [name, queue] : arm.queues)
    all += queue.shared ? queue.workers : std::int64_t{queue.workers} * arm.workers;
  return all;
}

bool answers_with_an_id(const Arm& arm) {
  return std::ranges::any_of(arm.modes, [](const Traits& mode) { return mode.computing == Resource::queue; });
}

/// A server of one's own may do another plan, connections are cut for many reasons, and nobody reports
/// its workers' ends.
bool cannot_be_reported(const Finding& finding, const Arm& arm, const Case& load_case,
                        const std::string& engine) {
  if (finding.id == "LAB108") return engine == kServer || answers_with_an_id(arm);
  if (finding.id == "LAB116") return engine != kNative && engine != kModel && load_case.kills.empty();
  return false;
}

constexpr std::size_t kNameWidth = 14;
constexpr std::size_t kFigureWidth = 11;

struct Quantile {
  const char* name;
  double q;
  std::optional<double> ArmReport::*place;
};
constexpr Quantile kQuantiles[] = {{"p90", 0.9, &ArmReport::latency_p90_s},
                                   {"p99", 0.99, &ArmReport::latency_p99_s},
                                   {"p99.9", 0.999, &ArmReport::latency_p999_s}};

std::string format_span(const std::optional<double>& value) {
  return value ? format_seconds(*value) : "–";
}

}  // namespace

std::vector<Finding> find_in_repetition(const std::vector<Route>& routes, const Arm& arm,
                                        const Case& load_case, int cores, double pace,
                                        const RunRepetition& repetition) {
  return find_findings({.records = traced(repetition),
                        .events = repetition.events,
                        .routes = routes,
                        .load_case = load_case,
                        .kills = kills_of(repetition, load_case),
                        .supervision = repetition.supervision,
                        .members = members_of(arm),
                        .queue_workers = queue_workers_of(arm),
                        .workers = arm.workers,
                        .cores = cores,
                        .pace = pace,
                        .foreign = repetition.engine != kNative && repetition.engine != kModel,
                        .began = repetition.began});
}

std::vector<Finding> common_findings(std::vector<std::vector<Finding>> each, std::size_t typical,
                                     const Arm& arm, const Case& load_case, const std::string& engine) {
  std::map<std::string, std::size_t> seen;
  for (const std::vector<Finding>& some : each) {
    for (const Finding& finding : some) ++seen[finding.id];
  }
  std::rotate(each.begin(), each.begin() + static_cast<std::ptrdiff_t>(typical),
              each.begin() + static_cast<std::ptrdiff_t>(typical) + 1);
  std::vector<Finding> findings;
  for (std::vector<Finding>& some : each) {
    for (Finding& finding : some) {
      const bool known = contains(ids_of(findings), finding.id);
      const bool common = seen[finding.id] * 2 >= each.size();
      if (!known && common && !cannot_be_reported(finding, arm, load_case, engine))
        findings.push_back(std::move(finding));
    }
  }
  std::ranges::stable_sort(findings, std::ranges::greater{}, &Finding::cost_s);
  return findings;
}

void set_latencies(std::span<const RequestRecord> records, ArmReport& arm) {
  std::vector<double> latencies;
  for (const RequestRecord& record : records) {
    if (record.outcome == Outcome::ok) latencies.push_back(seconds(record.latency()));
  }
  if (latencies.empty()) return;
  const auto [least, most] = std::minmax_element(latencies.begin(), latencies.end());
  arm.latency_min_s = *least;
  arm.latency_max_s = *most;
  arm.latency_median_s = nearest_rank(latencies, 0.5);
  for (const Quantile& one : kQuantiles) arm.*one.place = supported_percentile(latencies, one.q);
}

void set_latencies(const Histogram& latencies, ArmReport& arm) {
  if (latencies.count() == 0) return;
  arm.latency_min_s = seconds(latencies.min());
  arm.latency_max_s = seconds(latencies.max());
  arm.latency_median_s = seconds(latencies.quantile(0.5).value());
  for (const Quantile& one : kQuantiles) arm.*one.place = seconds(latencies.quantile(one.q).value());
  arm.latency_error = Histogram::kRelativeError;
}

std::optional<Note> note_of_tails(const std::vector<ArmReport>& arms) {
  const bool cases = several_cases(arms);
  const auto name_of = [&](const ArmReport& arm) { return cases ? arm.arm + " " + arm.case_id : arm.arm; };
  std::size_t name_width = kNameWidth;
  for (const ArmReport& arm : arms) name_width = std::max(name_width, columns(name_of(arm)) + 1);
  std::string text = pad("latency", name_width);
  for (const char* heading : {"p50", "p90", "p99", "p99.9", "max"}) text += pad(heading, kFigureWidth, true);
  bool any = false;
  double error = 0;
  for (const ArmReport& arm : arms) {
    if (!arm.latency_median_s) continue;
    any = true;
    error = std::max(error, arm.latency_error);
    text += '\n' + pad(name_of(arm), name_width);
    text += pad(format_span(arm.latency_median_s), kFigureWidth, true);
    for (const Quantile& one : kQuantiles) text += pad(format_span(arm.*one.place), kFigureWidth, true);
    text += pad(format_span(arm.latency_max_s), kFigureWidth, true);
  }
  if (!any) return std::nullopt;
  if (error > 0)
    text += fmt::format("\nquantiles within {:.2g} % of the exact ranks, maximum exact", error * 100);
  return Note{NoteKind::tail, text};
}

}  // namespace lab
