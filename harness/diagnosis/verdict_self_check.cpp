#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/diagnosis/burst_fit.hpp"
#include "harness/diagnosis/verdict.hpp"

// What a verdict says of the bursts, and whether they bear it out.

namespace lab {

namespace {

/// Whether it says how long bursts take, and not only how long at least.
bool is_exact(const Diagnosis& verdict) {
  const bool dealt = verdict.execution == Execution::workers || verdict.balanced == false;
  // What computes takes longer while others compute too.
  return !dealt && !verdict.stalls && !verdict.varies && verdict.bound_by != BoundBy::cpu;
}

/// The most that so many at once take by a verdict; none where others that compute decide that. Of those that
/// were dealt, one worker may have got all.
std::optional<double> ceiling_seconds(const Diagnosis& verdict, int at_once) {
  if (is_exact(verdict)) return expected_makespan(verdict, at_once);
  if (verdict.stalls || verdict.varies || verdict.bound_by == BoundBy::cpu) return std::nullopt;
  return verdict.ahead_s + at_once * verdict.service_s;
}

/// Whether a reply came before its turn: of k at a time the first k come first, then the next k.
bool is_early(const Burst& burst, const Diagnosis& verdict, double below) {
  if (verdict.shared || verdict.varies || verdict.execution == Execution::concurrent) return false;
  for (std::size_t i = 0; i < burst.done.size(); ++i) {
    if (seconds(burst.done[i]) < below * floor_seconds(verdict, static_cast<int>(i) + 1)) return true;
  }
  return false;
}

}  // namespace

double expected_makespan(const Diagnosis& verdict, int at_once) {
  if (verdict.parallelism == 0) return 0;
  if (verdict.stalls) return verdict.service_s + at_once * verdict.stalls->share * verdict.stalls->took_s;
  if (verdict.shared)
    return std::max(1.0, static_cast<double>(at_once) / verdict.parallelism) * verdict.service_s;
  return pool_replies(at_once, verdict.parallelism, verdict.overhead_s / verdict.service_s,
                      verdict.ahead_s / verdict.service_s)
             .back() *
         verdict.service_s;
}

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
  return verdict.ahead_s + (verdict.shared ? std::max(1.0, turns) : std::ceil(turns)) * verdict.service_s;
}

std::string too_fast(const Observations& seen, const Diagnosis& verdict) {
  constexpr double kBelow = 0.91;  // of the floor: the service time is a fit
  const auto early = std::ranges::count_if(
      seen.bursts, [&](const Burst& burst) { return is_early(burst, verdict, kBelow); });
  if (early > 1) return fmt::format("in {} bursts some replies came too early", early);
  for (const auto& [at_once, measured] : makespans_by_size(seen)) {
    const double least = floor_seconds(verdict, at_once);
    if (median_of(measured) < kBelow * least) {
      return fmt::format("{} at once took {:.0f} ms, not {:.0f}", at_once, median_of(measured) * 1e3,
                         least * 1e3);
    }
  }
  return "";
}

std::string contradiction(const Observations& seen, const Diagnosis& verdict) {
  constexpr double kAbove = 1.5, kAboveSeconds = 0.01;
  for (const auto& [at_once, measured] : makespans_by_size(seen)) {
    const double fastest = *std::ranges::min_element(measured);
    const auto most = ceiling_seconds(verdict, at_once);
    if (most && measured.size() > 1 && fastest > kAbove * *most + kAboveSeconds)
      return fmt::format("{} at once took {:.0f} ms, not {:.0f}", at_once, fastest * 1e3, *most * 1e3);
  }
  return too_fast(seen, verdict);
}

}  // namespace lab
