#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "lab/core/scenario.hpp"

namespace lab {

/// What an experiment takes of this machine besides time, in bytes, as estimated.
struct RoomNeed {
  std::int64_t requests = 0;  ///< of all repetitions
  double saved = 0;           ///< in the folder of its run
  double aside = 0;           ///< meanwhile, in the folder for temporary files
  double memory = 0;          ///< by the largest repetition
};

/// Each arm that servers are started for runs every case `repetitions` times on that many engines.
RoomNeed room_need(const Scenario& scenario, int engines, int repetitions);

/// What this machine has; none: not known.
struct FreeRoom {
  std::filesystem::path run_folder, temporary_folder;
  bool saves = true;  ///< the run is recorded
  bool one_disk = false;
  std::optional<double> disk, temporary_disk, memory;
};

FreeRoom find_free_room(const std::optional<std::filesystem::path>& run_folder,
                        std::optional<double> free_memory);

/// Refuses what does not fit (exit 3, with the numbers and the fix), and says what hardly does. Throws
/// Failure.
void check_room(const RoomNeed& need, const FreeRoom& room,
                const std::function<void(const std::string&)>& warn);

/// `, 1.60 GB on disk` where somebody should know, else nothing.
std::string describe_room(const RoomNeed& need, bool saves);

}  // namespace lab
