// lab_mpi.so: the side of `mpirun -n 4 lab load …` that speaks MPI.

#include <mpi.h>

#include <algorithm>
#include <vector>

#include "harness/client/load_mpi.hpp"
#include "lab/core/clock.hpp"

namespace {

using lab::monotonic_now;

constexpr std::size_t kMaxAtOnce = 1 << 28;

int g_rank = 0;
int g_ranks = 1;
std::vector<std::int64_t> g_offsets;  // on rank 0

int start(int* rank, int* ranks) {
  int provided = 0;
  // Threads send the load; only the first one calls MPI.
  const int error = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  if (error != MPI_SUCCESS) return error;
  MPI_Comm_rank(MPI_COMM_WORLD, &g_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &g_ranks);
  *rank = g_rank;
  *ranks = g_ranks;
  return 0;
}

void measure_clocks(int rounds, std::int64_t* offsets, std::int64_t* errors) {
  g_offsets.assign(static_cast<std::size_t>(g_ranks), 0);
  for (int other = 1; other < g_ranks; ++other) {
    std::int64_t shortest = INT64_MAX;
    for (int round = 0; round < rounds; ++round) {
      std::int64_t theirs = 0;
      if (g_rank == 0) {
        const std::int64_t before = monotonic_now();
        MPI_Send(nullptr, 0, MPI_INT64_T, other, 0, MPI_COMM_WORLD);
        MPI_Recv(&theirs, 1, MPI_INT64_T, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        const std::int64_t after = monotonic_now();
        if (after - before >= shortest) continue;
        shortest = after - before;
        offsets[other] = g_offsets[static_cast<std::size_t>(other)] = theirs - (before + shortest / 2);
        errors[other] = (shortest + 1) / 2;
      } else if (g_rank == other) {
        MPI_Recv(nullptr, 0, MPI_INT64_T, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        theirs = monotonic_now();
        MPI_Send(&theirs, 1, MPI_INT64_T, 0, 0, MPI_COMM_WORLD);
      }
    }
  }
}

std::int64_t agree_on_start(std::int64_t ahead) {
  MPI_Barrier(MPI_COMM_WORLD);
  std::vector<std::int64_t> starts(g_offsets);
  if (g_rank == 0) {
    const std::int64_t start_here = monotonic_now() + ahead;
    for (std::int64_t& each : starts) each += start_here;
  }
  std::int64_t mine = 0;
  MPI_Scatter(starts.data(), 1, MPI_INT64_T, &mine, 1, MPI_INT64_T, 0, MPI_COMM_WORLD);
  return mine;
}

void gather(const char* bytes, std::size_t size, void (*take)(void*, const char*, std::size_t),
            void* context) {
  std::uint64_t mine = size;
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(g_ranks), 0);
  MPI_Gather(&mine, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
  if (g_rank != 0) {
    for (std::size_t sent = 0; sent < size; sent += kMaxAtOnce) {
      const auto part = static_cast<int>(std::min(kMaxAtOnce, size - sent));
      MPI_Send(bytes + sent, part, MPI_CHAR, 0, 1, MPI_COMM_WORLD);
    }
    return;
  }
  for (int other = 1; other < g_ranks; ++other) {
    std::vector<char> theirs(sizes[static_cast<std::size_t>(other)]);
    for (std::size_t read = 0; read < theirs.size(); read += kMaxAtOnce) {
      const auto part = static_cast<int>(std::min(kMaxAtOnce, theirs.size() - read));
      MPI_Recv(theirs.data() + read, part, MPI_CHAR, other, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    take(context, theirs.data(), theirs.size());
  }
}

void finish() {
  MPI_Finalize();
}

void abandon(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
}

constexpr LabMpi kFunctions{kLabMpiVersion, start, measure_clocks, agree_on_start, gather, finish, abandon};

}  // namespace

extern "C" const LabMpi* lab_mpi() {
  return &kFunctions;
}
