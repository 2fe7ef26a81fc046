#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <system_error>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/cli/runs.hpp"
#include "lab/cli/spell.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/run_trace.hpp"
#include "lab/experiment/set_aside.hpp"
#include "lab/report/other_tools_text.hpp"
#include "lab/report/report.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/exports.hpp"
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

namespace {

std::string vegeta_of(const Scenario& scenario, const Run& run) {
  std::vector<VegetaTarget> targets;
  for (const Route& route : scenario.routes)
    targets.push_back({route.method, "http://127.0.0.1" + route.path});
  std::map<std::string, std::vector<std::int64_t>> bytes_out;
  for (const Case& load_set : scenario.cases) {
    for (const Load& load : load_set.loads) bytes_out[load_set.id].push_back(load.body_bytes);
  }
  return to_vegeta(run, targets, bytes_out).value();
}

/// What is made of the records themselves, not of the report about them; nothing for other formats.
std::optional<std::string> spell_records(Format format, const Scenario& scenario, const Run& run) {
  switch (format) {
    case Format::trace: return to_trace(trace_of(scenario, run).value());
    case Format::vegeta: return vegeta_of(scenario, run);
    default: return std::nullopt;
  }
}

int report(const std::string& name, bool other_tools, const RawOutputOptions& raw) {
  const OutputOptions output = check_output_options(raw).value();
  if (other_tools && output.format != Format::text)
    throw Failure(usage_error("--other-tools adds to the text; leave --format out"));
  const std::filesystem::path path = find_run(name);
  SetAside set_aside;
  const bool tells_requests = output.format == Format::trace || output.format == Format::vegeta;
  const auto put_aside = [&](RunRepetition& repetition) {
    if (!tells_requests) set_aside.take(repetition);
  };
  const Run run = read_run(path, put_aside).value();
  for (const std::string& damage : run.damage) print_warning(damage);
  const Overrides overrides = overrides_from(run.header.options).value();
  const Scenario scenario = recorded_scenario(run);
  if (const auto records = spell_records(output.format, scenario, run)) {
    print(*records);
    return 0;
  }
  Report told = make_report(scenario, run);
  told.changes = describe_changes(overrides);
  told.path = path.string();
  if (std::filesystem::exists(path / kServerOutput)) add_server_output(told, (path / kServerOutput).string());
  print(output.format == Format::gbench ? to_gbench(told, run).value() : spell({told}, output));
  if (other_tools) print("\n" + other_tools_text(run, scenario, output.style));
  return 0;
}

}  // namespace

void add_report(CLI::App& app, Action& action) {
  struct Options {
    std::string run;
    bool other_tools = false;
    RawOutputOptions output;
  };
  CLI::App* verb = app.add_subcommand("report", "a recorded run shown again, in any format");
  verb->footer("Example: lab report last --format md");
  auto options = std::make_shared<Options>();
  add_text(*verb, "run", options->run, "a folder, its name, a scenario's newest run, or 'last'")
      ->required()
      ->type_name("RUN");
  verb->add_flag("--other-tools", options->other_tools,
                 "what wrk, hey and autocannon would have printed of the same replies");
  std::vector<Format> formats = kReportFormats;
  formats.insert(formats.end(), {Format::trace, Format::vegeta, Format::gbench});
  add_output_options(*verb, options->output, formats);
  verb->callback([&action, options] {
    action = [options] { return report(options->run, options->other_tools, options->output); };
  });
}

}  // namespace lab
