#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "harness/client/load_generator.hpp"
#include "lab/core/error.hpp"

struct LabMpi;

namespace lab {

/// lab_mpi.so: beside the program where it was built, below lib where it is installed; none without Open MPI.
std::optional<std::filesystem::path> mpi_plugin();

/// The processes that share a load: this one alone, or all that mpirun started.
class LoadTeam {
 public:
  /// Joins the others where mpirun started this process. Error (exit 3): lab_mpi.so is not there.
  static Result<std::unique_ptr<LoadTeam>> join();
  LoadTeam(const LoadTeam&) = delete;
  LoadTeam& operator=(const LoadTeam&) = delete;
  /// Leaves the others; where they have not come to the end together, all are ended.
  ~LoadTeam();

  int rank() const { return rank_; }
  int ranks() const { return ranks_; }
  LoadShare share() const { return {rank_, ranks_}; }
  /// When this process begins: all together, `ahead` after now.
  Nanos agree_on_start(Nanos ahead);
  /// Adds the totals of all others to rank 0's. Every process calls it once.
  void gather(LoadTotals& totals);
  /// On rank 0, by rank: each clock against rank 0's, and how far off that may be.
  const std::vector<Nanos>& clock_offsets() const { return offsets_; }
  const std::vector<Nanos>& clock_errors() const { return errors_; }

 private:
  LoadTeam() = default;

  const LabMpi* mpi_ = nullptr;  // none: alone
  int rank_ = 0, ranks_ = 1;
  bool gathered_ = false;
  std::vector<Nanos> offsets_, errors_;
};

}  // namespace lab
