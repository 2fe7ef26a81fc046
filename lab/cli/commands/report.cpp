#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <system_error>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/cli/spell.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/recorded_runs.hpp"
#include "lab/experiment/report.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/export.hpp"
#include "results/report/other_tools_text.hpp"
#include "results/report/run_trace.hpp"
#include "results/store/set_aside.hpp"
#include "results/store/store.hpp"

namespace lab {

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

int report(const std::string& name, bool other_tools, const OutputOptions& output) {
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

Command report_command() {
  struct Options {
    std::string run;
    bool other_tools = false;
    OutputOptions output;
  };
  Command command("report", "a recorded run shown again, in any format",
                  "Example: lab report last --format md");
  const auto options = std::make_shared<Options>();
  command.text("run", "RUN", options->run, "a folder, its name, a scenario's newest run, or 'last'")
      .required();
  command.flag("--other-tools", options->other_tools,
               "what wrk, hey and autocannon would have printed of the same replies");
  std::vector<Format> formats = kReportFormats;
  formats.insert(formats.end(), {Format::trace, Format::vegeta, Format::gbench});
  add_output_options(command, options->output, formats);
  command.run = [options] { return report(options->run, options->other_tools, options->output); };
  return command;
}

}  // namespace lab
