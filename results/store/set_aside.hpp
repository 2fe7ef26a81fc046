#pragma once

#include <cstddef>
#include <memory>

#include "results/store/run.hpp"
#include "results/store/temporary.hpp"

namespace lab {

/// Keeps the requests and events of a run's repetitions in memory while they are few. Beyond that each
/// repetition's go to a file of a temporary folder until whole() asks for them, so that a run needs no more
/// memory the longer it gets.
class SetAside {
 public:
  static constexpr std::size_t kMaxInMemory = std::size_t{16} << 20;  ///< bytes

  explicit SetAside(std::size_t most = kMaxInMemory) : most_(most) {}
  /// What no disk takes stays in memory.
  void take(RunRepetition& repetition);

 private:
  std::size_t most_;
  std::size_t held_ = 0;
  std::size_t files_ = 0;
  std::shared_ptr<const TemporaryFolder> folder_;
};

/// The repetition with its requests and events: itself, or `room`, into which they are read.
/// Throws Failure where the file cannot be read again.
const RunRepetition& whole(const RunRepetition& repetition, RunRepetition& room);

}  // namespace lab
