#include "lab/experiment/recorded_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <vector>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/options.hpp"
#include "lab/servers/mode.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace {

/// Where the newest run of that name was not taken, or is not whole.
void warn_of_incomplete(const std::vector<RunListing>& runs, const RunListing& taken,
                        const std::string& name) {
  const auto newest = std::find_if(runs.begin(), runs.end(), [&](const RunListing& run) {
    return name == "last" || name == run.header.scenario;
  });
  const std::string& reason = newest->problem.empty() ? newest->summary.reason : newest->problem;
  if (&*newest != &taken) {
    print_warning(
        fmt::format("{} is {}: the newer {} is incomplete ({})", name, taken.name, newest->name, reason));
  } else if (!taken.readable || !taken.summary.complete) {
    print_warning(fmt::format("{} is {}, which is incomplete ({}); there is no complete one", name,
                              taken.name, reason));
  }
}

}  // namespace

std::filesystem::path find_run(const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::exists(name, ignored)) return name;
  const std::vector<RunListing> runs = list_runs(default_runs_folder()).value();
  if (const RunListing* run = named_run(runs, name)) {
    if (name != run->name) warn_of_incomplete(runs, *run, name);
    return run->path;
  }
  std::vector<std::string> names;
  for (const RunListing& run : runs) names.push_back(run.name);
  if (names.empty())
    throw Failure(usage_error("no run '{}': nothing has been recorded yet; see lab run", name));
  const auto near = nearest_word(name, names);
  throw Failure(usage_error("no run '{}'{}; see lab history", name,
                            near ? fmt::format(" (did you mean '{}'?)", *near) : ""));
}

Scenario recorded_scenario(const Run& run) {
  if (run.header.scenario_source.empty())
    throw Failure(usage_error("the run's header is lost, so nothing can be said about it"));
  const RunHeader& header = run.header;
  Scenario scenario = parse_scenario(header.scenario_source, header.scenario_file, known_modes(),
                                     overrides_from(header.options).value())
                          .value();
  scenario.name = header.scenario;
  return scenario;
}

}  // namespace lab
