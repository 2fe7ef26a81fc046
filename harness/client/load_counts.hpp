#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/statistics/statistics.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/record.hpp"

namespace lab {

/// Why a request was not answered. An unexpected status is an error too, counted by status.
enum class LoadError : std::uint8_t {
  refused,         ///< connection refused
  unreachable,     ///< no way to the host
  reset,           ///< connection reset while it was under way
  closed,          ///< the server closed before the reply was whole
  timeout,         ///< no whole reply within the timeout
  bad_reply,       ///< what came was not HTTP
  certificate,     ///< the server's certificate is not trusted, or for another host
  tls,             ///< the other side does not speak TLS as we do
  no_descriptors,  ///< this side ran out of file descriptors
  no_ports,        ///< this side ran out of local ports
  extra,           ///< more bytes than the reply said (Content-Length), behind it or before the request
  long_header,     ///< a line of its head is longer than this client reads
};
BOOST_DESCRIBE_ENUM(LoadError, refused, unreachable, reset, closed, timeout, bad_reply, certificate, tls,
                    no_descriptors, no_ports, extra, long_header)
constexpr std::size_t kLoadErrors = kWordsOf<LoadError>.size();

/// What an errno of connect(2), or of Transport::opened, means.
LoadError error_of_open(int error_number);
/// What a Transport::send or receive that returned this means.
LoadError error_of_broken(std::int64_t result);
/// The same as a record of a scenario's request has it.
Outcome outcome_of(LoadError error);

/// Counts of one share of a load; adding up shares gives the counts of the load. Bytes without pointers, so
/// that they can travel between processes.
struct LoadCounts {
  std::int64_t planned = 0, unsent = 0, sent = 0, ok = 0, unfinished = 0;
  std::array<std::int64_t, kLoadErrors> errors{};    ///< of what was sent
  std::array<std::int64_t, kLoadErrors> not_sent{};  ///< of the unsent: why they found no connection
  std::array<std::int64_t, 600> unexpected{};        ///< by status: replies that count as errors
  std::array<std::int64_t, 600> statuses{};          ///< by status: all whole replies
  std::int64_t bytes_sent = 0, bytes_received = 0;
  std::int64_t connections = 0;       ///< that were opened
  Nanos connecting = 0;               ///< how long that took, all together
  std::int64_t closed_by_server = 0;  ///< of these, by the server and not for an error of its replies
  std::int64_t closed_before = 0;     ///< LoadError::closed: on a new connection, before any of the reply
  std::int64_t closed_in = 0;         ///< in the middle of the reply
  std::int64_t closed_after = 0;      ///< behind the reply to the request before, and before any of this one
  std::int64_t waited = 0;            ///< requests whose time had come while no connection was free
  std::int64_t warm_up = 0;           ///< requests before time zero, in none of the other counts
  std::int64_t gave_up = 0;           ///< shares that stopped because nothing was answered any more
  Nanos first_sent = 0, last_sent = 0;  ///< after time zero
  Nanos last_end = 0;                   ///< when the last request ended, after time zero

  void add(const LoadCounts& other);
  RequestCounts books() const;
};

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
  explicit SampleStore(SampleArena& arena) : arena_(arena) { blocks_.reserve(arena.blocks()); }

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
