#pragma once

#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/histogram.hpp"

namespace lab {

/// All values of one quantity: exact up to kMaxExact of them, a histogram beyond.
class Distribution {
 public:
  static constexpr std::size_t kMaxExact = 10'000'000;

  explicit Distribution(std::size_t most_exact = kMaxExact) : most_exact_(most_exact) {}

  void add(std::span<const Nanos> values);
  void add(const Histogram& counts);
  /// The same as if all of the other's values had been added here.
  void merge(const Distribution& other);

  std::int64_t size() const { return size_; }
  bool is_exact() const { return !histogram_; }
  Nanos min() const { return min_; }
  Nanos max() const { return max_; }
  /// Nearest rank, 0 < q <= 1; of the histogram with its error. None without values. Reorders the exact ones.
  std::optional<Nanos> quantile(double q);
  /// As quantile(), where so many values carry it (measurement.md).
  std::optional<Nanos> supported_quantile(double q);
  /// Calls `visit(value, count)` for every exact value or every part of the histogram that has any.
  void for_each(const std::function<void(Nanos, std::int64_t)>& visit) const;
  /// The exact values, in no order; empty where there is a histogram.
  std::span<const Nanos> exact() const { return exact_; }

 private:
  BOOST_DESCRIBE_CLASS(Distribution, (), (), (), (most_exact_, exact_, histogram_, size_, min_, max_))

  void note(Nanos smallest, Nanos largest, std::int64_t count);
  void pour();

  std::size_t most_exact_;
  std::vector<Nanos> exact_;
  std::optional<Histogram> histogram_;
  std::int64_t size_ = 0;
  Nanos min_ = 0, max_ = 0;
};

}  // namespace lab
