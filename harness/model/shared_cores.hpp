#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// C cores shared equally by everything that computes, at most one core each: with n jobs each proceeds at
/// min(1, C/n) (processor sharing; Kleinrock 1967). Jobs that began together end together, in the order they
/// came.
///
/// Virtual work V is what each job present has received so far; a job that comes at V with work w ends at V +
/// w, whoever comes and goes meanwhile, so a heap ordered by that end is all there is.
class SharedCores {
 public:
  explicit SharedCores(int cores) : cores_(cores) {}

  void add(std::uint32_t job, double work_ns, Nanos now);
  /// When the next job ends if nothing changes until then; kNever without jobs.
  Nanos next() const { return next_; }
  /// Takes out the job that ends at next().
  std::uint32_t finish();
  /// Takes out a job before its end; returns the work that is left, in nanoseconds.
  double remove(std::uint32_t job, Nanos now);

 private:
  struct Entry {
    double end = 0;
    std::uint64_t order = 0;
    std::uint32_t job = 0;
    bool before(const Entry& other) const { return end != other.end ? end < other.end : order < other.order; }
  };
  void advance(Nanos now);
  void plan_next();
  void place(std::size_t at, const Entry& entry);
  void sift_up(std::size_t at, const Entry& entry);
  void sift_down(std::size_t at, const Entry& entry);
  void erase(std::size_t at);

  double cores_;
  double received_ = 0;  // V
  Nanos as_of_ = 0;      // the moment at which V was right
  Nanos next_ = kNever;
  std::uint64_t order_ = 0;
  std::vector<Entry> heap_;
  std::vector<std::size_t> places_;  // by job: where it is in the heap
};

}  // namespace lab
