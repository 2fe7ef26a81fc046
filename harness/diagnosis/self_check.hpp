#pragma once

#include <string>

#include "harness/diagnosis/verdict.hpp"

namespace lab {

/// The least time that so many at once can take if the verdict is true, in seconds.
double floor_seconds(const Diagnosis& verdict, int at_once);

/// What was measured against a verdict: a burst that was faster than its floor, replies before their turn,
/// or, of one that says how long bursts take, a size of which even the fastest one took much longer. Empty
/// where nothing is. A busy machine only ever makes bursts slower.
std::string contradiction(const Observations& seen, const Diagnosis& verdict);

}  // namespace lab
