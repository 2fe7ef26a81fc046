#include "results/report/own_time.hpp"

#include <algorithm>
#include <cmath>

#include "harness/model/model.hpp"
#include "harness/statistics/statistics.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

namespace {

constexpr Nanos kProbe = kMillisecond;
constexpr double kFewest = 10;
constexpr std::int64_t kMaxSimulated = 20'000;  // requests

double simulated_makespan(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                          std::uint64_t seed) {
  return simulate({&scenario.routes, &arm, &load_case, cores, seed}).makespan_s;
}

/// Of one repetition, in seconds; none where anything failed.
std::optional<double> measured_makespan(const RunRepetition& repetition, const Scenario& scenario,
                                        const Case& load_case) {
  const bool answered =
      std::all_of(repetition.records.begin(), repetition.records.end(),
                  [](const RequestRecord& record) { return record.outcome == Outcome::ok; });
  return answered ? evaluate(Stat{}, repetition, scenario.routes, load_case) : std::nullopt;
}

}  // namespace

OwnTime find_own_time(const Scenario& scenario, const Arm& arm, int cores,
                      const std::vector<std::uint64_t>& seeds,
                      const std::map<std::string, std::vector<const RunRepetition*>>& measured) {
  OwnTime best;
  if (scenario.cases.size() < 2 || dealt_by_chance(arm)) return best;
  const Scenario probed = with_own_time(scenario, kProbe);
  double most = kFewest;
  for (const Case& load_case : scenario.cases) {
    const auto group = measured.find(load_case.id);
    const bool by_processes = std::any_of(load_case.loads.begin(), load_case.loads.end(),
                                          [](const Load& load) { return load.client_process; });
    if (by_processes) continue;  // what their clients take is not the framework's
    if (group == measured.end() || load_case.requests() > kMaxSimulated || !load_case.kills.empty()) continue;
    const double plain = simulated_makespan(scenario, arm, load_case, cores, seeds.front());
    const double in_a_row =
        (simulated_makespan(probed, arm, load_case, cores, seeds.front()) - plain) / seconds(kProbe);
    if (in_a_row < most) continue;
    std::vector<double> each;
    for (const RunRepetition* repetition : group->second) {
      RunRepetition room;
      const auto makespan = measured_makespan(whole(*repetition, room), scenario, load_case);
      const std::size_t number = static_cast<std::size_t>(std::max(1, repetition->number)) - 1;
      if (!makespan || number >= seeds.size()) continue;
      each.push_back((*makespan - simulated_makespan(scenario, arm, load_case, cores, seeds[number])) /
                     in_a_row);
    }
    if (each.empty()) continue;
    most = in_a_row;
    best = {load_case.id, std::max<Nanos>(0, std::llround(summarise(std::move(each)).median * 1e9))};
  }
  return best;
}

Scenario with_own_time(const Scenario& scenario, Nanos each) {
  Scenario loaded = scenario;
  for (Route& route : loaded.routes) route.plan.push_back({Compute{.duration = each}, true});
  return loaded;
}

}  // namespace lab
