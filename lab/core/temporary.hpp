#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "lab/core/error.hpp"
#include "lab/core/process.hpp"

namespace lab {

/// The beginnings of their names.
inline constexpr std::array<std::string_view, 5> kTemporaryKinds{"lab-files", "lab-servers", "lab-postgres",
                                                                 "lab-repetitions", "lab-inside"};

/// A folder for temporary files that nobody else may read, removed with this object. The one that a killed
/// process could not remove is removed by the next run or folder of any kind: its lock (flock(2)) is free,
/// also where containers share the folder above it and know nothing of each other's processes.
class TemporaryFolder {
 public:
  /// `kind`: one of those above. Error (exit 3): it cannot be made.
  static Result<TemporaryFolder> create(const std::string& kind);
  /// Removes those of processes that were killed. A pid would say nothing in another container.
  static void remove_left_overs();
  TemporaryFolder() = default;
  TemporaryFolder(TemporaryFolder&& other) noexcept { *this = std::move(other); }
  TemporaryFolder& operator=(TemporaryFolder&& other) noexcept;
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  UniqueFd held_;  ///< with its lock
};

}  // namespace lab
