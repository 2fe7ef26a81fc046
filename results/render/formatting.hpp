#pragma once

#include <string>
#include <string_view>

#include "harness/statistics/statistics.hpp"
#include "lab/core/stat.hpp"

namespace lab {

/// How the numbers of one row are written: one unit, so that they can be compared at a glance.
struct Unit {
  double factor = 1;  ///< of seconds, or of the plain number
  int decimals = 3;
  std::string name;  ///< `s`, `ms`, `µs`, or empty for a plain number
};

/// The unit in which a time of so many seconds reads well: `1.003 s`, `125.0 s`, `5.30 ms`, `8.1 µs`.
Unit time_unit(double seconds);
/// For plain numbers: shares and counts as they are, large ones without decimals.
Unit plain_unit(double value);

/// `3.2 KB`, `41.0 MB`
Unit byte_unit(double bytes);

/// The unit in which a value of that stat reads well.
Unit unit_of(const Stat& stat, double value);

/// `1.003`, without the unit's name. A value far beyond the unit's range comes in its own, with the name.
std::string number(double value, const Unit& unit);
/// `1.003 s`
std::string quantity(double value, const Unit& unit);

/// `1.001–1.003` in that unit; empty where too few repetitions carry an interval.
std::string interval(const Estimate& figure, Unit unit);

/// An engine as its figures are called: `FastAPI`, and `C++` for the lab's own servers.
std::string engine_name(std::string_view engine);

/// For predictions up to years: `0.100 s`, `27 h 46 min`.
std::string long_time(double seconds);

/// `8 GB`, `120 MB`
std::string memory(double bytes);

/// `⌈N/P⌉·d`, in ASCII `ceil(N/P)*d`: there the dot would read as a decimal point.
std::string formula_text(std::string formula, bool ascii);
/// `N = requests, d = one wait, P = threads of a pool`: what the letters of these formulas mean.
std::string formula_legend(const std::string& formulas);

/// The verdict about a documented figure in the words of the column `claimed`; empty for none.
std::string verdict_word(Verdict verdict);

/// `~1.1` for `~1.1s` beside figures in seconds; other spellings stay.
std::string without_unit(const std::string& documented, const Unit& unit);

}  // namespace lab
