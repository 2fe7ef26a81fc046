#pragma once

#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/experiment/options.hpp"

namespace lab {

inline constexpr std::size_t kMaxPoints = 1000;  ///< of one sweep

/// What is varied, with its values as one would write them.
struct SweepKey {
  std::string name;
  std::vector<std::string> values;
};

/// The grid of several `--vary KEY=LIST`. A list has values and ranges: `1,2,8`, `1..8` (every whole number),
/// `1..64*2` (each twice the one before), `100ms..1s+100ms`. Errors (exit 2): not of that form, a key or a
/// value that comes twice, more than kMaxPoints points.
Result<std::vector<SweepKey>> parse_grid(const std::vector<std::string>& texts);

/// Every combination, one value for each key; the last key changes fastest.
std::vector<std::vector<std::string>> points_of(const std::vector<SweepKey>& keys);

/// The options of one point: `workers`, `threads`, `requests`, `delay`, `rate`, `duration`, `scale`,
/// `arrivals`, `connections` and `seed` are the options of that name, everything else is a parameter of the
/// scenario (--set). Error (exit 2): the option was given as well.
Result<RunOptions> at_point(const RunOptions& options, const std::vector<SweepKey>& keys,
                            const std::vector<std::string>& values);

}  // namespace lab
