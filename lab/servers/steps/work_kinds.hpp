#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lab/core/error.hpp"

// One function per kind of work, for run_work() alone.
namespace lab {

using Between = std::function<void()>;

/// libqrencode: a code of a short text, as a web service makes them.
Result<void> encode_qr_codes(std::int64_t units, const Between& between);

/// Forward passes of a small multilayer perceptron with fixed weights (Eigen).
void infer(std::int64_t units, const Between& between);

/// Reads so many bytes of a file, from its beginning again where it ends. An empty path: a file in memory
/// that this process makes, so that no disk is measured.
Result<void> read_file(const std::string& path, std::int64_t bytes, const Between& between);
void make_own_file();

Result<void> switch_coroutines(std::int64_t units, const Between& between);
Result<void> switch_threads(std::int64_t units);
Result<void> switch_processes(std::int64_t units);

}  // namespace lab
