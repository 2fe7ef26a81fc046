#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "harness/why.hpp"

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
  explicit Holders(const Occupancy& occupancy) {
    for (const Hold& hold : occupancy.holds) {
      if (hold.to > hold.from) by_resource_[key(hold)].push_back(hold);
    }
    for (auto& [resource, holds] : by_resource_) {
      std::sort(holds.begin(), holds.end(), [](const Hold& a, const Hold& b) { return a.to < b.to; });
    }
  }

  /// The last one by another request that ended after `after` and not later than `at`.
  std::optional<Hold> last_before(const Hold& mine, Nanos after, Nanos at) const {
    const auto found = by_resource_.find(key(mine));
    if (found == by_resource_.end()) return std::nullopt;
    const std::vector<Hold>& holds = found->second;
    auto end = std::upper_bound(holds.begin(), holds.end(), at + kHandover,
                                [](Nanos moment, const Hold& hold) { return moment < hold.to; });
    while (end != holds.begin()) {
      --end;
      if (end->to <= after) return std::nullopt;
      if (end->request != mine.request) return *end;
    }
    return std::nullopt;
  }

 private:
  using Key = std::tuple<std::uint16_t, Resource, std::uint16_t>;
  static Key key(const Hold& hold) { return {hold.worker, hold.resource, hold.unit}; }
  std::map<Key, std::vector<Hold>> by_resource_;
};

class Walk {
 public:
  Walk(std::span<const RequestRecord> records, const Occupancy& occupancy, const Occupancy& planned,
       const std::vector<Route>& routes, const Case& load_set)
      : records_(records),
        occupancy_(occupancy),
        planned_(planned),
        routes_(routes),
        holders_(occupancy),
        load_set_(load_set) {}

  CriticalPath run() {
    const RequestRecord* last = nullptr;
    for (const RequestRecord& record : records_) {
      if (record.sent == 0) continue;
      if (first_ == nullptr || record.sent < first_->sent) first_ = &record;
      if (record.outcome == Outcome::ok && (last == nullptr || record.received > last->received))
        last = &record;
    }
    if (last == nullptr) return path_;
    path_.makespan = last->received - first_->sent;
    go_to(last, last->received);
    do {
      // Every turn moves back in time or ends; the limit only guards against a contradictory event stream.
      for (std::size_t turns = 0; at_ > current_->sent && turns < 100 + 10 * occupancy_.holds.size();
           ++turns) {
        step_back();
      }
      if (at_ > current_->sent) path_.unexplained += at_ - current_->sent;
    } while (follow_client());
    finish_at_send();
    return path_;
  }

 private:
  void go_to(const RequestRecord* record, Nanos at) {
    current_ = record;
    at_ = at;
    acquired_.reset();
    path_.requests.push_back(record->id);
  }

  const RequestRecord* find(std::uint32_t id) const {
    if (id == 0 || id > records_.size() || records_[id - 1].id != id) return nullptr;
    return &records_[id - 1];
  }

  Nanos& phase() {
    const RequestRecord& r = *current_;
    if (r.finished != 0 && at_ > r.finished) return path_.reply;
    if (r.started != 0 && at_ > r.started) return path_.service;
    if (r.read != 0 && at_ > r.read) return path_.runnable;
    return r.read == 0 ? path_.unexplained : path_.unread;
  }

  /// Gives the time back to `to` to the phases that it lies in.
  void spend_until(Nanos to) {
    to = std::max(to, current_->sent);
    while (at_ > to) {
      Nanos& part = phase();
      Nanos edge = to;
      for (const Nanos stamp : {current_->finished, current_->started, current_->read}) {
        if (stamp < at_ && stamp > edge) edge = stamp;
      }
      part += at_ - edge;
      at_ = edge;
    }
  }

  Nanos planned_length(const StepSpan& step) const {
    for (const StepSpan& planned : planned_.steps_of(step.request)) {
      if (planned.index == step.index) return planned.to - planned.from;
    }
    const Plan& plan = routes_[current_->route].plan;
    const auto index = static_cast<std::size_t>(step.index);
    return index < plan.size() ? unhindered_time({plan[index]}) : 0;
  }

