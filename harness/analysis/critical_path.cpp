#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "harness/analysis/why.hpp"
#include "harness/trace/occupancy.hpp"
#include "harness/trace/route_steps.hpp"

namespace lab {

namespace {

// Stamps of two threads that hand over to each other may be that much out of order.
constexpr Nanos kHandover = 2 * kMicrosecond;
// A sleeping loop or thread is awake again after at most that; a longer wait behind nobody has no known
// cause.
constexpr Nanos kWakeUp = kMillisecond;

/// Holds of one resource in order of their ends: who had it last before a given moment?
class Holders {
 public:
  Holders(const Occupancy& occupancy, std::uint64_t& examined) : examined_(examined) {
    for (const Hold& hold : occupancy.holds) {
      if (hold.to > hold.from) by_resource_[key(hold)].push_back(hold);
    }
    for (const auto& [resource, holds] : by_resource_) {
      std::vector<Hold>& all = by_worker_[std::get<0>(resource)];
      all.insert(all.end(), holds.begin(), holds.end());
    }
    const auto sort_by_end = [](auto& holds_by) {
      for (auto& [key, holds] : holds_by) std::ranges::sort(holds, {}, &Hold::to);
    };
    sort_by_end(by_worker_);
    sort_by_end(by_resource_);
  }

  /// The last one by another request that began before mine and ended after `after`, not later than `at`.
  std::optional<Hold> last_before(const Hold& mine, Nanos after, Nanos at) const {
    const auto found = by_resource_.find(key(mine));
    if (found == by_resource_.end()) return std::nullopt;
    return last_of(found->second, mine.request, mine.from, after + 1, at);
  }

  /// Whoever last gave anything of this worker back between `since` and `at`: where a worker takes a
  /// connection only when it has room, that made room for `request`.
  std::optional<Hold> made_room(std::int32_t worker, std::uint32_t request, Nanos since, Nanos at) const {
    const auto found = by_worker_.find(static_cast<std::uint16_t>(worker));
    if (worker < 0 || found == by_worker_.end()) return std::nullopt;
    return last_of(found->second, request, at - kHandover, since, at);
  }

 private:
  using Key = std::tuple<std::uint16_t, Resource, std::uint16_t>;
  static Key key(const Hold& hold) { return {hold.worker, hold.resource, hold.unit}; }

  /// The last that ended from `since` to `at`, began before `before` and is not by `request`.
  std::optional<Hold> last_of(const std::vector<Hold>& holds, std::uint32_t request, Nanos before,
                              Nanos since, Nanos at) const {
    auto end = std::ranges::upper_bound(holds, at + kHandover, {}, &Hold::to);
    while (end != holds.begin() && (--end)->to >= since) {
      ++examined_;
      if (end->request != request && end->from < before) return *end;
    }
    return std::nullopt;
  }

  std::uint64_t& examined_;
  std::map<Key, std::vector<Hold>> by_resource_;
  std::map<std::uint16_t, std::vector<Hold>> by_worker_;
};

/// What the cores were busy with, so that it is known who waited for one.
class Cores {
 public:
  Cores(std::span<const RequestRecord> records, const Occupancy& occupancy,
        const std::vector<RouteSteps>& routes) {
    for (const StepSpan& step : occupancy.steps) {
      const RequestRecord* record = find_record(records, step.request);
      if (record == nullptr) continue;
      if (record->route < routes.size() && !routes[record->route].waits(step.index)) {
        computing_.add(step.from, step.to);
      }
      moments_.push_back(step.to);
    }
    for (const RequestRecord& record : records) {
      for (const Nanos moment : {record.read, record.started, record.finished}) moments_.push_back(moment);
    }
    std::ranges::sort(moments_);
    computing_.prepare();
  }

  /// Something was done for some request at least every millisecond: they went from one to the next.
  bool went_on(Nanos from, Nanos to, std::uint64_t& examined) const {
    auto moment = std::ranges::upper_bound(moments_, from);
    for (Nanos last = from; last < to; last = *moment++) {
      ++examined;
      if (moment == moments_.end() || *moment > to) return to - last <= kWakeUp;
      if (*moment - last > kWakeUp) return false;
    }
    return true;
  }

  /// How many requests computed at a time, on the average of that span.
  double computing(Nanos from, Nanos to) const {
    if (to <= from) return 0;
    return computing_.between(from, to) / static_cast<double>(to - from);
  }

