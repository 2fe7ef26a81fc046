#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "lab/core/temporary.hpp"
#include "results/store/record_blocks.hpp"
#include "results/store/record_check.hpp"
#include "results/store/run.hpp"

namespace lab {

/// Of a repetition with more requests than this only the first ones are looked into one by one, for lanes,
/// findings and WHY: their events are in memory, those of the others are not. Where workers died all are
/// looked into.
inline constexpr std::size_t kMaxTraced = 100'000;

/// Blocks of a file with all requests and events of one repetition.
struct AsideFile {
  std::filesystem::path path;
  std::uint32_t ordinal = 0;  ///< of the repetition in the file
  BlockRange bytes;
  std::size_t requests = 0, events = 0;           ///< those that can be
  std::optional<EntryCheck> check;                ///< says which these are; none: all
  std::shared_ptr<const TemporaryFolder> folder;  ///< to which it belongs: it goes with the last repetition
                                                  ///< that needs it; none: it is a run's own requests.bin

  AsideFile() = default;
  AsideFile(const AsideFile&) = delete;
  AsideFile& operator=(const AsideFile&) = delete;
  ~AsideFile();
};

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

/// The repetition with its requests, and with the events of those that are looked into: itself, or `room`,
/// into which they are read. Throws Failure where the file cannot be read again.
const RunRepetition& whole(const RunRepetition& repetition, RunRepetition& room);

/// The requests of a whole repetition that are looked into one by one.
std::span<const RequestRecord> traced(const RunRepetition& repetition);

/// All events, in memory or not.
void for_each_event(const RunRepetition& repetition, const std::function<void(const Event&)>& visit);

}  // namespace lab
