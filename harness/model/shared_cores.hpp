#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// C cores shared equally by everything that computes, at most one core each: with n jobs each proceeds at
/// min(1, C/n) (processor sharing; Kleinrock 1967). Jobs that began together end together, in the order they
/// came.
///
/// With a slice, as kernels share: who computes is put behind those who wait for a core when it has had its
/// slice, so jobs that began together end one after the other.
///
/// Without one, virtual work V is what each job present has received so far; a job that comes at V with work
/// w ends at V + w, whoever comes and goes meanwhile, so a heap ordered by that end is all there is.
class SharedCores {
 public:
  explicit SharedCores(int cores, Nanos slice = 0) : cores_(cores), slice_(slice) {}
  /// With a slice: called when a job that waited gets a core, with the time that it waited.
  std::function<void(std::uint32_t job, Nanos waited)> resumed;

  void add(std::uint32_t job, double work_ns, Nanos now);
  /// When the next job ends, or its slice, if nothing changes until then; kNever without jobs.
  Nanos next() const { return next_; }
  /// Takes out the job that ends at next(); none where that was the end of a slice.
  std::optional<std::uint32_t> finish();
  /// Takes out a job before its end; returns the work that is left, in nanoseconds.
  double remove(std::uint32_t job, Nanos now);

 private:
  struct Entry {
    double end = 0;
    std::uint64_t order = 0;
    std::uint32_t job = 0;
    bool operator>(const Entry& other) const {
      return end != other.end ? end > other.end : order > other.order;
    }
  };
  struct Turn {
    std::uint32_t job = 0;
    double left = 0;  // when it began
    Nanos began = 0;
    Nanos ends() const;  // the job
  };
  std::optional<std::uint32_t> end_turn();
  void take_turns(Nanos now);
  void advance(Nanos now);
  void plan_next();

  double cores_;
  Nanos slice_;
  std::vector<Turn> turns_;  // on the cores, where there are slices
  std::deque<Turn> waiting_;
  double received_ = 0;  // V
  Nanos as_of_ = 0;      // the moment at which V was right
  Nanos next_ = kNever;
  std::uint64_t order_ = 0;
  std::size_t present_ = 0;
  std::vector<Entry> entries_;  // by job; of those that have gone without their order
  std::vector<Entry> heap_;     // the first to end in front; some that have gone are left in it for a while
};

}  // namespace lab