 private:
  Cumulative computing_;  // the steps that do
  std::vector<Nanos> moments_;
};

/// Records by what the path looks for when it goes on with another request.
class RecordIndex {
 public:
  RecordIndex(std::span<const RequestRecord> records, const Occupancy& occupancy) : records_(records) {
    for (std::uint32_t i = 0; i < records.size(); ++i) {
      const RequestRecord& record = records[i];
      replies_.push_back({record.load, record.received, i});
      if (record.parent != 0) questions_[record.parent].push_back(&record);
      if (record.started == 0) continue;
      const auto worker = static_cast<std::uint32_t>(record.worker);
      acts_.push_back({worker, record.finished, i});
      for (const StepSpan& step : occupancy.steps_of(record.id)) acts_.push_back({worker, step.to, i});
    }
    for (Entries* entries : {&replies_, &acts_}) std::ranges::sort(*entries);
  }

  /// The first of `load` that was answered at this moment and that is `wanted`; null where there is none.
  template <class Wanted>
  const RequestRecord* answered_at(std::uint32_t load, Nanos moment, const Wanted& wanted) const {
    return first(replies_, load, moment, moment, wanted);
  }
  /// The first that a worker did something for from `from` to `to` and that is `wanted`.
  template <class Wanted>
  const RequestRecord* served(std::int32_t worker, Nanos from, Nanos to, const Wanted& wanted) const {
    return first(acts_, static_cast<std::uint32_t>(worker), from, to, wanted);
  }
  /// Those that follow the request `id` up, of which there is one, in order.
  const std::vector<const RequestRecord*>& questions(std::uint32_t id) const { return questions_.at(id); }

 private:
  struct Entry {
    std::uint32_t group = 0;
    Nanos at = 0;
    std::uint32_t index = 0;
    auto operator<=>(const Entry&) const = default;
  };
  using Entries = std::vector<Entry>;

  template <class Wanted>
  const RequestRecord* first(const Entries& entries, std::uint32_t group, Nanos from, Nanos to,
                             const Wanted& wanted) const {
    const RequestRecord* best = nullptr;
    auto entry = std::ranges::lower_bound(entries, Entry{group, from, 0});
    for (; entry != entries.end() && entry->group == group && entry->at <= to; ++entry) {
      const RequestRecord& record = records_[entry->index];
      if ((best != nullptr && &record >= best) || !wanted(record)) continue;
      best = &record;
      if (from == to) break;  // those of one moment stand in the order of the records
    }
    return best;
  }

  std::span<const RequestRecord> records_;
  Entries replies_, acts_;
  std::unordered_map<std::uint32_t, std::vector<const RequestRecord*>> questions_;
};

class Walk {
 public:
  Walk(std::span<const RequestRecord> records, const Occupancy& occupancy, const Occupancy& planned,
       const std::vector<Route>& routes, const Case& load_case, int cores)
      : records_(records),
        occupancy_(occupancy),
        planned_(planned),
        routes_(steps_of_routes(routes)),
        holders_(occupancy, path_.examined),
        index_(records, occupancy),
        cores_(records, occupancy, routes_),
        core_count_(cores),
        load_case_(load_case) {}

  CriticalPath run() {
    const RequestRecord* last = nullptr;
    for (const RequestRecord& record : records_) {
      if (record.sent == 0 || record.outcome != Outcome::ok) continue;
      if (first_ == nullptr || record.sent < first_->sent) first_ = &record;
      if (last == nullptr || record.received > last->received) last = &record;
    }
    if (last == nullptr) return path_;
    path_.makespan = last->received - first_->sent;
    go_to(last, last->received);
    do {
      // Every turn moves back in time or to an earlier holder; the limit only guards against a contradictory
      // event stream.
      for (std::size_t turns = 0; at_ > floor() && turns < 100 + 10 * occupancy_.holds.size(); ++turns) {
        step_back();
      }
      if (at_ > floor()) path_.unexplained += at_ - floor();
    } while (at_ > first_->sent && follow_client());
    finish_at_send();
    return path_;
  }

 private:
  void go_to(const RequestRecord* record, Nanos at) {
    current_ = record;
    at_ = at;
    // Its own later work has nothing to do with its reply, but may be what others wait for.
    after_reply_ = record->finished != 0 && at > record->received;
    path_.requests.push_back(record->id);
  }

  /// Where the path leaves the current request. What failed may have been sent before the first that did not.
  Nanos floor() const { return std::max(current_->sent, first_->sent); }

  const RequestRecord* find(std::uint32_t id) const { return find_record(records_, id); }

  // Steps and holds of the current request that can have led to where the path is. What it was given at the
  // very moment of its end it had waited for.
  bool counts(const StepSpan& step) const {
    return after_reply_ || current_->finished == 0 || step.from < current_->finished;
  }
  bool counts(const Hold& hold) const {
    return after_reply_ || current_->finished == 0 || hold.from <= current_->finished;
  }