  void step_back() {
    for (const StepSpan& step : occupancy_.steps_of(current_->id)) {
      if (step.from < at_ && at_ <= step.to) return back_through(step);
    }
    for (const Hold& hold : occupancy_.holds_of(current_->id)) {
      if (hold.from < at_ && at_ <= hold.to) return back_through(hold);
    }
    back_through_waiting(start_of_waiting());
  }

  /// Own work inside a step; what exceeds the plan is lateness, or waiting for a resource that others held.
  void back_through(const StepSpan& step) {
    const Nanos due = step.from + planned_length(step);
    if (at_ > due) {
      note_acquired_at(at_);
      if (acquired_ && follow_holder(due)) return;
      spend_until(due);
    }
    path_.planned += at_ - step.from;
    at_ = step.from;
  }

  /// Own code while holding something: back to the end of the last step inside it, or to where it was
  /// acquired.
  void back_through(const Hold& hold) {
    Nanos edge = hold.from;
    for (const StepSpan& step : occupancy_.steps_of(current_->id)) {
      if (step.to < at_) edge = std::max(edge, step.to);
    }
    if (edge == hold.from) acquired_ = hold;
    spend_until(edge);
  }

  Nanos start_of_waiting() const {
    Nanos start = current_->sent;
    for (const StepSpan& step : occupancy_.steps_of(current_->id)) {
      if (step.to < at_) start = std::max(start, step.to);
    }
    for (const Hold& hold : occupancy_.holds_of(current_->id)) {
      if (hold.to < at_) start = std::max(start, hold.to);
    }
    return start;
  }

  void note_acquired_at(Nanos moment) {
    for (const Hold& hold : occupancy_.holds_of(current_->id)) {
      if (hold.from >= moment - kHandover && hold.from <= moment + kHandover) acquired_ = hold;
    }
  }

  /// Somebody else held what this request waited for: the path goes on with them.
  bool follow_holder(Nanos waiting_since) {
    const std::optional<Hold> holder = holders_.last_before(*acquired_, waiting_since, at_);
    if (!holder) return false;
    spend_until(std::min(holder->to, at_));
    if (const RequestRecord* next = find(holder->request); next != nullptr && next->sent < at_) {
      go_to(next, at_);
    } else {
      spend_until(std::max(holder->from, waiting_since));  // accepting a connection: no request's work
    }
    return true;
  }

  void back_through_waiting(Nanos since) {
    if (!acquired_) note_acquired_at(at_);
    if (acquired_ && follow_holder(since)) return;
    if (at_ - since > kWakeUp && at_ <= current_->finished) {
      path_.unexplained += at_ - since;
      at_ = since;
    } else {
      spend_until(since);
    }
    acquired_.reset();
  }

  /// A client of a closed load sends when its last reply is there: the path goes on with that reply.
  bool follow_client() {
    const bool closed = current_->load < load_set_.loads.size() &&
                        load_set_.loads[current_->load].arrivals == Arrivals::closed;
    if (!closed || current_->intended <= first_->intended) return false;
    const auto before = std::find_if(records_.begin(), records_.end(), [&](const RequestRecord& record) {
      return record.load == current_->load && record.received == current_->intended &&
             record.id != current_->id;
    });
    if (before == records_.end()) return false;
    path_.lag += current_->sent - current_->intended;
    go_to(&*before, before->received);
    return true;
  }

  void finish_at_send() {
    const Nanos since_first = current_->sent - first_->sent;
    const Nanos offset =
        std::clamp<Nanos>(current_->intended - first_->intended, 0, std::max<Nanos>(since_first, 0));
    path_.planned += offset;
    path_.lag += since_first - offset;
  }

  std::span<const RequestRecord> records_;
  const Occupancy& occupancy_;
  const Occupancy& planned_;
  const std::vector<Route>& routes_;
  Holders holders_;
  const Case& load_set_;
  CriticalPath path_;
  const RequestRecord* first_ = nullptr;
  const RequestRecord* current_ = nullptr;
  Nanos at_ = 0;
  std::optional<Hold> acquired_;  // what the request got at at_, and waited for until then
};

}  // namespace

CriticalPath critical_path(std::span<const RequestRecord> records, const Occupancy& occupancy,
                           const Occupancy& planned_steps, const std::vector<Route>& routes,
                           const Case& load_set) {
  return Walk(records, occupancy, planned_steps, routes, load_set).run();
}

}  // namespace lab
