#include "lab/core/record.hpp"

#include <fmt/format.h>

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
  }
  return "?";
}

void Books::add(const RequestRecord& record) {
  ++planned;
  if (record.outcome == Outcome::unsent) {
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

void Books::add(const Books& other) {
  planned += other.planned;
  unsent += other.unsent;
  sent += other.sent;
  ok += other.ok;
  unfinished += other.unfinished;
  for (const auto& [kind, count] : other.errors) errors[kind] += count;
}

bool Books::balance() const {
  std::int64_t failed = 0;
  for (const auto& [kind, count] : errors) failed += count;
  return planned == sent + unsent && sent == ok + failed + unfinished;
}

}  // namespace lab
