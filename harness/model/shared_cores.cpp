#include "harness/model/shared_cores.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace lab {

namespace {

constexpr double kLongest = 0x1.0p62;
constexpr std::uint64_t kGone = std::numeric_limits<std::uint64_t>::max();

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
  if (present_ == 0) received_ = 0;  // keeps V small, and with it exact
  if (entries_.size() <= job) entries_.resize(job + std::size_t{1});
  entries_[job] = {received_ + work_ns, order_++, job};
  heap_.push_back(entries_[job]);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  ++present_;
  plan_next();
}

std::optional<std::uint32_t> SharedCores::finish() {
  if (slice_ > 0) return end_turn();
  const Entry first = heap_.front();
  received_ = first.end;  // not advance(): rounding to whole nanoseconds must not leave a remainder of work
  as_of_ = next_;
  entries_[first.job].order = kGone;
  --present_;
  plan_next();
  return first.job;
}

double SharedCores::remove(std::uint32_t job, Nanos now) {
  const auto find = [job](auto& all) {
    return std::ranges::find_if(all, [job](const auto& each) { return each.job == job; });
  };
  if (slice_ == 0) {
    advance(now);
    const double left = std::max(0.0, entries_[job].end - received_);
    entries_[job].order = kGone;
    --present_;
    plan_next();
    return left;
  }
  double left = 0;
  if (const auto turn = find(turns_); turn != turns_.end()) {
    left = std::max(0.0, turn->left - static_cast<double>(now - turn->began));
    turns_.erase(turn);
  } else {
    const auto waits = find(waiting_);
    left = waits->left;
    waiting_.erase(waits);
  }
  take_turns(now);
  return left;
}

std::optional<std::uint32_t> SharedCores::end_turn() {
  const Nanos now = next_;
  std::optional<std::uint32_t> job;
  const auto done = std::ranges::find_if(turns_, [&](const Turn& turn) { return turn.ends() <= now; });
  if (done != turns_.end()) {
    job = done->job;
    turns_.erase(done);
  }
  take_turns(now);
  return job;
}

/// Who waits takes the free cores, and at once those of who has had a slice: whoever else comes at this
/// moment finds it done.
void SharedCores::take_turns(Nanos now) {
  while (!waiting_.empty()) {
    const auto over = std::ranges::find_if(
        turns_, [&](const Turn& turn) { return turn.began + slice_ <= now && turn.ends() > now; });
    if (static_cast<double>(turns_.size()) >= cores_) {
      if (over == turns_.end()) break;
      waiting_.push_back({over->job, over->left - static_cast<double>(now - over->began), now});
      turns_.erase(over);
    }
    const Turn& next = turns_.emplace_back(waiting_.front());
    if (resumed && now > next.began) resumed(next.job, now - next.began);
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
  if (present_ > 0) {
    const double rate = std::min(1.0, cores_ / static_cast<double>(present_));
    received_ += static_cast<double>(now - as_of_) * rate;
  }
  as_of_ = now;
}

void SharedCores::plan_next() {
  while (!heap_.empty() && heap_.front().order != entries_[heap_.front().job].order) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
  }
  if (heap_.empty()) {
    next_ = kNever;
    return;
  }
  const double slowdown = std::max(1.0, static_cast<double>(present_) / cores_);
  const double left = std::max(0.0, heap_.front().end - received_) * slowdown;
  next_ = left > kLongest - static_cast<double>(as_of_) ? kNever - 1 : as_of_ + std::llround(left);
}

}  // namespace lab
