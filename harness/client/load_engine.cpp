// When which request is sent, and how it ends. What happens on its connection: load_engine_connection.cpp.

#include "harness/client/load_engine.hpp"

#include <algorithm>

#include "harness/client/load_pace.hpp"

namespace lab {

namespace {

ArrivalTimes warm_up_times(const EnginePlan& plan) {
  const double rate = plan.curve.ramp > 0 ? plan.curve.from : plan.curve.to;
  return {plan.arrivals, {rate, rate, 0}, -1, plan.warm_up, plan.share, ~plan.seed};
}

ArrivalTimes load_times(const EnginePlan& plan) {
  return {plan.arrivals, plan.curve, plan.planned, plan.duration, plan.share, plan.seed};
}

}  // namespace

LoadEngine::LoadEngine(const EnginePlan& plan, SampleArena& arena, Clock& clock, Transport& transport)
    : plan_(plan),
      clock_(clock),
      transport_(transport),
      samples_(arena),
      error_replies_(arena),
      times_(load_times(plan)),
      lanes_(plan.most),
      links_(static_cast<std::size_t>(plan.most) * plan.endpoints, Link::closed),
      used_(links_.size(), 0),
      opening_since_(links_.size(), 0),
      turns_(plan.requests.size(), 0),
      unused_(plan.fresh ? 0 : std::min(plan.clients, plan.most)) {
  later_.reserve(lanes_.size());
  if (is_closed_loop() && plan_.planned >= 0) to_issue_ = plan_.share.part_of(plan_.planned);
  if (is_closed_loop()) return;
  for (std::uint32_t lane = 0; lane < unused_; ++lane) make_idle(lane);
}

int LoadEngine::open_connections(Nanos until) {
  const std::size_t wanted =
      plan_.fresh ? 0 : static_cast<std::size_t>(std::min(plan_.clients, plan_.most)) * plan_.endpoints;
  for (std::size_t first = 0; first < wanted && !interrupted_ && open_error_ == 0; first += kOpenAtOnce) {
    const std::size_t last = std::min(first + kOpenAtOnce, wanted);
    for (std::size_t connection = first; connection < last; ++connection) {
      opening_since_[connection] = clock_.now();
      const int error = transport_.open(static_cast<std::uint32_t>(connection));
      if (error == 0) {
        links_[connection] = Link::opening;
      } else if (open_error_ == 0) {
        open_error_ = error;
      }
    }
    const auto opening = [&] {
      return std::find(links_.begin() + static_cast<std::ptrdiff_t>(first),
                       links_.begin() + static_cast<std::ptrdiff_t>(last),
                       Link::opening) != links_.begin() + static_cast<std::ptrdiff_t>(last);
    };
    while (!interrupted_ && opening() && clock_.now() < until) {
      handle(transport_.wait(until));
      interrupted_ = transport_.interrupted();
    }
    if (opening()) break;
  }
  return open_error_;
}

void LoadEngine::run(Nanos began) {
  began_ = began;
  last_answer_ = began;
  warming_ = plan_.warm_up > 0;
  times_began_ = began - plan_.warm_up;
  if (is_closed_loop()) {
    for (std::uint32_t client = 0; client < lanes_.size(); ++client) {
      const auto place = static_cast<double>(client) / static_cast<double>(lanes_.size());
      const double ramp = static_cast<double>(plan_.client_ramp);
      later_.push({times_began_ + static_cast<Nanos>(place * ramp), client});
    }
  } else if (warming_) {
    times_ = warm_up_times(plan_);
  }
  while (!interrupted_ && !finished()) {
    handle(transport_.wait(wait_until(clock_.now())));
    if (transport_.interrupted()) {
      interrupted_ = true;
      break;
    }
    const Nanos now = clock_.now();
    issue_due(now);
    expire(now);
    publish();
  }
  settle();
  publish();
}

bool LoadEngine::finished() const {
  return outstanding_ == 0 && later_.empty() && (is_closed_loop() || (!warming_ && times_.next() == kNever));
}

void LoadEngine::issue_due(Nanos now) {
  while (!later_.empty() && later_.top().at <= now) {
    const Due due = later_.top();
    later_.pop();
    issue_next_of(due.lane, due.at);
  }
  if (is_closed_loop()) return;
  if (warming_ && times_.next() == kNever) {
    warming_ = false;
    times_ = load_times(plan_);
    times_began_ = began_;
  }
  for (int sends = 0; sends < kSendsInARow && times_.next() != kNever; ++sends) {
    const Nanos intended = times_began_ + times_.next();
    if (intended > now) return;
    const bool counted = intended >= began_;
    if (now - intended >= plan_.timeout) {  // nobody waits for it any more
      counts_.planned += counted ? 1 : 0;
      counts_.unsent += counted ? 1 : 0;
      times_.advance();
      continue;
    }
    // As long as there are places that were never taken nothing waits, whatever the one that it gets did
    // before.
    const bool all_taken = unused_ == lanes_.size();
    const std::uint32_t lane = take_lane();
    if (lane == kNone) return;
    lanes_[lane].waited = all_taken && lanes_[lane].free_since > intended;
    if (counted && lanes_[lane].waited) ++counts_.waited;
    times_.advance();
    issue(lane, intended);
  }
}

/// The next request of a closed loop's client, if there is one.
void LoadEngine::issue_next_of(std::uint32_t lane, Nanos intended) {
  if (gave_up_ || (plan_.duration != kNever && intended - began_ >= plan_.duration)) return;
  if (intended >= began_) {
    if (to_issue_ == 0) return;
    if (plan_.duration == kNever && intended - last_answer_ >= plan_.timeout) {
      gave_up_ = true;
      ++counts_.gave_up;
      return;
    }
    if (to_issue_ > 0) --to_issue_;
  }
  issue(lane, intended);
}

std::uint32_t LoadEngine::choose_request() {
  if (turns_.size() == 1) return 0;
  std::int64_t total = 0;
  std::uint32_t chosen = 0;
  for (std::uint32_t request = 0; request < turns_.size(); ++request) {
    turns_[request] += plan_.requests[request].weight;
    total += plan_.requests[request].weight;
    if (turns_[request] > turns_[chosen]) chosen = request;
  }
  turns_[chosen] -= total;
  return chosen;
}

void LoadEngine::issue(std::uint32_t index, Nanos intended) {
  Lane& lane = lanes_[index];
  lane.intended = intended;
  lane.acted = lane.sent = 0;
  lane.offset = 0;
  lane.broken = 0;
  lane.was_idle = lane.reopened = lane.heard = false;
  lane.request = choose_request();
  lane.connection = index * plan_.endpoints + plan_.requests[lane.request].endpoint;
  if (counts(lane)) ++counts_.planned;
  ++outstanding_;
  link(index);
  if (links_[lane.connection] == Link::opening) {
    lane.phase = Phase::opening;
  } else if (links_[lane.connection] == Link::open) {
    if (closed_by_now(lane)) return reopen(index);
    transmit(index);
  } else {
    start_open(index);
  }
}

std::uint32_t LoadEngine::take_lane() {
  const std::uint32_t lane = first_idle_;
  if (lane != kNone) {
    first_idle_ = lanes_[lane].next_idle;
    if (first_idle_ == kNone) last_idle_ = kNone;
    return lane;
  }
  return unused_ < lanes_.size() ? unused_++ : kNone;
}

void LoadEngine::make_idle(std::uint32_t lane) {
  lanes_[lane].next_idle = kNone;
  if (last_idle_ == kNone) {
    first_idle_ = lane;
  } else {
    lanes_[last_idle_].next_idle = lane;
  }
  last_idle_ = lane;
}

// All have the same timeout and are issued in the order of their intended times, so a list is sorted by
// itself.
void LoadEngine::link(std::uint32_t index) {
  Lane& lane = lanes_[index];
  lane.before = last_due_;
  lane.after = kNone;
  (last_due_ == kNone ? first_due_ : lanes_[last_due_].after) = index;
  last_due_ = index;
}

void LoadEngine::unlink(std::uint32_t index) {
  const Lane& lane = lanes_[index];
  (lane.before == kNone ? first_due_ : lanes_[lane.before].after) = lane.after;
  (lane.after == kNone ? last_due_ : lanes_[lane.after].before) = lane.before;
}

void LoadEngine::complete(std::uint32_t index, Nanos now, bool keep, bool extra) {
  Lane& lane = lanes_[index];
  const auto status = static_cast<std::size_t>(lane.parser.status());
  last_answer_ = now;
  lane.failures = 0;
  used_[lane.connection] = 1;
  if (!keep || plan_.fresh) drop(lane.connection);
  if (counts(lane)) {
    ++counts_.sent;
    ++counts_.statuses[status];
    const bool ok = plan_.expected[status] && !extra;
    ++(ok      ? counts_.ok
       : extra ? counts_.errors[static_cast<std::size_t>(LoadError::extra)]
               : counts_.unexpected[status]);
    const Nanos could_act = lane.waited ? std::min(lane.free_since, lane.acted) : lane.intended;
    (ok ? samples_ : error_replies_)
        .add({lane.intended - began_, now - lane.intended, now - lane.sent, lane.acted - could_act});
    counts_.last_end = now - began_;
  } else {
    ++counts_.warm_up;
  }
  release(index, now, 0);
}

void LoadEngine::fail(std::uint32_t index, LoadError error) {
  Lane& lane = lanes_[index];
  const Nanos now = clock_.now();
  if (links_[lane.connection] != Link::closed) drop(lane.connection);
  if (counts(lane)) {
    const bool sent = lane.sent != 0;
    ++(sent ? counts_.sent : counts_.unsent);
    ++(sent ? counts_.errors : counts_.not_sent)[static_cast<std::size_t>(error)];
    if (error == LoadError::closed && sent) {
      ++(lane.heard                    ? counts_.closed_in
         : used_[lane.connection] != 0 ? counts_.closed_after
                                       : counts_.closed_before);
    }
    counts_.last_end = now - began_;
  } else {
    ++counts_.warm_up;
  }
  // A server that refuses or resets answers at once; without a pause a closed load would be over before it is
  // back.
  Nanos pause = 0;
  if (error != LoadError::timeout) {
    pause = std::min(kFirstPause << std::min<int>(lane.failures, 10), kLongestPause);
    if (lane.failures < 10) ++lane.failures;
  }
  release(index, now, pause);
}

void LoadEngine::release(std::uint32_t index, Nanos now, Nanos pause) {
  Lane& lane = lanes_[index];
  lane.phase = Phase::idle;
  lane.free_since = now;
  unlink(index);
  --outstanding_;
  if (!is_closed_loop()) return make_idle(index);
  if (pause == 0) return issue_next_of(index, now);
  later_.push({now + pause, index});
}

void LoadEngine::expire(Nanos now) {
  while (first_due_ != kNone && lanes_[first_due_].intended + plan_.timeout <= now)
    fail(first_due_, LoadError::timeout);
}

Nanos LoadEngine::wait_until(Nanos now) const {
  Nanos until = first_due_ != kNone ? lanes_[first_due_].intended + plan_.timeout : kNever;
  Nanos send = later_.empty() ? kNever : later_.top().at;
  if (!is_closed_loop()) {
    if (warming_ && times_.next() == kNever) {
      send = began_;
    } else if (times_.next() != kNever) {
      const Nanos next = times_began_ + times_.next();
      // Where every connection is busy a reply comes first, or the request's patience ends.
      const bool room = first_idle_ != kNone || unused_ < lanes_.size();
      if (room) {
        send = next;
      } else {
        until = std::min(until, next + plan_.timeout);
      }
    }
  }
  if (send == kNever) return until;
  return send <= now + kSpinLead ? 0 : std::min(until, send - kSpinLead);
}

void LoadEngine::publish() {
  // Relaxed: whoever looks wants numbers for people, not what else was written.
  progress_.ok.store(counts_.ok, std::memory_order_relaxed);
  progress_.ended.store(counts_.sent + counts_.unsent, std::memory_order_relaxed);
  progress_.under_way.store(outstanding_, std::memory_order_relaxed);
}

void LoadEngine::settle() {
  for (; first_due_ != kNone; unlink(first_due_)) {
    const Lane& lane = lanes_[first_due_];
    if (!counts(lane)) continue;
    if (lane.sent != 0) {
      ++counts_.sent;
      ++counts_.unfinished;
      counts_.last_end = clock_.now() - began_;
    } else {
      ++counts_.unsent;
    }
  }
  outstanding_ = 0;
  if (!is_closed_loop() && warming_) times_ = load_times(plan_);
  const std::int64_t rest = is_closed_loop() ? std::max<std::int64_t>(to_issue_, 0) : times_.count_rest();
  counts_.planned += rest;
  counts_.unsent += rest;
}

}  // namespace lab
