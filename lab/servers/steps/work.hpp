#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"
#include "lab/core/plan.hpp"

namespace lab {

/// Called while computing; may be empty.
using Between = std::function<void()>;

/// Runs compute.units units of its work in the calling thread. `between` is called between groups of units
/// that take at most some 50 us (a QR code takes as long as it takes). Errors: a file that cannot be read, a
/// QR code that cannot be made, no more threads or processes.
Result<void> run_work(const Compute& compute, const Between& between);

/// Units that run_work() has run to their end in the calling thread.
std::int64_t units_run();

/// How long a step of so many units takes.
using TimeOfUnits = std::function<Result<Nanos>(std::int64_t units)>;

/// How carefully work is timed: the fastest of so many tries of such a length counts.
struct Tries {
  int count = 6;
  Nanos length = 8 * kMillisecond;
};

/// Units beyond the first per second of the time beyond that of the first: what a step does once, such as
/// starting the process to switch to, is not a unit's. A pause of the machine in one try is not taken for
/// work. Errors: those of `time_of`.
Result<double> units_per_second(const TimeOfUnits& time_of, Tries tries = {});

/// Units per second of just those kinds of work that the routes have; the others stay 0. Takes about 60 ms
/// per kind the first time, or what `tries` take; this process remembers. Errors: those of run_work.
Result<WorkRates> calibrate(std::span<const Route> routes, Tries tries = {});

/// How much longer the routes' kinds of work take now than the rates say, the fastest of a few short tries of
/// each: 1.0 as calibrated, 2.0 twice as long. 1.0 where nothing computes.
double measure_pace(std::span<const Route> routes, const WorkRates& rates);

/// Makes what the first unit would otherwise wait for: the lab's own file, the network's weights.
void prepare_work(Work work);

// One function per kind of work, for run_work() alone.

/// The squares of a text's QR code, a row after the other: 1 is dark (libqrencode).
Result<std::vector<std::string>> qr_code_of(const std::string& text);

/// A code of a short text, as a web service makes them.
Result<void> encode_qr_codes(std::int64_t units, const Between& between);

/// Forward passes of a small multilayer perceptron with fixed weights (Eigen).
void infer(std::int64_t units, const Between& between);

/// Hand-overs to and fro.
Result<void> switch_coroutines(std::int64_t units, const Between& between);
Result<void> switch_threads(std::int64_t units);
Result<void> switch_processes(std::int64_t units);

}  // namespace lab
