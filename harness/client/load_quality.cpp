#include "harness/client/load_quality.hpp"

#include <algorithm>
#include <ratio>
#include <vector>

#include "harness/statistics/statistics.hpp"
#include "lab/core/duration.hpp"

namespace lab {

namespace {
constexpr double kMedianLimit = 100e-6;
constexpr double kTailLimit = 1e-3;
constexpr double kLittle = 0.01;  // of what a request took: that late nobody can see
}  // namespace

Nanos send_skew(const Case& load_case, std::span<const RequestRecord> records) {
  std::optional<std::uint32_t> largest;
  for (std::uint32_t index = 0; index < load_case.loads.size(); ++index) {
    const Load& load = load_case.loads[index];
    if (load.arrivals != Arrivals::burst) continue;
    if (!largest || load.requests > load_case.loads[*largest].requests) largest = index;
  }
  if (!largest) return 0;
  Nanos first = 0;
  Nanos last = 0;
  for (const RequestRecord& record : records) {
    if (record.parent != 0 || record.load != *largest || record.sent == 0) continue;
    first = first == 0 ? record.sent : std::min(first, record.sent);
    last = std::max(last, record.sent);
  }
  return last - first;
}

std::optional<std::string> fell_behind(const Case& load_case, std::span<const RequestRecord> records) {
  std::vector<bool> burst_counted(load_case.loads.size(), false);
  std::vector<double> lags;
  std::vector<double> latencies;
  for (const RequestRecord& record : records) {
    const Load& load = load_case.loads[record.load];
    if (record.sent == 0 || record.parent != 0 || load.arrivals == Arrivals::closed || load.fresh_connections)
      continue;
    if (load.arrivals == Arrivals::burst) {
      if (burst_counted[record.load]) continue;
      burst_counted[record.load] = true;
    }
    lags.push_back(seconds(record.sent - record.intended));
    if (record.received != 0) latencies.push_back(seconds(record.received - record.intended));
  }
  const auto format_span = [](double value) { return format_duration(to_nanos(value)); };
  const auto median = nearest_rank(lags, 0.5);
  const auto tail = nearest_rank(lags, 0.99);
  const double little = kLittle * nearest_rank(latencies, 0.5).value_or(0);
  if (tail && *tail > std::max(kTailLimit, little)) {
    // Few requests carry no percentile; of a burst alone it is one.
    const auto supported = supported_percentile(lags, 0.99);
    return supported
               ? fmt::format("the generator fell behind by {} at p99", format_span(*supported))
               : fmt::format("the generator fell behind by {} at worst", format_span(*nearest_rank(lags, 1)));
  }
  if (median && *median > std::max(kMedianLimit, little))
    return fmt::format("the generator fell behind by {} at the median", format_span(*median));
  return std::nullopt;
}

std::optional<double> take_computed_pace(Events& events) {
  std::vector<double> paces;
  for (const Event& event : events) {
    if (event.kind == EventKind::computed)
      paces.push_back(static_cast<double>(event.value) / std::micro::den);
  }
  if (paces.empty()) return std::nullopt;
  std::erase_if(events, [](const Event& event) { return event.kind == EventKind::computed; });
  return summarise(std::move(paces)).median;
}

}  // namespace lab
