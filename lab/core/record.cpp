#include "lab/core/record.hpp"

#include <fmt/format.h>

#include <numeric>

namespace lab {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok: return "ok";
    case Outcome::unsent: return "unsent";
    case Outcome::unfinished: return "unfinished";
    case Outcome::refused: return "refused";
    case Outcome::reset: return "reset";
    case Outcome::closed: return "closed";
    case Outcome::timeout: return "timeout";
    case Outcome::bad_reply: return "bad_reply";
    case Outcome::bad_status: return "bad_status";
    case Outcome::harness_fault: return "harness_fault";
    case Outcome::hung_up: return "hung_up";
    case Outcome::extra: return "extra";
  }
  return "?";
}

namespace {

std::int64_t sum_of(const std::map<std::string, std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0},
                         [](std::int64_t sum, const auto& count) { return sum + count.second; });
}

}  // namespace

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
