#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// C cores shared equally by everything that computes, at most one core each: with n jobs each proceeds at
/// min(1, C/n) (processor sharing; Kleinrock 1967).
///
/// The kernel shares in slices, so equal jobs that began together do not end together: those of the last
/// slice end a slice after those of the one before. Without that, clients that compute and wait in turn would
/// go on in lockstep for ever, all on the cores or none. With n > C such jobs the last C end when all of the
/// work is done, the C before them a `slice` earlier, and so on; never before there was time for their own
/// work on one core, so it is a schedule that is possible, and the work done is the work asked for.
///
/// Virtual work V is what each job present has received so far; a job that comes at V with work w ends at V +
/// w, whoever comes and goes meanwhile, so a heap ordered by that end is all there is.
class SharedCores {
 public:
  /// `slice`: 0, where equal jobs end together, in the order they came.
  explicit SharedCores(int cores, Nanos slice = 0) : cores_(cores), slice_(static_cast<double>(slice)) {}

  void add(std::uint32_t job, double work_ns, Nanos now);
  /// When the next job ends if nothing changes until then; kNever without jobs.
  Nanos next();
  /// Takes out the job that ends at next().
  std::uint32_t finish();
  /// Takes out a job before its end; returns the work that is left, in nanoseconds. Not where there are
  /// slices: equal jobs have then done parts of each other's work.
  double remove(std::uint32_t job, Nanos now);

 private:
  struct Entry {
    double end = 0;
    std::uint64_t order = 0;
    std::uint32_t job = 0;
    bool before(const Entry& other) const { return end != other.end ? end < other.end : order < other.order; }
  };
  void advance(Nanos now);
  void stagger();
  void plan_next();
  void place(std::size_t at, const Entry& entry);
  void sift_up(std::size_t at, const Entry& entry);
  void sift_down(std::size_t at, const Entry& entry);
  void erase(std::size_t at);

  double cores_;
  double slice_;
  std::vector<std::uint32_t> equal_;  // those that began at as_of_ with equal_work_, as they came
  double equal_work_ = 0;
  bool even_ = true;     // their ends are those of equal shares
  double received_ = 0;  // V
  Nanos as_of_ = 0;      // the moment at which V was right
  Nanos next_ = kNever;
  std::uint64_t order_ = 0;
  std::vector<Entry> heap_;
  std::vector<std::size_t> places_;  // by job: where it is in the heap
};

}  // namespace lab