  Nanos& phase() {
    const RequestRecord& r = *current_;
    if (after_reply_ && at_ > r.finished) return path_.service;
    if (r.finished != 0 && at_ > r.finished) return path_.reply;
    if (r.started != 0 && at_ > r.started) return path_.service;
    if (r.read != 0 && at_ > r.read) return path_.runnable;
    if (at_ <= body_there()) return path_.planned;
    if (starts_client()) return path_.lag;
    return r.read == 0 ? path_.unexplained : path_.unread;
  }

  /// Its client is a process that was just started: what passes until the server reads is the client's.
  bool starts_client() const {
    return current_->parent == 0 && current_->load < load_case_.loads.size() && at_ <= current_->read &&
           load_case_.loads[current_->load].client_process;
  }

  /// When the client had sent all of it: until then nobody can read it whole.
  Nanos body_there() const {
    if (current_->parent != 0 || current_->load >= load_case_.loads.size()) return 0;
    const Nanos over = load_case_.loads[current_->load].body_over;
    return over > 0 ? current_->sent + over : 0;
  }

  /// Gives the time back to `to` to the phases that it lies in.
  void spend_until(Nanos to) {
    to = std::max(to, floor());
    while (at_ > to) {
      Nanos& part = phase();
      Nanos edge = to;
      for (const Nanos stamp : {current_->finished, current_->started, current_->read, body_there()}) {
        if (stamp < at_ && stamp > edge) edge = stamp;
      }
      part += at_ - edge;
      at_ = edge;
    }
  }

  /// As long as the model says; a step that is executed again and again has a length each time.
  Nanos planned_length(const StepSpan& step) const {
    std::ptrdiff_t before = 0;
    for (const StepSpan& mine : occupancy_.steps_of(step.request)) {
      if (mine.index == step.index && mine.from < step.from) ++before;
    }
    std::optional<Nanos> length;
    for (const StepSpan& planned : planned_.steps_of(step.request)) {
      if (planned.index != step.index) continue;
      length = planned.to - planned.from;
      if (before-- == 0) break;
    }
    return length ? *length : routes_[current_->route].unhindered(step.index);
  }

  void step_back() {
    const StepSpan* inside = nullptr;
    for (const StepSpan& step : occupancy_.steps_of(current_->id)) {
      // Of branches at once the one that ends first is done with here.
      const bool here = step.from < at_ && at_ <= step.to && counts(step);
      if (here && (inside == nullptr || step.to < inside->to)) inside = &step;
    }
    if (inside != nullptr) return back_through(*inside);
    const Nanos since = last_change();
    if (follow_holder(since) || follow_turn()) return;
    const auto room = holders_.made_room(current_->worker, current_->id, at_ - kWakeUp, at_);
    if (at_ <= current_->read && (follow(room, since) || follow_predecessor(since))) return;
    const bool comes_in = at_ <= body_there() || starts_client();
    if (comes_in || holds_something() || at_ - since <= kWakeUp || at_ > current_->finished)
      return spend_until(since);
    since_unexplained(since);
  }

  void since_unexplained(Nanos since) {
    // The generator needs some of a core, too.
    constexpr double kMost = 0.75;
    since = std::max(since, floor());
    const bool no_core = core_count_ > 0 && (cores_.computing(since, at_) >= kMost * core_count_ ||
                                             cores_.went_on(since, at_, path_.examined));
    (no_core ? path_.runnable : path_.unexplained) += at_ - since;
    at_ = since;
  }

  /// Own work inside a step; what exceeds the plan is lateness, or waiting for a resource that others held.
  void back_through(const StepSpan& step) {
    const Nanos due = step.from + planned_length(step);
    if (at_ > due) {
      if (follow_holder(due)) return;
      spend_until(due);
    }
    const Nanos from = std::max(step.from, floor());
    path_.planned += std::max<Nanos>(0, at_ - from);
    at_ = std::min(at_, from);
  }

  bool holds_something() const {
    const std::vector<Hold>& holds = occupancy_.holds_of(current_->id);
    return std::ranges::any_of(
        holds, [&](const Hold& hold) { return hold.from < at_ && at_ <= hold.to && counts(hold); });
  }

  /// When the request last ended a step, or got or gave something: until then back it did one thing.
  Nanos last_change() const {
    Nanos last = current_->sent;
    if (body_there() < at_) last = std::max(last, body_there());
    // A body that came in had no need of anybody.
    if (at_ <= body_there()) return last;
    for (const StepSpan& step : occupancy_.steps_of(current_->id)) {
      if (step.to < at_ && counts(step)) last = std::max(last, step.to);
    }
    for (const Hold& hold : occupancy_.holds_of(current_->id)) {
      if (hold.from < at_ - kHandover && counts(hold)) last = std::max(last, hold.from);
      if (hold.to < at_ && counts(hold)) last = std::max(last, hold.to);
    }
    return last;
  }

