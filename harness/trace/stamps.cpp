#include "harness/trace/stamps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "harness/trace/route_steps.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestList = 65'536;
constexpr std::size_t kMaxHolds = 1'000;  // of one reply
constexpr std::size_t kMaxWorkers = 4'096;
constexpr std::size_t kLongestExample = 60;
constexpr std::int64_t kHighestPid = 4'194'304;  // PID_MAX_LIMIT of the kernel

struct Field {
  std::string_view name;
  std::string StampFields::*value;
};
constexpr std::array<Field, 5> kFields{{{"lab-worker", &StampFields::worker},
                                        {"lab-read", &StampFields::read},
                                        {"lab-started", &StampFields::started},
                                        {"lab-finished", &StampFields::finished},
                                        {"lab-held", &StampFields::held}}};

/// Digits and nothing else.
std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc() || stop != end || text.front() == '-') return std::nullopt;
  return number;
}

std::optional<Resource> resource_called(std::string_view word) {
  for (std::size_t i = 1; i < kResources; ++i) {
    const auto resource = static_cast<Resource>(i);
    if (to_string(resource) == word) return resource;
  }
  return std::nullopt;
}

/// What makes a server's handler busy for others; a database connection does not.
bool keeps_others_out(const Hold& hold) {
  return hold.resource == Resource::loop || hold.resource == Resource::pool ||
         hold.resource == Resource::thread;
}

}  // namespace

void StampFields::clear() {
  for (const Field& field : kFields) (this->*field.value).clear();
}

void StampFields::take(std::string_view name, std::string_view text) {
  if (name.size() < 8 || (name.front() | 0x20) != 'l') return;
  for (const Field& field : kFields) {
    if (!equals_ignoring_case(name, field.name)) continue;
    std::string& value = this->*field.value;
    const bool is_list = field.value == &StampFields::held;
    if (value.size() + text.size() > kLongestList) return;
    if (!is_list) value.clear();
    if (!value.empty()) value += ',';
    value += text;
    return;
  }
}

void HeaderTimings::add(std::uint32_t id, const StampFields& fields) {
  Stamp stamp;
  stamp.id = id;
  const auto take_time = [&](const std::string& text, Nanos& time) {
    if (text.empty()) return;
    const auto number = number_in(text);
    if (number && *number > 0) {
      time = *number;
    } else {
      refuse(id, text);
    }
  };
  take_time(fields.read, stamp.read);
  take_time(fields.started, stamp.started);
  take_time(fields.finished, stamp.finished);
  Nanos pid = 0;
  take_time(fields.worker, pid);
  if (pid > kHighestPid) {
    refuse(id, fields.worker);
  } else {
    stamp.pid = static_cast<pid_t>(pid);
  }
  stamp.first_hold = held_.size();
  take_holds(id, fields.held);
  stamp.holds = held_.size() - stamp.first_hold;
  if (stamp.pid != 0 || stamp.read != 0 || stamp.started != 0 || stamp.finished != 0 || stamp.holds != 0)
    stamps_.push_back(stamp);
}

/// `loop 100-200, pool:3 200-300`
void HeaderTimings::take_holds(std::uint32_t id, std::string_view list) {
  for (std::size_t taken = 0; !list.empty(); ++taken) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view item = trim(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (item.empty()) continue;
    if (taken == kMaxHolds) return refuse(id, "more than 1000 intervals");
    const std::size_t blank = std::min(item.find(' '), item.size());
    const std::string_view name = item.substr(0, blank);
    const std::string_view span = trim(item.substr(blank));
    const std::size_t colon = std::min(name.find(':'), name.size());
    const std::size_t dash = std::min(span.find('-'), span.size());
    const auto resource = resource_called(name.substr(0, colon));
    const auto unit =
        colon < name.size() ? number_in(name.substr(colon + 1)) : std::optional<std::int64_t>(0);
    const auto from = number_in(span.substr(0, dash));
    const auto to = number_in(span.substr(std::min(dash + 1, span.size())));
    if (!resource || !unit || *unit > std::numeric_limits<std::uint16_t>::max() || !from || !to ||
        *from > *to) {
      refuse(id, item);
      continue;
    }
    held_.push_back({*from, *to, *resource, static_cast<std::uint16_t>(*unit)});
  }
}

void HeaderTimings::refuse(std::uint32_t id, std::string_view what) {
  if (refused_++ > 0) return;
  example_ = fmt::format("request {}: '{}'{}", id, what.substr(0, kLongestExample),
                         what.size() > kLongestExample ? " ..." : "");
}

