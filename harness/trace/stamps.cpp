#include "harness/trace/stamps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

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

/// Nothing: no resource has that name.
Resource resource_called(std::string_view word) {
  std::size_t number = kResources;
  while (--number > 0 && to_string(static_cast<Resource>(number)) != word) continue;
  return static_cast<Resource>(number);
}

/// What stands before the first such sign, or all of it; takes it and the sign off.
std::string_view take_until(std::string_view& text, char sign) {
  const std::size_t size = std::min(text.find(sign), text.size());
  const std::string_view part = text.substr(0, size);
  text.remove_prefix(std::min(size + 1, text.size()));
  return part;
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

/// 0: there is none, or it cannot be.
Nanos HeaderTimings::take_time(std::uint32_t id, const std::string& text) {
  const Nanos time = number_in<Nanos>(text).value_or(0);
  if (time <= 0 && !text.empty()) refuse(id, text);
  return std::max<Nanos>(time, 0);
}

void HeaderTimings::add(std::uint32_t id, const StampFields& fields) {
  Stamp stamp;
  stamp.id = id;
  stamp.read = take_time(id, fields.read);
  stamp.started = take_time(id, fields.started);
  stamp.finished = take_time(id, fields.finished);
  const Nanos pid = take_time(id, fields.worker);
  if (pid > kHighestPid) refuse(id, fields.worker);
  stamp.pid = pid > kHighestPid ? 0 : static_cast<pid_t>(pid);
  stamp.holds = take_holds(id, fields.held);
  const bool is_empty = stamp.pid == 0 && stamp.read == 0 && stamp.started == 0 && stamp.finished == 0;
  if (!is_empty || !stamp.holds.empty()) stamps_.push_back(std::move(stamp));
}

/// `loop 100-200, pool:3 200-300`
std::vector<Hold> HeaderTimings::take_holds(std::uint32_t id, std::string_view list) {
  std::vector<Hold> holds;
  for (std::size_t taken = 0; !list.empty(); ++taken) {
    const std::string_view item = trim(take_until(list, ','));
    if (item.empty()) continue;
    if (taken == kMaxHolds) {
      refuse(id, "more than 1000 intervals");
      break;
    }
    std::string_view span = item;
    std::string_view number = take_until(span, ' ');
    span = trim(span);
    const bool has_number = number.find(':') != std::string_view::npos;
    const Resource resource = resource_called(take_until(number, ':'));
    const auto unit = has_number ? number_in<std::uint16_t>(number) : std::uint16_t{0};
    const auto from = number_in<Nanos>(take_until(span, '-'));
    const auto to = number_in<Nanos>(span);
    if (resource != Resource::nothing && unit && from && to && *from <= *to) {
      holds.push_back({resource, 0, *unit, id, *from, *to});
    } else {
      refuse(id, item);
    }
  }
  return holds;
}

void HeaderTimings::refuse(std::uint32_t id, std::string_view what) {
  if (refused_++ > 0) return;
  example_ = fmt::format("request {}: '{}'{}", id, what.substr(0, kLongestExample),
                         what.size() > kLongestExample ? " ..." : "");
}

/// A server that reports none is one worker.
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

/// Leaves those that lie within the request's life and overlap no other one of the same thing, in order.
void HeaderTimings::drop_unsound(std::vector<Hold>& holds, const RequestRecord& record) {
  std::ranges::sort(holds, {}, &Hold::from);
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
}

Events HeaderTimings::apply(std::vector<RequestRecord>& records, const std::vector<Route>& routes,
                            const std::map<pid_t, int>& slots) {
  Events events;
  number_workers(slots);
  for (Stamp& stamp : stamps_) {
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
      if (handled || stamp.read != 0 || !stamp.holds.empty())
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
    drop_unsound(stamp.holds, record);
    for (const Hold& hold : stamp.holds) {
      report_one(EventKind::acquire, hold.from, hold.resource, hold.unit);
      report_one(EventKind::release, hold.to, hold.resource, hold.unit);
    }
    std::erase_if(stamp.holds, [](const Hold& hold) { return !keeps_others_out(hold); });
    if (handled && record.route < routes.size()) {
      for (const StepSpan& step :
           infer_steps(routes[record.route], stamp.started, stamp.finished, stamp.holds)) {
        report_one(EventKind::step_begin, step.from, Resource::nothing, 0, step.index);
        report_one(EventKind::step_end, step.to, Resource::nothing, 0, step.index);
      }
    }
    if (handled) report_one(EventKind::finished, stamp.finished);
  }
  std::ranges::stable_sort(events, earlier);
  return events;
}

std::optional<std::string> HeaderTimings::warning() const {
  if (refused_ == 0) return std::nullopt;
  return fmt::format("{} of the server's stamps are impossible and were left out ({})", refused_, example_);
}

}  // namespace lab
