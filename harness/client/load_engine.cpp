#include "harness/client/load_engine.hpp"

#include <algorithm>

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
    // Over a network the news of a close takes as long as it takes.
    : LoadLoop({.retry_within = kNever}, plan.timeout, clock, transport,
               static_cast<std::size_t>(plan.most) * plan.endpoints),
      plan_(plan),
      samples_(arena),
      error_replies_(arena),
      times_(load_times(plan)),
      slots_(plan.most),
      turns_(plan.requests.size(), 0),
      unused_(plan.fresh ? 0 : std::min(plan.clients, plan.most)) {
  later_.reserve(slots_.size());
  idle_.reserve(slots_.size());
  if (is_closed_loop() && plan_.planned >= 0) to_issue_ = plan_.share.part_of(plan_.planned);
  if (is_closed_loop()) return;
  for (std::uint32_t slot = 0; slot < unused_; ++slot) idle_.put(slot);
}

int LoadEngine::open_connections(Nanos until) {
  const std::size_t wanted =
      plan_.fresh ? 0 : static_cast<std::size_t>(std::min(plan_.clients, plan_.most)) * plan_.endpoints;
  for (std::size_t first = 0; first < wanted && connections_.open_error() == 0; first += kOpenAtOnce) {
    const std::size_t last = std::min(first + kOpenAtOnce, wanted);
    for (std::size_t connection = first; connection < last; ++connection)
      connections_.open(static_cast<std::uint32_t>(connection));
    if (!connections_.await_open(until)) break;
  }
  count_connections();
  return connections_.open_error();
}

void LoadEngine::run(Nanos began) {
  warming_ = plan_.warm_up > 0;
  times_began_ = began - plan_.warm_up;
  if (is_closed_loop()) {
    for (std::uint32_t client = 0; client < slots_.size(); ++client) {
      const auto place = static_cast<double>(client) / static_cast<double>(slots_.size());
      const double ramp = static_cast<double>(plan_.client_ramp);
      later_.push({times_began_ + static_cast<Nanos>(place * ramp), client});
    }
  } else if (warming_) {
    times_ = warm_up_times(plan_);
  }
  run_from(began);
  settle();
  look_after(clock_.now());
}

void LoadEngine::issue_due(Nanos now) {
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
    const bool all_taken = unused_ == slots_.size();
    if (!has_free_slot()) return;
    const std::uint32_t slot = idle_.empty() ? unused_++ : idle_.take();
    slots_[slot].waited = all_taken && slots_[slot].free_since > intended;
    if (counted && slots_[slot].waited) ++counts_.waited;
    times_.advance();
    issue(slot, intended, now);
  }
}

