#include "lab/core/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace lab {

// A value v >= 2^10 of e + 10 + 1 significant bits lies in bucket (e << 10) + (v >> e): its eleven leading
// bits, the first of which is one, continue the numbering where the next smaller power of two ends.
std::size_t Histogram::bucket_of(Nanos value) noexcept {
  const auto bits = static_cast<std::uint64_t>(value);
  const auto width = static_cast<unsigned>(std::bit_width(bits));
  const unsigned shift = width > kBits + 1 ? width - kBits - 1 : 0;
  return (std::size_t{shift} << kBits) + static_cast<std::size_t>(bits >> shift);
}

Nanos Histogram::middle_of(std::size_t bucket) noexcept {
  if (bucket < std::size_t{2} << kBits) return static_cast<Nanos>(bucket);
  const auto shift = static_cast<unsigned>(bucket >> kBits) - 1;
  const std::uint64_t low = (std::uint64_t{bucket} - (std::uint64_t{shift} << kBits)) << shift;
  return static_cast<Nanos>(low + (std::uint64_t{1} << shift) / 2);
}

void Histogram::add(Nanos value, std::uint64_t count) noexcept {
  if (count == 0) return;
  value = std::max<Nanos>(value, 0);
  counts_[bucket_of(value)] += count;
  count_ += count;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value) * static_cast<double>(count);
}

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

std::optional<Nanos> Histogram::quantile(double q) const noexcept {
  if (count_ == 0) return std::nullopt;
  const double position = std::ceil(q * static_cast<double>(count_) * (1 - 1e-15));  // 0.29 of 100 is rank 29
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(position), 1, count_);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    below += counts_[i];
    if (below >= rank) return std::clamp(middle_of(i), min_, max_);
  }
  return max_;
}

}  // namespace lab
