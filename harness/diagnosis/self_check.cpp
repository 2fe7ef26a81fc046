#include "harness/diagnosis/self_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "harness/diagnosis/burst_fit.hpp"

namespace lab {

namespace {

std::map<int, std::vector<double>> makespans_by_size(const Observations& seen) {
  std::map<int, std::vector<double>> makespans;
  for (const Burst& burst : seen.bursts) {
    if (!burst.done.empty()) makespans[burst.at_once].push_back(seconds(burst.done.back()));
  }
  return makespans;
}

/// Whether it says how long bursts take, and not only how long at least.
bool is_exact(const Diagnosis& verdict) {
  const bool dealt = verdict.execution == Execution::workers || verdict.balanced == false;
  // What computes takes longer while others compute too.
  return !dealt && !verdict.stalls && verdict.bound_by != BoundBy::cpu;
}

/// Whether a reply came before its turn: of k at a time the first k come first, then the next k.
bool is_early(const Burst& burst, const Diagnosis& verdict, double below) {
  if (verdict.shared || verdict.execution == Execution::concurrent) return false;
  for (std::size_t i = 0; i < burst.done.size(); ++i) {
    if (seconds(burst.done[i]) < below * floor_seconds(verdict, static_cast<int>(i) + 1)) return true;
  }
  return false;
}

}  // namespace

double floor_seconds(const Diagnosis& verdict, int at_once) {
  if (verdict.parallelism == 0) return 0;
  const double turns = static_cast<double>(at_once) / verdict.parallelism;
  switch (verdict.execution) {
    case Execution::unknown: return 0;
    case Execution::concurrent: return verdict.service_s;
    case Execution::serial: return at_once * verdict.service_s;
    case Execution::pool:
    case Execution::workers: break;
  }
  return (verdict.shared ? std::max(1.0, turns) : std::ceil(turns)) * verdict.service_s;
}

std::string contradiction(const Observations& seen, const Diagnosis& verdict) {
  constexpr double kBelow = 0.9;  // of the floor: the service time is a fit
  constexpr double kAbove = 1.5, kAboveSeconds = 0.01;
  const auto early = std::count_if(seen.bursts.begin(), seen.bursts.end(),
                                   [&](const Burst& burst) { return is_early(burst, verdict, kBelow); });
  if (early > 1) return fmt::format("of {} bursts some replies came too early", early);
  for (const auto& [at_once, measured] : makespans_by_size(seen)) {
    const double least = floor_seconds(verdict, at_once);
    if (median_of(measured) < kBelow * least) {
      return fmt::format("{} at once took {:.0f} ms, not {:.0f}", at_once, median_of(measured) * 1e3,
                         least * 1e3);
    }
    const double fastest = *std::min_element(measured.begin(), measured.end());
    const double expected = expected_makespan(verdict, at_once);
    if (is_exact(verdict) && measured.size() > 1 && fastest > kAbove * expected + kAboveSeconds) {
      return fmt::format("{} at once took {:.0f} ms, not {:.0f}", at_once, fastest * 1e3, expected * 1e3);
    }
  }
  return "";
}

}  // namespace lab
