#pragma once

#include <cstddef>
#include <cstdint>

/// What lab_mpi.so offers to `lab load` under mpirun. A plugin, so that the program itself does not need MPI.
/// Times are CLOCK_MONOTONIC nanoseconds of each process's own machine. All ranks call each function
/// together.
extern "C" {

struct LabMpi {
  int version;  ///< kLabMpiVersion
  /// MPI_Init; 0, or an MPI error code.
  int (*start)(int* rank, int* ranks);
  /// Measures every rank's clock against rank 0's by `rounds` round trips, of which the shortest counts:
  /// `offsets` (rank's clock - rank 0's) and `errors` (half a round trip) have an entry per rank, on rank 0.
  void (*measure_clocks)(int rounds, std::int64_t* offsets, std::int64_t* errors);
  /// When this rank begins, so that all begin at the same moment, `ahead` after now on rank 0.
  std::int64_t (*agree_on_start)(std::int64_t ahead);
  /// Rank 0 gets every other rank's bytes by `take`, in the order of ranks.
  void (*gather)(const char* bytes, std::size_t size, void (*take)(void* context, const char*, std::size_t),
                 void* context);
  void (*finish)();
  /// Ends all ranks with this exit code.
  void (*abandon)(int exit_code);
};

constexpr int kLabMpiVersion = 1;
using LabMpiEntry = const LabMpi* (*)();
}
