#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/scenario.hpp"
#include "results/store/run.hpp"

namespace lab {

/// Something that took a while on one track.
struct TraceSlice {
  std::size_t track = 0;  ///< index into TraceProcess::tracks
  std::string name;
  std::string_view category;
  std::uint32_t request = 0;  ///< 0: of no one request
  Nanos from = 0, to = 0;
};

/// One repetition of one arm: a process of the trace. The slices of a track never overlap.
struct TraceProcess {
  std::string name;                 ///< `blocking-loop, repetition 1`
  std::vector<std::string> tracks;  ///< `worker 0 loop`, `worker 0 pool 3`, in the order in which they stand
  std::vector<TraceSlice> slices;
  const RunRepetition* repetition = nullptr;  ///< its requests become asynchronous tracks
};

struct TraceInput {
  std::string scenario;
  std::vector<std::string> routes;  ///< `POST /delay`, by RequestRecord::route
  std::vector<TraceProcess> processes;
};

/// Chrome Trace Event Format as one JSON object, which Perfetto and chrome://tracing open (format:
/// "Trace Event Format", Google 2016). Microseconds from each repetition's time zero, exact to the
/// nanosecond. A request is a nestable asynchronous event, with one more inside it for each of its parts.
std::string to_trace(const TraceInput& input);

/// Who held what in every repetition, as tracks: the loop of each worker, its turns, each member of its pool,
/// each thread, its GIL, its connections to a database, the workers of its queues. Refuses a run whose
/// servers left no events. The result points into `run`.
Result<TraceInput> trace_of(const Scenario& scenario, const Run& run);

}  // namespace lab
