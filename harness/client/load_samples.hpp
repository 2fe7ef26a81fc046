#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <vector>

#include "harness/statistics/distribution.hpp"
#include "lab/core/clock.hpp"

namespace lab {

/// What is kept of one request that got a whole reply, in nanoseconds.
struct LoadSample {
  Nanos intended = 0;     ///< after time zero
  Nanos latency = 0;      ///< from the intended time: what a user would have felt
  Nanos uncorrected = 0;  ///< from the moment it was sent: what most tools print
  Nanos lag = 0;          ///< how late the generator itself was
};

/// Memory for samples, which all threads of a load take in blocks: reserved at once, used page by page.
class SampleArena {
 public:
  static constexpr std::size_t kBlock = 4096;

  /// Room for so many samples, rounded up to blocks; none where the system has no memory for it.
  explicit SampleArena(std::size_t samples);
  ~SampleArena();

  std::size_t blocks() const { return blocks_; }
  /// Thread-safe, allocates nothing. Empty when there is no more.
  std::span<LoadSample> take_block() noexcept;

 private:
  LoadSample* memory_ = nullptr;
  std::size_t blocks_ = 0;
  std::atomic<std::size_t> taken_{0};
};

/// The three quantities of many samples.
struct LoadDistributions {
  Distribution latency, uncorrected, lag;

  void merge(const LoadDistributions& other) {
    latency.merge(other.latency);
    uncorrected.merge(other.uncorrected);
    lag.merge(other.lag);
  }
};

/// Where one thread's samples go: blocks of the arena, and when it has no more, histograms. Not thread-safe.
class SampleStore {
 public:
  explicit SampleStore(SampleArena& arena);

  /// Allocates nothing.
  void add(const LoadSample& sample) noexcept {
    if (used_ == block_.size() && !next_block()) return spill(sample);
    block_[used_++] = sample;
  }
  /// What the blocks hold, in the order of replies.
  void append_to(std::vector<LoadSample>& samples) const;
  /// Adds all of it to `into`.
  void pour_into(LoadDistributions& into) const;

 private:
  bool next_block() noexcept;
  void spill(const LoadSample& sample) noexcept;

  SampleArena& arena_;
  std::vector<std::span<LoadSample>> blocks_;
  std::span<LoadSample> block_;
  std::size_t used_ = 0;
  Histogram latency_, uncorrected_, lag_;  // of what the blocks did not hold
};

}  // namespace lab
