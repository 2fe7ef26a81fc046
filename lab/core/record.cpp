#include "lab/core/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace lab {

namespace {

std::int64_t sum_of(const std::map<std::string, std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0},
                         [](std::int64_t sum, const auto& count) { return sum + count.second; });
}

}  // namespace

const RequestRecord* find_record(std::span<const RequestRecord> records, std::uint32_t id) {
  if (id != 0 && id <= records.size() && records[id - 1].id == id) return &records[id - 1];
  const auto at = std::ranges::lower_bound(records, id, {}, &RequestRecord::id);
  return id != 0 && at != records.end() && at->id == id ? &*at : nullptr;
}

void RequestCounts::add(const RequestRecord& record) {
  ++planned;
  const bool unconnected = record.outcome == Outcome::refused || record.outcome == Outcome::harness_fault;
  if (unconnected) ++not_sent[std::string(to_string(record.outcome))];
  if (unconnected || record.outcome == Outcome::unsent) {
    ++unsent;
    return;
  }
  ++sent;
  switch (record.outcome) {
    case Outcome::ok: ++ok; break;
    case Outcome::unfinished: ++unfinished; break;
    case Outcome::bad_status: ++errors[fmt::format("status_{}", record.status)]; break;
    default: ++errors[std::string(to_string(record.outcome))]; break;
  }
}

void RequestCounts::add(const RequestCounts& other) {
  planned += other.planned;
  unsent += other.unsent;
  sent += other.sent;
  ok += other.ok;
  unfinished += other.unfinished;
  for (const auto& [kind, count] : other.errors) errors[kind] += count;
  for (const auto& [kind, count] : other.not_sent) not_sent[kind] += count;
}

bool RequestCounts::adds_up() const {
  return planned == sent + unsent && sent == ok + sum_of(errors) + unfinished && sum_of(not_sent) <= unsent;
}

std::int64_t RequestCounts::failed() const {
  return sum_of(errors) + sum_of(not_sent);
}

}  // namespace lab
