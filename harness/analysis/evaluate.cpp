#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "harness/statistics/statistics.hpp"
#include "harness/trace/occupancy.hpp"

namespace lab {

namespace {

using Quantity = Stat::Quantity;
using Aggregate = Stat::Aggregate;

/// Of a request that failed: longer than any.
constexpr double kNeverEnded = std::numeric_limits<double>::infinity();

bool is_slowness(Quantity quantity) {
  return quantity == Quantity::latency || (quantity >= Quantity::unread && quantity <= Quantity::reply);
}

struct Extent {
  Nanos begin = 0;
  Nanos end = 0;
};

// One part of a request's latency. A server that is not ours leaves stamps out; they are then 0, before
// `sent`. (In virtual time 0 is a time like any other, and there `sent` is never after it.)
std::optional<double> part_of(const RequestRecord& record, Quantity quantity) {
  Extent span;
  switch (quantity) {
    case Quantity::latency: return seconds(record.received - record.intended);
    case Quantity::lag: return seconds(record.sent - record.intended);
    case Quantity::unread: span = {record.sent, record.read}; break;
    case Quantity::runnable: span = {record.read, record.started}; break;
    case Quantity::service: span = {record.started, record.finished}; break;
    case Quantity::reply: span = {record.finished, record.received}; break;
    case Quantity::value:
      return record.value >= 0 ? std::optional(static_cast<double>(record.value)) : std::nullopt;
    default: return std::nullopt;
  }
  if (span.begin < record.sent || span.end < record.sent) return std::nullopt;
  return seconds(span.end - span.begin);
}

std::optional<double> aggregate(const std::vector<double>& values, Aggregate how) {
  if (values.empty()) return std::nullopt;
  switch (how) {
    case Aggregate::min: return *std::ranges::min_element(values);
    case Aggregate::max: return *std::ranges::max_element(values);
    case Aggregate::mean:
      return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    case Aggregate::median: return median_of(values);
    case Aggregate::p90: return supported_percentile(values, 0.90);
    case Aggregate::p95: return supported_percentile(values, 0.95);
    case Aggregate::p99: return supported_percentile(values, 0.99);
    case Aggregate::none: break;
  }
  return std::nullopt;
}

bool was_sent(const RequestRecord& record) {
  return record.outcome != Outcome::unsent;
}

bool failed(const RequestRecord& record) {
  return was_sent(record) && record.outcome != Outcome::ok && record.outcome != Outcome::unfinished;
}

bool passes_filter(const RequestRecord& record, const Stat& stat) {
  if (stat.status) return record.status == *stat.status;
  return stat.errors ? failed(record) : record.outcome == Outcome::ok;
}

bool is_of_route(const RequestRecord& record, const Stat& stat, std::span<const Route> routes) {
  return stat.route.empty() || (record.route < routes.size() && routes[record.route].name == stat.route);
}

/// From a first request's intended time to the last answer to a question about it.
std::vector<double> turnarounds(const Stat& stat, const RepetitionData& data) {
  std::map<std::uint32_t, const RequestRecord*> last;  // by parent
  for (const RequestRecord& record : data.records) {
    if (record.parent == 0) continue;
    const RequestRecord*& known = last[record.parent];
    if (known == nullptr || record.id > known->id) known = &record;
  }
  std::vector<double> times;
  for (const RequestRecord& record : data.records) {
    if (!is_of_route(record, stat, data.routes)) continue;
    if (data.is_failure && data.is_failure(record)) times.push_back(kNeverEnded);
    const auto followed = last.find(record.id);
    if (followed == last.end() || followed->second->outcome != Outcome::ok) continue;
    times.push_back(seconds(followed->second->received - record.intended));
  }
  return times;
}

/// Nothing where the request that decides it never ended.
std::optional<double> known(std::optional<double> time) {
  return time && std::isfinite(*time) ? time : std::nullopt;
}

}  // namespace

std::optional<double> evaluate(const Stat& stat, const RepetitionData& data) {
  if (stat.of_server()) return server_stat(stat, data);
  if (stat.quantity == Quantity::turnaround) return known(aggregate(turnarounds(stat, data), stat.aggregate));
  std::vector<double> parts;
  std::optional<Extent> whole;  // of the ok replies
  double ok = 0;
  double sent = 0;
  double counted = 0;
  bool whole_failed = false;
  for (const RequestRecord& record : data.records) {
    if (!is_of_route(record, stat, data.routes)) continue;
    if (was_sent(record)) {
      ++sent;
      if (passes_filter(record, stat)) ++counted;
    }
    if (data.is_failure && data.is_failure(record)) {
      if (is_slowness(stat.quantity)) parts.push_back(kNeverEnded);
      whole_failed = true;
    }
    if (record.outcome != Outcome::ok) continue;
    ++ok;
    if (const auto part = part_of(record, stat.quantity)) parts.push_back(*part);
    if (!whole) whole = Extent{record.sent, record.received};
    whole = Extent{std::min(whole->begin, record.sent), std::max(whole->end, record.received)};
  }
  switch (stat.quantity) {
    case Quantity::makespan:
      if (!whole || whole_failed) return std::nullopt;
      return seconds(whole->end - whole->begin);
    case Quantity::throughput:
      if (!whole || whole->end == whole->begin) return std::nullopt;
      return ok / seconds(whole->end - whole->begin);
    case Quantity::share: return sent > 0 ? std::optional(counted / sent) : std::nullopt;
    case Quantity::count: return counted;
    default: return known(aggregate(parts, stat.aggregate));
  }
}

}  // namespace lab
