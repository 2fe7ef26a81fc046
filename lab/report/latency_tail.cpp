#include "lab/report/latency_tail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/statistics/statistics.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/utf8.hpp"

namespace lab {

namespace {

constexpr std::size_t kNameWidth = 14;
constexpr std::size_t kFigureWidth = 12;

struct Quantile {
  const char* name;
  double q;
  std::optional<double> ArmReport::*place;
};
constexpr Quantile kQuantiles[] = {{"p90", 0.9, &ArmReport::latency_p90_s},
                                   {"p99", 0.99, &ArmReport::latency_p99_s},
                                   {"p99.9", 0.999, &ArmReport::latency_p999_s}};

std::string spell(const std::optional<double>& value) {
  return value ? format_duration(to_nanos(*value)) : "–";
}

}  // namespace

void tell_latencies(std::span<const RequestRecord> records, ArmReport& arm) {
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

void tell_latencies(const Histogram& latencies, ArmReport& arm) {
  if (latencies.count() == 0) return;
  arm.latency_min_s = seconds(latencies.min());
  arm.latency_max_s = seconds(latencies.max());
  arm.latency_median_s = seconds(latencies.quantile(0.5).value());
  for (const Quantile& one : kQuantiles) arm.*one.place = seconds(latencies.quantile(one.q).value());
  arm.latency_error = Histogram::kRelativeError;
}

std::optional<Note> tell_tails(const std::vector<ArmReport>& arms) {
  std::set<std::string> cases;
  for (const ArmReport& arm : arms) cases.insert(arm.case_id);
  std::string text = pad("latency", kNameWidth);
  for (const char* heading : {"p50", "p90", "p99", "p99.9", "max"}) text += pad(heading, kFigureWidth, true);
  bool any = false;
  double error = 0;
  for (const ArmReport& arm : arms) {
    if (!arm.latency_median_s) continue;
    any = true;
    error = std::max(error, arm.latency_error);
    const std::string name = cases.size() > 1 ? arm.arm + " " + arm.case_id : arm.arm;
    text += '\n' + pad(shorten(name, kNameWidth - 1, false), kNameWidth);
    text += pad(spell(arm.latency_median_s), kFigureWidth, true);
    for (const Quantile& one : kQuantiles) text += pad(spell(arm.*one.place), kFigureWidth, true);
    text += pad(spell(arm.latency_max_s), kFigureWidth, true);
  }
  if (!any) return std::nullopt;
  if (error > 0)
    text += fmt::format("\nquantiles within {:.2g} % of the exact ranks, maximum exact", error * 100);
  return Note{NoteKind::tail, text};
}

}  // namespace lab
