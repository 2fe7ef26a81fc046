#pragma once

#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// Counts of times for runs that are too long to keep every one. Fixed size (440 KB), no allocation after
/// construction. Below 2048 ns every value has a bucket of its own; above, each power of two is cut into 1024
/// equal buckets (the scheme of HdrHistogram). Copies are merged exactly: the result does not depend on how
/// the values were shared out. Not thread-safe: one for each thread, merged afterwards.
class Histogram {
 public:
  /// No quantile is further than this from the exact nearest-rank value, relative to it. Count, minimum,
  /// maximum and mean are exact (the mean up to the rounding of a double).
  static constexpr double kRelativeError = 1.0 / 2048;

  Histogram() : counts_(kBuckets) {}

  /// Negative times count as zero.
  void add(Nanos value, std::uint64_t count = 1) noexcept;
  void merge(const Histogram& other) noexcept;

  std::uint64_t count() const noexcept { return count_; }
  /// Zero where nothing was counted.
  Nanos min() const noexcept { return count_ == 0 ? 0 : min_; }
  Nanos max() const noexcept { return max_; }
  double mean() const noexcept { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

  /// Calls `visit(value, count)` for every bucket that counted something, in order, with its middle: what
  /// add() puts into the same bucket again.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      if (counts_[bucket] > 0) visit(middle_of(bucket), counts_[bucket]);
    }
  }

  /// Nearest rank, 0 < q <= 1; none where nothing was counted.
  std::optional<Nanos> quantile(double q) const noexcept;

 private:
  static constexpr unsigned kBits = 10;  // of a value that choose its bucket, below the leading one
  static constexpr std::size_t kBuckets = std::size_t{64 - 1 - kBits + 1} << kBits;

  BOOST_DESCRIBE_CLASS(Histogram, (), (), (), (counts_, count_, min_, max_, sum_))

  static std::size_t bucket_of(Nanos value) noexcept;
  static Nanos middle_of(std::size_t bucket) noexcept;

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  Nanos min_ = std::numeric_limits<Nanos>::max();
  Nanos max_ = 0;
  double sum_ = 0;
};

}  // namespace lab
