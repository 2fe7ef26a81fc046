#include "harness/model/shared_cores.hpp"

#include <algorithm>
#include <cmath>

namespace lab {

namespace {

constexpr double kLongest = 0x1.0p62;

}  // namespace

Nanos SharedCores::Turn::ends() const {
  return left > kLongest - static_cast<double>(began) ? kNever - 1 : began + std::llround(left);
}

void SharedCores::add(std::uint32_t job, double work_ns, Nanos now) {
  if (slice_ > 0) {
    waiting_.push_back({job, work_ns, now});
    take_turns(now);
    return;
  }
  advance(now);
  if (heap_.empty()) received_ = 0;  // keeps V small, and with it exact
  if (places_.size() <= job) places_.resize(job + std::size_t{1});
  heap_.emplace_back();
  sift_up(heap_.size() - 1, {received_ + work_ns, order_++, job});
  plan_next();
}

std::optional<std::uint32_t> SharedCores::finish() {
  if (slice_ > 0) return end_turn();
  const Entry first = heap_.front();
  received_ = first.end;  // not advance(): rounding to whole nanoseconds must not leave a remainder of work
  as_of_ = next_;
  erase(0);
  plan_next();
  return first.job;
}

double SharedCores::remove(std::uint32_t job, Nanos now) {
  if (slice_ > 0) return remove_turn(job, now);
  advance(now);
  const std::size_t at = places_[job];
  const double left = std::max(0.0, heap_[at].end - received_);
  erase(at);
  plan_next();
  return left;
}

std::optional<std::uint32_t> SharedCores::end_turn() {
  const Nanos now = next_;
  const auto done =
      std::find_if(turns_.begin(), turns_.end(), [&](const Turn& turn) { return turn.ends() <= now; });
  if (done != turns_.end()) {
    const std::uint32_t job = done->job;
    turns_.erase(done);
    take_turns(now);
    return job;
  }
  take_turns(now);
  return std::nullopt;
}

double SharedCores::remove_turn(std::uint32_t job, Nanos now) {
  const auto is_job = [job](const Turn& turn) { return turn.job == job; };
  double left = 0;
  if (const auto turn = std::find_if(turns_.begin(), turns_.end(), is_job); turn != turns_.end()) {
    left = std::max(0.0, turn->left - static_cast<double>(now - turn->began));
    turns_.erase(turn);
  } else {
    const auto waits = std::find_if(waiting_.begin(), waiting_.end(), is_job);
    left = waits->left;
    waiting_.erase(waits);
  }
  take_turns(now);
  return left;
}

/// Who waits takes the free cores, and at once those of who has had a slice: whoever else comes at this
/// moment finds it done.
void SharedCores::take_turns(Nanos now) {
  while (!waiting_.empty()) {
    const auto over = std::find_if(turns_.begin(), turns_.end(), [&](const Turn& turn) {
      return turn.began + slice_ <= now && turn.ends() > now;
    });
    if (static_cast<double>(turns_.size()) >= cores_) {
      if (over == turns_.end()) break;
      waiting_.push_back({over->job, over->left - static_cast<double>(now - over->began), now});
      turns_.erase(over);
    }
    turns_.push_back(waiting_.front());
    turns_.back().began = now;
    waiting_.pop_front();
  }
  next_ = kNever;
  for (const Turn& turn : turns_) {
    const Nanos ends = turn.ends();
    next_ = std::min(next_, waiting_.empty() ? ends : std::min(ends, turn.began + slice_));
  }
}

void SharedCores::advance(Nanos now) {
  if (!heap_.empty()) {
    const double rate = std::min(1.0, cores_ / static_cast<double>(heap_.size()));
    received_ += static_cast<double>(now - as_of_) * rate;
  }
  as_of_ = now;
}

void SharedCores::plan_next() {
  if (heap_.empty()) {
    next_ = kNever;
    return;
  }
  const double slowdown = std::max(1.0, static_cast<double>(heap_.size()) / cores_);
  const double left = std::max(0.0, heap_.front().end - received_) * slowdown;
  next_ = left > kLongest - static_cast<double>(as_of_) ? kNever - 1 : as_of_ + std::llround(left);
}

void SharedCores::place(std::size_t at, const Entry& entry) {
  heap_[at] = entry;
  places_[entry.job] = at;
}

void SharedCores::sift_up(std::size_t at, const Entry& entry) {
  while (at > 0) {
    const std::size_t parent = (at - 1) / 2;
    if (!entry.before(heap_[parent])) break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, entry);
}

void SharedCores::sift_down(std::size_t at, const Entry& entry) {
  while (2 * at + 1 < heap_.size()) {
    std::size_t child = 2 * at + 1;
    if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
    if (!heap_[child].before(entry)) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, entry);
}

void SharedCores::erase(std::size_t at) {
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  if (at > 0 && last.before(heap_[(at - 1) / 2])) {
    sift_up(at, last);
  } else {
    sift_down(at, last);
  }
}

}  // namespace lab