void LoadEngine::go_on(std::uint32_t slot, Nanos intended) {
  if (gave_up_ || (plan_.duration != kNever && intended - began_ >= plan_.duration)) return;
  if (intended >= began_) {
    if (to_issue_ == 0 || (plan_.duration == kNever && gives_up(intended, last_answer_))) return;
    if (to_issue_ > 0) --to_issue_;
  }
  issue(slot, intended, intended);
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

void LoadEngine::issue(std::uint32_t index, Nanos intended, Nanos now) {
  ClientSlot& slot = slots_[index];
  slot.intended = intended;
  slot.request = choose_request();
  slot.connection = index * plan_.endpoints + plan_.requests[slot.request].endpoint;
  if (counts(slot)) ++counts_.planned;
  begin_until(intended + plan_.timeout, slot.connection, now);
}

OutgoingRequest LoadEngine::request_on(std::uint32_t connection) {
  const LoadRequest& request = plan_.requests[slots_[slot_of(connection)].request];
  return {.head = request.bytes, .to_head = request.to_head, .idempotent = request.idempotent};
}

void LoadEngine::on_opened(std::uint32_t connection) {
  const Connections::Connection& opened = connections_.at(connection);
  ClientSlot& slot = slots_[slot_of(connection)];
  if (!opened.asked) slot.free_since = std::max(slot.free_since, opened.idle_since);
}

void LoadEngine::on_sent(std::uint32_t connection, bool begins, std::int64_t bytes) {
  if (!counts(slots_[slot_of(connection)])) return;
  if (begins) {
    const Nanos at = connections_.at(connection).sent - began_;
    if (counts_.bytes_sent == 0) counts_.first_sent = at;
    counts_.last_sent = at;
  }
  counts_.bytes_sent += bytes;
}

void LoadEngine::on_received(std::uint32_t connection, Nanos /*now*/, std::int64_t bytes) {
  if (counts(slots_[slot_of(connection)])) counts_.bytes_received += bytes;
}

void LoadEngine::on_reply(std::uint32_t connection, const IncomingReply& reply) {
  const std::uint32_t index = slot_of(connection);
  ClientSlot& slot = slots_[index];
  const Connections::Connection& exchange = connections_.at(connection);
  const auto status = static_cast<std::size_t>(reply.status);
  last_answer_ = reply.at;
  slot.failures = 0;
  if (plan_.fresh) connections_.close(connection);
  if (counts(slot)) {
    ++counts_.sent;
    ++counts_.statuses[status];
    const bool ok = plan_.expected[status] && !reply.extra;
    ++(ok            ? counts_.ok
       : reply.extra ? counts_.errors[static_cast<std::size_t>(LoadError::extra)]
                     : counts_.unexpected[status]);
    const Nanos could_act = slot.waited ? std::min(slot.free_since, exchange.acted) : slot.intended;
    (ok ? samples_ : error_replies_)
        .add({slot.intended - began_, reply.at - slot.intended, reply.at - exchange.sent,
              exchange.acted - could_act});
    counts_.last_end = reply.at - began_;
  } else {
    ++counts_.warm_up;
  }
  release(index, reply.at);
  if (is_closed_loop()) go_on(index, reply.at);
}

void LoadEngine::on_failure(std::uint32_t connection, LoadError error) {
  const std::uint32_t index = slot_of(connection);
  ClientSlot& slot = slots_[index];
  const Connections::Connection& exchange = connections_.at(connection);
  const Nanos now = clock_.now();
  if (error == LoadError::bad_reply || error == LoadError::long_header) {
    if (first_problem_.empty()) first_problem_ = exchange.reply.refusal().reason;
  }
  if (counts(slot)) {
    const bool sent = exchange.sent != 0;
    ++(sent ? counts_.sent : counts_.unsent);
    ++(sent ? counts_.errors : counts_.not_sent)[static_cast<std::size_t>(error)];
    if (error == LoadError::closed && sent) {
      ++(exchange.heard ? counts_.closed_in : exchange.used ? counts_.closed_after : counts_.closed_before);
    }
    counts_.last_end = now - began_;
  } else {
    ++counts_.warm_up;
  }
  release(index, now);
  if (is_closed_loop()) go_on_later(index, now, error == LoadError::timeout ? nullptr : &slot.failures);
}

void LoadEngine::release(std::uint32_t index, Nanos now) {
  slots_[index].free_since = now;
  ended(slots_[index].connection);
  if (!is_closed_loop()) idle_.put(index);
}

Nanos LoadEngine::next_due() const {
  if (is_closed_loop()) return kNever;
  if (times_.next() == kNever) return warming_ ? began_ : kNever;
  // Where every connection is busy a reply comes first, or the request's patience ends.
  return has_free_slot() ? times_began_ + times_.next() : kNever;
}

Nanos LoadEngine::next_other() const {
  const bool waits = !is_closed_loop() && times_.next() != kNever && !has_free_slot();
  return waits ? times_began_ + times_.next() + plan_.timeout : kNever;
}

void LoadEngine::look_after(Nanos /*now*/) {
  // Relaxed: whoever looks wants numbers for people, not what else was written.
  progress_.ok.store(counts_.ok, std::memory_order_relaxed);
  progress_.ended.store(counts_.sent + counts_.unsent, std::memory_order_relaxed);
  progress_.under_way.store(outstanding_, std::memory_order_relaxed);
}

void LoadEngine::settle() {
  for (; !deadlines_.empty(); ended(deadlines_.first())) {
    const std::uint32_t connection = deadlines_.first();
    if (!counts(slots_[slot_of(connection)])) continue;
    if (connections_.at(connection).sent != 0) {
      ++counts_.sent;
      ++counts_.unfinished;
      counts_.last_end = clock_.now() - began_;
    } else {
      ++counts_.unsent;
    }
  }
  counts_.gave_up = gave_up_ ? 1 : 0;
  if (!is_closed_loop() && warming_) times_ = load_times(plan_);
  const std::int64_t rest = is_closed_loop() ? std::max<std::int64_t>(to_issue_, 0) : times_.count_rest();
  counts_.planned += rest;
  counts_.unsent += rest;
  count_connections();
}

void LoadEngine::count_connections() {
  counts_.connections = connections_.opened();
  counts_.connecting = connections_.connecting();
  counts_.closed_by_server = connections_.closed_by_server();
}

}  // namespace lab