  /// The request got something at this moment that somebody else held meanwhile: the path goes on with them.
  bool follow_holder(Nanos waiting_since) {
    const std::vector<Hold>& holds = occupancy_.holds_of(current_->id);
    std::optional<Hold> holder;
    for (auto mine = holds.rbegin(); mine != holds.rend() && !holder; ++mine) {
      const bool got = mine->from >= at_ - kHandover && mine->from <= at_ + kHandover;
      if (got && counts(*mine)) holder = holders_.last_before(*mine, waiting_since, at_);
    }
    return follow(holder, waiting_since);
  }

  bool follow(const std::optional<Hold>& holder, Nanos waiting_since) {
    if (!holder || holder->to <= waiting_since || at_ <= body_there()) return false;
    spend_until(std::min(holder->to, at_));
    const RequestRecord* next = find(holder->request);
    if (next != nullptr && next->sent < at_ && at_ > floor()) {
      go_to(next, at_);
      after_reply_ = next->finished != 0 && holder->from >= next->finished;
    } else {
      spend_until(std::max(holder->from, waiting_since));  // accepting a connection: no request's work
    }
    return true;
  }

  /// A loop that writes its replies at the end of its turn (uvloop) keeps them from whoever held it last.
  bool follow_turn() {
    if (after_reply_ || current_->finished == 0 || at_ - current_->finished <= kWakeUp) return false;
    const auto last = holders_.made_room(current_->worker, current_->id, current_->finished, at_);
    return last && last->resource == Resource::loop && follow(last, current_->finished);
  }

  /// The same where the predecessor's last act in this worker took no time.
  bool follow_predecessor(Nanos waiting_since) {
    if (at_ <= body_there()) return false;
    const auto just_now = [&](Nanos moment) {
      return moment > waiting_since && moment >= at_ - kWakeUp && moment <= at_ + kHandover;
    };
    const RequestRecord* before =
        index_.served(current_->worker, std::max(waiting_since + 1, at_ - kWakeUp), at_ + kHandover,
                      [&](const RequestRecord& record) {
                        ++path_.examined;
                        return record.sent < at_ && std::pair(record.started, record.id) <
                                                        std::pair(current_->started, current_->id);
                      });
    if (before == nullptr) return false;
    go_to(before, at_);
    after_reply_ = !just_now(before->finished);
    return true;
  }

  /// A client of a closed load sends when its last reply is there, and so does one that asks again: the path
  /// goes on with that reply.
  bool follow_client() {
    if (current_->parent != 0) return follow_question();
    const bool closed = current_->load < load_case_.loads.size() &&
                        load_case_.loads[current_->load].arrivals == Arrivals::closed;
    if (!closed || current_->intended <= first_->intended) return false;
    const RequestRecord* before =
        index_.answered_at(current_->load, current_->intended, [&](const RequestRecord& record) {
          ++path_.examined;
          return record.id < current_->id;
        });
    if (before == nullptr) return false;
    path_.lag += current_->sent - current_->intended;
    go_to(before, before->received);
    return true;
  }

  bool follow_question() {
    const RequestRecord* before = nullptr;
    const auto consider = [&](const RequestRecord* record) {
      ++path_.examined;
      if (record->id >= current_->id || record->received > current_->intended) return;
      if (before == nullptr || record->received > before->received) before = record;
    };
    if (const RequestRecord* asked = find(current_->parent)) consider(asked);
    for (const RequestRecord* record : index_.questions(current_->parent)) consider(record);
    if (before == nullptr || before->received <= first_->sent) return false;
    path_.lag += current_->sent - current_->intended;
    path_.planned += current_->intended - before->received;  // the pause that the load asks for
    go_to(before, before->received);
    return true;
  }

  void finish_at_send() {
    const Nanos since_first = std::max<Nanos>(0, current_->sent - first_->sent);
    const Nanos offset = std::clamp<Nanos>(current_->intended - first_->intended, 0, since_first);
    path_.planned += offset;
    path_.lag += since_first - offset;
  }

  std::span<const RequestRecord> records_;
  const Occupancy& occupancy_;
  const Occupancy& planned_;
  std::vector<RouteSteps> routes_;
  CriticalPath path_;
  Holders holders_;
  RecordIndex index_;
  Cores cores_;
  int core_count_;
  const Case& load_case_;
  const RequestRecord* first_ = nullptr;
  const RequestRecord* current_ = nullptr;
  Nanos at_ = 0;
  bool after_reply_ = false;
};

}  // namespace

CriticalPath critical_path(std::span<const RequestRecord> records, const Occupancy& occupancy,
                           const Occupancy& planned_steps, const std::vector<Route>& routes,
                           const Case& load_case, int cores) {
  return Walk(records, occupancy, planned_steps, routes, load_case, cores).run();
}

}  // namespace lab
