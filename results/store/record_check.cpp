#include "results/store/record_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/mp11.hpp>
#include <cstdlib>
#include <initializer_list>

namespace lab {

namespace {

constexpr Nanos kLongestRun = 100LL * 86'400 * kSecond;  // of one repetition
constexpr Nanos kLastMoment = std::int64_t{1} << 61;     // of a clock that began with the machine: 73 years
constexpr int kMaxRepetitions = 1'000;                   // what --repeat takes
constexpr int kMaxSlots = 10'000;
constexpr double kMaxPace = 1'000;
constexpr double kLeastRate = 10, kMaxRate = 1e13;        // of work, in units a second
constexpr std::int64_t kMaxUsed = std::int64_t{1} << 60;  // bytes, nanoseconds, switches

/// Nobody is answered before it has asked. Where the server's times lie a wrong clock may say anything.
bool is_answered_first(const RequestRecord& record) {
  const Nanos asked = std::max(record.intended, record.sent);
  return (record.received != 0 && record.received < asked) ||
         (record.first_byte != 0 && record.first_byte < record.sent);
}

template <class Entry>
std::size_t drop(std::vector<Entry>& entries, EntryCheck& possible, std::string& first) {
  return std::erase_if(entries, [&](const Entry& entry) {
    std::string what = possible.check(entry);
    const bool wrong = !what.empty();
    if (wrong && first.empty()) first = std::move(what);
    return wrong;
  });
}

/// The first of these that is not within 0 and `most`.
struct Quantity {
  std::string_view name;
  std::int64_t value, most = kMaxUsed;
};

std::string first_beyond(std::initializer_list<Quantity> quantities) {
  for (const Quantity& one : quantities) {
    if (one.value < 0 || one.value > one.most) return fmt::format("{} {}", one.name, one.value);
  }
  return "";
}

}  // namespace

std::string impossible(const RunHeader& header) {
  for (const auto& [key, value] : header.environment) {
    const double number = std::strtod(value.c_str(), nullptr);
    const bool is_rate = value.ends_with("units/s") || value.ends_with("roots/s");
    if ((key == "cores" && !(number >= 1 && number <= kMaxSlots)) ||
        (is_rate && !(number >= kLeastRate && number <= kMaxRate)))
      return fmt::format("{} {}", key, value);
  }
  return first_beyond({{"planned_repetitions", header.planned_repetitions, kMaxRepetitions}});
}

std::string impossible(const RepetitionFacts& facts) {
  if (facts.number == 0) return "number 0";
  if (!(facts.pace >= 1 / kMaxPace && facts.pace <= kMaxPace)) return fmt::format("pace {}", facts.pace);
  for (const Kill& kill : facts.killed.value_or(std::vector<Kill>())) {
    std::string what =
        first_beyond({{"killed worker", kill.worker, kMaxSlots}, {"at_ns", kill.at, kLongestRun}});
    if (!what.empty()) return what;
  }
  std::string what = first_beyond({{"number", facts.number, kMaxRepetitions},
                                   {"began_ns", facts.began, kLastMoment},
                                   {"send_skew_ns", facts.send_skew, kLongestRun}});
  boost::mp11::mp_for_each<boost::describe::describe_members<ServerUse, boost::describe::mod_public>>(
      [&](auto member) {
        if (what.empty()) what = first_beyond({{name_in_file(member.name), facts.server.*member.pointer}});
      });
  return what;
}

EntryCheck::EntryCheck(const RepetitionFacts& repetition, const Scenario* scenario)
    : began_(repetition.began) {
  if (scenario == nullptr) return;
  routes_ = scenario->routes.size();
  loads_ = 0;
  for (const Case& each : scenario->cases) {
    if (each.id == repetition.case_id) loads_ = each.loads.size();
  }
}

std::string EntryCheck::check(const RequestRecord& record) {
  if (record.id <= last_id_) return fmt::format("request {} stands behind {}", record.id, last_id_);
  if (record.load >= loads_) return fmt::format("request {} is of load {}", record.id, record.load);
  if (record.route >= routes_) return fmt::format("request {} is on route {}", record.id, record.route);
  if (record.worker < -1 || record.worker >= kMaxSlots)
    return fmt::format("request {} was served by worker {}", record.id, record.worker);
  for (const Nanos time : {record.intended, record.sent, record.accepted, record.read, record.started,
                           record.finished, record.first_byte, record.received}) {
    if (time != 0 && !is_near(time)) return fmt::format("request {} has the time {}", record.id, time);
  }
  if (is_answered_first(record)) return fmt::format("request {} was answered before it was sent", record.id);
  last_id_ = record.id;
  return "";
}

std::string EntryCheck::check(const Event& event) {
  if (!is_near(event.at)) return fmt::format("an event has the time {}", event.at);
  if (event.at < last_event_) return fmt::format("the event at {} stands behind {}", event.at, last_event_);
  const bool is_span = event.kind == EventKind::preempted || event.kind == EventKind::hung ||
                       event.kind == EventKind::backoff || event.kind == EventKind::serving;
  if (is_span && (event.value < 0 || event.value > kLongestRun))
    return fmt::format("an event has the value {}", event.value);
  if (event.worker >= kMaxSlots) return fmt::format("an event is of worker {}", event.worker);
  last_event_ = event.at;
  return "";
}

bool EntryCheck::is_near(Nanos time) const {
  return time >= began_ - kLongestRun && time <= began_ + kLongestRun;
}

ImpossibleEntries drop_impossible(RunRepetition& repetition, const Scenario* scenario) {
  EntryCheck possible(repetition, scenario);
  ImpossibleEntries found;
  found.requests = drop(repetition.records, possible, found.first);
  found.events = drop(repetition.events, possible, found.first);
  EntryCheck in_order(repetition, scenario);
  found.events += drop(repetition.supervision, in_order, found.first);
  return found;
}

}  // namespace lab
