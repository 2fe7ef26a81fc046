#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <string_view>

#include "lab/core/text.hpp"
#include "results/render/formatting.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace {

/// Quoted as Go's encoding/csv wants it, on one line.
std::string cell(std::string_view text) {
  return csv_quoted(printable(text, false));
}

/// Nanoseconds since 1970 of `2026-11-21T09:30:00Z`; 0 where it is not such a text.
Nanos unix_time(const std::string& utc) {
  std::tm fields{};
  const char* end = strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%SZ", &fields);
  return end == nullptr ? 0 : timegm(&fields) * kSecond;
}

/// vegeta calls whatever has a text here a failure.
std::string error_of(const RequestRecord& record) {
  switch (record.outcome) {
    case Outcome::ok: return "";
    case Outcome::bad_status: return fmt::format("status {}", record.status);
    default: return std::string(to_string(record.outcome));
  }
}

std::int64_t bytes_of(const Scenario& scenario, const std::string& case_id, std::uint32_t load) {
  for (const Case& each : scenario.cases) {
    if (each.id == case_id && load < each.loads.size()) return each.loads[load].body_bytes;
  }
  return 0;
}

struct Hit {
  Nanos at = 0;  ///< since the run's first load
  const RequestRecord* record = nullptr;
  const std::string* case_id = nullptr;
};

/// The hits of each attack in order of time, for vegeta merges attacks by their timestamps.
std::map<std::string, std::vector<Hit>> attacks_of(const Run& run) {
  const bool many = several_cases(run.repetitions);
  const auto earliest = std::ranges::min_element(run.repetitions, {}, &RunRepetition::began);
  std::map<std::string, std::vector<Hit>> attacks;
  for (const RunRepetition& repetition : run.repetitions) {
    std::string name = repetition.arm;
    if (repetition.engine != "native") name += " on " + repetition.engine;
    if (many) name += " " + repetition.case_id;
    for (const RequestRecord& record : repetition.records) {
      if (record.outcome != Outcome::unsent)
        attacks[name].push_back({record.intended - earliest->began, &record, &repetition.case_id});
    }
  }
  for (auto& [name, hits] : attacks) {
    std::ranges::stable_sort(hits, {}, &Hit::at);
  }
  return attacks;
}

/// The 12 columns of `vegeta encode --to csv` (vegeta 12, lib/results.go), a line for each request that was
/// sent, in order of time; the attack's name is the arm's. Latencies count from the intended time. Bodies and
/// headers are not recorded, so their columns are empty and `bytes in` is 0. Unix time is that of the run's
/// start, which is known to the second, plus what the monotonic clock says. Refuses a run without sent
/// requests.
Result<std::string> to_vegeta(const FormatInput& input) {
  const auto attacks = attacks_of(*input.run);
  if (attacks.empty())
    return usage_error("--format: vegeta has a line for each request that was sent, and none was");
  const Nanos start = unix_time(input.run->header.started_utc);
  const std::vector<Route>& routes = input.scenario->routes;
  std::string out;
  for (const auto& [attack, hits] : attacks) {
    std::uint64_t sequence = 0;
    for (const Hit& hit : hits) {
      const RequestRecord& record = *hit.record;
      const bool known = record.route < routes.size();
      const Nanos latency = record.received > record.intended ? record.latency() : 0;
      out += fmt::format("{},{},{},{},0,{},,{},{},{},{},\n", start + hit.at, record.status, latency,
                         bytes_of(*input.scenario, *hit.case_id, record.load), cell(error_of(record)),
                         cell(attack), sequence++, known ? cell(routes[record.route].method) : "",
                         known ? cell("http://127.0.0.1" + routes[record.route].path) : "");
    }
  }
  return out;
}

}  // namespace

extern const ReportFormat k_format_vegeta{"vegeta", to_vegeta, true, true};

}  // namespace lab
