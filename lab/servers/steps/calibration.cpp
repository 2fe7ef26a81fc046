#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <mutex>
#include <vector>

#include "lab/servers/steps/work.hpp"

namespace lab {

namespace {

constexpr Nanos kTry = 8 * kMillisecond;
constexpr int kTries = 6;
constexpr Nanos kPaceTime = 5 * kMillisecond;
constexpr int kPaceTries = 4;
constexpr std::int64_t kMaxUnits = std::int64_t{1} << 40;

std::size_t index_of(Work work) {
  return static_cast<std::size_t>(work);
}

/// One step of each kind that the routes compute with, dependencies included.
std::vector<Compute> kinds_of(std::span<const Route> routes) {
  std::array<bool, kWorkKinds> seen{};
  std::vector<Compute> kinds;
  const auto look = [&](const Step& step) {
    const auto* compute = std::get_if<Compute>(&step.action);
    if (compute == nullptr || seen[index_of(compute->work)]) return;
    seen[index_of(compute->work)] = true;
    kinds.push_back(*compute);
  };
  for (const Route& route : routes) {
    for (const Dependency& dependency : route.depends) for_each_step(dependency.steps, look);
    for_each_step(route.plan, look);
  }
  return kinds;
}

TimeOfUnits on_the_clock(Compute compute) {
  return [compute](std::int64_t units) mutable -> Result<Nanos> {
    compute.units = units;
    const Nanos begun = monotonic_now();
    if (const auto done = run_work(compute, {}); !done) return done.error();
    return monotonic_now() - begun;
  };
}

/// The fastest of several tries: whatever else the machine does only makes them longer.
Result<Nanos> fastest_of(const TimeOfUnits& time_of, std::int64_t units, int tries) {
  Nanos fastest = 0;
  for (int i = 0; i < tries; ++i) {
    const auto tried = time_of(units);
    if (!tried) return tried.error();
    if (i == 0 || *tried < fastest) fastest = *tried;
  }
  return fastest;
}

}  // namespace

Result<double> units_per_second(const TimeOfUnits& time_of) {
  const auto once = fastest_of(time_of, 1, kTries);
  if (!once) return once.error();
  std::int64_t too_few = 1;
  for (;;) {
    std::int64_t units = too_few;
    Nanos beyond = 0;
    do {
      units *= 4;
      const auto tried = time_of(units + 1);
      if (!tried) return tried.error();
      beyond = std::max<Nanos>(1, *tried - *once);
    } while (beyond < kTry / 4 && units < kMaxUnits);
    units = std::max<std::int64_t>(
        too_few,
        std::llround(static_cast<double>(units) * static_cast<double>(kTry) / static_cast<double>(beyond)));
    const auto fastest = fastest_of(time_of, units + 1, kTries);
    if (!fastest) return fastest.error();
    beyond = std::max<Nanos>(*fastest - *once, 1);
    if (beyond >= kTry / 4 || units >= kMaxUnits) return static_cast<double>(units) / seconds(beyond);
    // A pause of the machine was taken for work: so few are done sooner.
    too_few = units * 2;
  }
}

Result<WorkRates> calibrate(std::span<const Route> routes) {
  static std::mutex mutex;
  static std::map<std::pair<Work, std::string>, double> known;
  const std::lock_guard lock(mutex);
  WorkRates rates{};
  for (const Compute& compute : kinds_of(routes)) {
    const auto key = std::make_pair(compute.work, compute.file);
    if (!known.contains(key)) {
      prepare_work(compute.work);
      const auto rate = units_per_second(on_the_clock(compute));
      if (!rate) return rate.error();
      known[key] = *rate;
    }
    rates[index_of(compute.work)] = known[key];
  }
  return rates;
}

double measure_pace(std::span<const Route> routes, const WorkRates& rates) {
  double sum = 0;
  int kinds = 0;
  for (const Compute& compute : kinds_of(routes)) {
    const double rate = rates[index_of(compute.work)];
    const std::int64_t units = std::max<std::int64_t>(1, std::llround(rate * seconds(kPaceTime)));
    if (rate <= 0) continue;
    const TimeOfUnits time_of = on_the_clock(compute);
    const auto once = fastest_of(time_of, 1, kPaceTries);
    const auto time = fastest_of(time_of, units + 1, kPaceTries);
    if (!once || !time || *time <= *once) continue;
    sum += seconds(*time - *once) / (static_cast<double>(units) / rate);
    ++kinds;
  }
  return kinds == 0 ? 1.0 : sum / kinds;
}

}  // namespace lab
