// lab/page: the classroom page. What the page asks (README.md) is answered here by the same functions as the
// verbs', whether `lab demo` passes the question on or WebAssembly runs them in the reader's browser.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/core/scenario.hpp"
#include "lab/experiment/options.hpp"
#include "results/report/report.hpp"
#include "results/store/run.hpp"

namespace lab {

/// One call of the page, JSON for JSON; what is wrong with it is an answer too.
std::string answer_call(std::string_view request);

/// The words behind `lab run` of a run that the page asks for. Throws Failure (exit 2).
Texts words_of_run(std::string_view request);

/// lab.catalogue/1: every scenario that can be read, or these ones, without what they predict.
std::string catalogue_json();
std::string catalogue_json(const std::vector<Scenario>& scenarios);

/// lab.page/1: the report, and a picture of each arm that has lanes. `chosen`: somebody chose its arms, and
/// all of them tell.
std::string page_json(const Report& report, const Scenario& scenario, const Run& run, bool chosen = false);

/// One repetition: its lanes, its loops' turns and what happened in them, in nanoseconds since its first
/// request was sent.
std::string picture_json(const std::vector<Lane>& lanes, const RunRepetition& repetition,
                         const Scenario& scenario);

inline constexpr int kReferenceCores = 2;
/// Gives steps whose duration is open that of a machine that stands for all: an answer is the same wherever
/// it is computed.
void apply_reference_rates(Scenario& scenario);

}  // namespace lab
