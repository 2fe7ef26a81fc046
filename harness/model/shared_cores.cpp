#include "harness/model/shared_cores.hpp"

#include <algorithm>
#include <cmath>

namespace lab {

void SharedCores::add(std::uint32_t job, double work_ns, Nanos now) {
  advance(now);
  if (heap_.empty()) received_ = 0;  // keeps V small, and with it exact
  if (places_.size() <= job) places_.resize(job + std::size_t{1});
  heap_.emplace_back();
  sift_up(heap_.size() - 1, {received_ + work_ns, order_++, job});
  plan_next();
}

std::uint32_t SharedCores::finish() {
  const Entry first = heap_.front();
  received_ = first.end;  // not advance(): rounding to whole nanoseconds must not leave a remainder of work
  as_of_ = next_;
  erase(0);
  plan_next();
  return first.job;
}

double SharedCores::remove(std::uint32_t job, Nanos now) {
  advance(now);
  const std::size_t at = places_[job];
  const double left = std::max(0.0, heap_[at].end - received_);
  erase(at);
  plan_next();
  return left;
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
  constexpr double kLongest = 0x1.0p62;
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
