#pragma once

#include <filesystem>
#include <string>

#include "lab/core/error.hpp"
#include "lab/core/process.hpp"

namespace lab {

/// A folder for temporary files that nobody else may read, removed with this object. The one that a killed
/// process could not remove is removed when the next one of that kind is made: its lock (flock(2)) is free,
/// also where containers share the folder above it and know nothing of each other's processes.
class TemporaryFolder {
 public:
  /// `kind`: the beginning of its name, `lab-files`. Error (exit 3): it cannot be made.
  static Result<TemporaryFolder> create(const std::string& kind);
  TemporaryFolder() = default;
  TemporaryFolder(TemporaryFolder&& other) noexcept;
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
