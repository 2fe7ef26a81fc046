#include "results/report/repetition.hpp"

#include <algorithm>

#include "harness/model/model.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

namespace {

/// A failure that the scenario did not ask for by its own kills, by clients that hang up, by a queue that is
/// full or a body that is too large, or by questions about a job.
bool is_unasked_failure(const RequestRecord& record, const std::vector<Route>& routes,
                        const Case& load_case) {
  constexpr int kTooLarge = 413, kFull = 503;
  switch (record.outcome) {
    case Outcome::ok:
    case Outcome::unsent:
    case Outcome::unfinished:
    case Outcome::hung_up: return false;
    default: break;
  }
  if (record.parent != 0 || record.route >= routes.size() || record.load >= load_case.loads.size())
    return record.parent == 0;
  const Route& route = routes[record.route];
  if (record.status == kTooLarge) return load_case.loads[record.load].body_bytes <= route.body_limit;
  return record.status != kFull || !has_step<Enqueue>(route.plan);
}

}  // namespace

RunRepetition simulate_repetition(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                                  int number, std::uint64_t seed, bool with_events, std::uint64_t lot,
                                  Nanos slice) {
  RunRepetition repetition;
  repetition.arm = arm.id;
  repetition.case_id = load_case.id;
  repetition.engine = kModel;
  repetition.number = number;
  repetition.began = kModelStart;
  const ModelInput input{&scenario.routes, &arm, &load_case, cores, seed, lot, false, slice};
  simulate(input, &repetition.records, with_events ? &repetition.events : nullptr);
  std::sort(repetition.records.begin(), repetition.records.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.id < b.id; });
  return repetition;
}

std::optional<double> evaluate(const Stat& stat, const RunRepetition& repetition,
                               const std::vector<Route>& routes, const Case& load_case) {
  const ServerUse* server = repetition.server.known() ? &repetition.server : nullptr;
  RepetitionData data{repetition.records,
                      routes,
                      &repetition.events,
                      server,
                      kills_of(repetition, load_case),
                      repetition.began,
                      repetition.engine != kNative && repetition.engine != kModel};
  if (repetition.engine != kModel && data.kills.empty())
    data.is_failure = [&](const auto& record) { return is_unasked_failure(record, routes, load_case); };
  if (repetition.aside)
    data.each_event = [&repetition](const auto& visit) { for_each_event(repetition, visit); };
  return evaluate(stat, data);
}

}  // namespace lab