/// A server that tells none is one worker.
void HeaderTimings::number_workers(const std::map<pid_t, int>& slots) {
  workers_ = slots;
  std::set<pid_t> unknown;
  for (const Stamp& stamp : stamps_) {
    if (!workers_.contains(stamp.pid)) unknown.insert(stamp.pid);
  }
  int next = 0;
  for (const auto& [pid, slot] : workers_) next = std::max(next, slot + 1);
  for (const pid_t pid : unknown) workers_[pid] = next++;
  if (workers_.size() <= kMaxWorkers) return;
  refuse(stamps_.front().id, "thousands of different workers");
  for (Stamp& stamp : stamps_) stamp.pid = 0;
  workers_ = {{0, 0}};
}

/// Those that lie within the request's life and overlap no other one of the same thing.
std::vector<Hold> HeaderTimings::sound_holds(const Stamp& stamp, const RequestRecord& record,
                                             std::uint16_t worker) {
  std::vector<Hold> holds;
  for (std::size_t i = stamp.first_hold; i < stamp.first_hold + stamp.holds; ++i) {
    const Held& held = held_[i];
    holds.push_back({held.resource, worker, held.unit, record.id, held.from, held.to});
  }
  std::sort(holds.begin(), holds.end(), [](const Hold& a, const Hold& b) { return a.from < b.from; });
  std::map<std::pair<Resource, std::uint16_t>, Nanos> until;
  std::erase_if(holds, [&](const Hold& hold) {
    Nanos& before = until[{hold.resource, hold.unit}];
    const bool sound = hold.from >= std::max(record.sent, before) && hold.to <= record.received;
    if (sound) {
      before = hold.to;
    } else {
      refuse(record.id, fmt::format("{} {}-{}", to_string(hold.resource), hold.from, hold.to));
    }
    return !sound;
  });
  return holds;
}

Events HeaderTimings::apply(std::vector<RequestRecord>& records, const std::vector<Route>& routes,
                            const std::map<pid_t, int>& slots) {
  Events events;
  number_workers(slots);
  for (const Stamp& stamp : stamps_) {
    if (stamp.id == 0 || stamp.id > records.size()) continue;
    RequestRecord& record = records[stamp.id - 1];
    const auto worker = static_cast<std::uint16_t>(workers_.at(stamp.pid));
    record.worker = worker;
    // Without a handler (an unknown path) there is no more than the reading.
    const bool handled = stamp.started != 0 || stamp.finished != 0;
    const Nanos started = handled ? stamp.started : stamp.read;
    const Nanos finished = handled ? stamp.finished : stamp.read;
    const bool in_order = record.sent != 0 && record.sent <= stamp.read && stamp.read <= started &&
                          started <= finished && finished <= record.received;
    if (!in_order) {
      if (handled || stamp.read != 0 || stamp.holds != 0)
        refuse(record.id,
               fmt::format("read {}, started {}, finished {}", stamp.read, stamp.started, stamp.finished));
      continue;
    }
    record.read = stamp.read;
    record.started = stamp.started;
    record.finished = stamp.finished;
    const auto report_one = [&](EventKind kind, Nanos at, Resource resource = Resource::nothing,
                                std::uint16_t unit = 0, std::int64_t value = 0) {
      events.push_back({at, value, record.id, worker, unit, kind, resource});
    };
    report_one(EventKind::read, stamp.read);
    if (handled) report_one(EventKind::started, stamp.started);
    std::vector<Hold> holds = sound_holds(stamp, record, worker);
    for (const Hold& hold : holds) {
      report_one(EventKind::acquire, hold.from, hold.resource, hold.unit);
      report_one(EventKind::release, hold.to, hold.resource, hold.unit);
    }
    std::erase_if(holds, [](const Hold& hold) { return !keeps_others_out(hold); });
    if (handled && record.route < routes.size()) {
      for (const StepSpan& step : infer_steps(routes[record.route], stamp.started, stamp.finished, holds)) {
        report_one(EventKind::step_begin, step.from, Resource::nothing, 0, step.index);
        report_one(EventKind::step_end, step.to, Resource::nothing, 0, step.index);
      }
    }
    if (handled) report_one(EventKind::finished, stamp.finished);
  }
  std::stable_sort(events.begin(), events.end(), earlier);
  return events;
}

std::optional<std::string> HeaderTimings::warning() const {
  if (refused_ == 0) return std::nullopt;
  return fmt::format("{} of the server's stamps cannot be and were left out ({})", refused_, example_);
}

}  // namespace lab
