#pragma once

#include <span>
#include <vector>

#include "harness/trace/occupancy.hpp"
#include "lab/core/plan.hpp"

namespace lab {

/// When the steps of a plan were executed, as far as it follows from when the handler ran (`from` to `to`)
/// and what it held meanwhile (loop, pool member, thread). For servers that tell no more than that. Where it
/// held something for as long as the whole plan takes, or nothing is known of that, the steps lie in those
/// times: one in each, or all in the only one, in the order of the plan, each as long as it takes unhindered
/// and the last one as long as there is time. Otherwise the waits are the longest times in which it held
/// nothing, and the rest is between them. None where neither fits, or steps run at once.
std::vector<StepSpan> infer_steps(const Route& route, Nanos from, Nanos to, std::span<const Hold> holds);

}  // namespace lab
