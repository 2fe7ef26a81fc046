#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/loader/load_spec.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMostMadeOffsets = 1'000'000;

bool is_timed(Arrivals arrivals) {
  return arrivals == Arrivals::constant || arrivals == Arrivals::poisson;
}

void change_requests(Draft& draft, LoadSpec& spec) {
  const bool countable = spec.load.arrivals == Arrivals::burst || spec.load.arrivals == Arrivals::closed;
  if (!draft.overrides.requests || !countable) return;
  draft.options_used.insert("--requests");
  draft.figures_changed |= spec.requests != draft.overrides.requests;
  spec.requests = draft.overrides.requests;
}

/// Times of arrival as far apart as the rate says; the model and the harness want them listed.
void list_offsets(Draft& draft, LoadSpec& spec) {
  if (*spec.requests > kMostMadeOffsets) {
    draft.problems.option(fmt::format("--arrivals staggered lists at most {} arrivals, not {}; use constant",
                                      grouped(kMostMadeOffsets), grouped(*spec.requests)));
    return;
  }
  for (std::int64_t i = 0; i < *spec.requests; ++i) spec.load.at.push_back(i * spec.load.every);
}

void change_arrivals(Draft& draft, LoadSpec& spec) {
  const Arrivals wanted = *draft.overrides.arrivals;
  draft.options_used.insert("--arrivals");
  if (wanted == spec.load.arrivals) return;
  draft.figures_changed = true;
  const bool paced = is_timed(wanted) || wanted == Arrivals::staggered;
  if (draft.overrides.rate && paced) {
    draft.options_used.insert("--rate");
    spec.load.every = to_nanos(1 / *draft.overrides.rate);
  }
  if (paced && spec.load.every == 0) {
    draft.problems.option(
        fmt::format("--arrivals {0} needs to know how often: add --rate, as in --arrivals {0} --rate 50",
                    to_string(wanted)));
    return;
  }
  const bool stays_timed = is_timed(wanted) && is_timed(spec.load.arrivals);
  if (!stays_timed) {
    spec.requests = count_requests(draft, spec);
    spec.until.reset();
  }
  spec.load.arrivals = wanted;
  spec.load.at.clear();
  if (wanted == Arrivals::staggered) list_offsets(draft, spec);
  if (!is_timed(wanted)) spec.load.every = 0;
}

void change_pace(Draft& draft, LoadSpec& spec) {
  if (!is_timed(spec.load.arrivals)) return;
  if (draft.overrides.rate) {
    const Nanos every = to_nanos(1 / *draft.overrides.rate);
    draft.options_used.insert("--rate");
    draft.figures_changed |= every != spec.load.every;
    spec.load.every = every;
  }
  if (draft.overrides.duration) {
    const Nanos until = spec.load.from + *draft.overrides.duration;
    draft.options_used.insert("--duration");
    draft.figures_changed |= spec.until != until;
    spec.until = until;
  }
}

}  // namespace

void apply_overrides(Draft& draft, LoadSpec& spec, bool first) {
  change_requests(draft, spec);
  if (draft.overrides.arrivals && first) {
    change_arrivals(draft, spec);
    change_requests(draft, spec);  // a load that has just become a burst counts as one
  }
  change_pace(draft, spec);
  if (draft.overrides.fresh_connections) {
    spec.load.fresh_connections = *draft.overrides.fresh_connections;
    spec.load.client_process = false;
  }
}

}  // namespace lab
