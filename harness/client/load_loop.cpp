#include "harness/client/load_loop.hpp"

namespace lab {

namespace {

/// A sleeping thread is woken up to this much late (measured: 50 us, more where the core had gone to sleep).
constexpr Nanos kSpinLead = 200 * kMicrosecond;
// Where a connection is refused or there is no port, the next attempt waits, twice as long each time.
constexpr Nanos kFirstPause = kMillisecond;
constexpr Nanos kLongestPause = 100 * kMillisecond;
constexpr std::uint16_t kMaxDoublings = 10;

/// Until when to wait, given the next send and what else is to be done: near a send it is not slept (0).
Nanos wake_up(Nanos send, Nanos other, Nanos now) {
  if (send == kNever) return other;
  return send <= now + kSpinLead ? 0 : std::min(other, send - kSpinLead);
}

}  // namespace

void DueList::put(std::uint32_t index, Nanos at) {
  remove(index);
  reserve(index + std::size_t{1});
  std::uint32_t before = last_;
  while (before != kNone && entries_[before].at > at) before = entries_[before].before;
  const std::uint32_t after = before == kNone ? first_ : entries_[before].after;
  (before == kNone ? first_ : entries_[before].after) = index;
  (after == kNone ? last_ : entries_[after].before) = index;
  entries_[index] = {at, before, after, true};
}

void DueList::remove(std::uint32_t index) {
  if (index >= entries_.size() || !entries_[index].there) return;
  Entry& entry = entries_[index];
  (entry.before == kNone ? first_ : entries_[entry.before].after) = entry.after;
  (entry.after == kNone ? last_ : entries_[entry.after].before) = entry.before;
  entry.there = false;
}

std::uint32_t DueList::take() {
  const std::uint32_t index = first_;
  if (index != kNone) remove(index);
  return index;
}

void LoadLoop::run_from(Nanos began) {
  began_ = last_answer_ = began;
  while (!interrupted() && (outstanding_ > 0 || !later_.empty() || has_more())) {
    connections_.look(wake_up(next_send(), std::min(deadlines_.next(), next_other()), clock_.now()));
    if (interrupted()) return;
    const Nanos now = clock_.now();
    issue_due(now);
    while (later_.is_due(now)) {
      const Due due = later_.take();
      go_on(due.what, due.at);
    }
    while (deadlines_.next() <= now) {
      const std::uint32_t connection = deadlines_.first();
      connections_.close(connection);
      on_failure(connection, LoadError::timeout);
    }
    look_after(now);
  }
}

void LoadLoop::begin_until(Nanos deadline, std::uint32_t connection, Nanos now) {
  deadlines_.put(connection, deadline);
  ++outstanding_;
  connections_.begin(connection, now);
}

void LoadLoop::ended(std::uint32_t connection) {
  deadlines_.remove(connection);
  --outstanding_;
}

void LoadLoop::go_on_later(std::uint32_t client, Nanos now, std::uint16_t* failures) {
  Nanos pause = 0;
  if (failures != nullptr) {
    pause = std::min(kFirstPause << *failures, kLongestPause);
    *failures = std::min<std::uint16_t>(*failures + 1, kMaxDoublings);
  }
  later_.push({now + pause, client});
}

bool LoadLoop::gives_up(Nanos intended, Nanos last_answer) {
  gave_up_ = gave_up_ || intended - last_answer >= timeout_;
  return gave_up_;
}

}  // namespace lab
