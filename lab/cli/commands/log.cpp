#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "harness/model/model.hpp"
#include "lab/cli/command.hpp"
#include "lab/cli/verify.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/log_report.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

struct LogAsked {
  std::vector<std::string> documents, engines;
  bool quick = false;
  VerifyOptions options;
  OutputOptions output;
};

/// Runs that are over soon are repeated, so that one slow moment does not decide.
constexpr int kShortRepetitions = 6;  // the fewest that carry an interval
constexpr double kShort = 1.5;        // seconds
const std::vector<std::string> kEngines{std::string(kNative), std::string(kFastapi)};

/// What shows a row: its run, and its scenario with the row's durations.
struct RowRun {
  const LogRow* row = nullptr;
  double scale = 1;
  Scenario scenario;

  const Arm& arm() const { return *std::ranges::find(scenario.arms, row->measure.arm, &Arm::id); }
  const Case& load_case() const {
    return *std::ranges::find(scenario.cases, row->measure.case_id, &Case::id);
  }
  /// What the stat is where nothing but the plan costs anything.
  std::optional<double> ideally(const Stat& stat, std::uint64_t seed) const {
    const RunRepetition ideal =
        simulate_repetition(scenario, arm(), load_case(), available_cores(), 1, seed, false);
    return evaluate(stat, ideal, scenario.routes, load_case());
  }
  /// Below this nothing is measured; none where the plan computes.
  std::optional<double> least(std::uint64_t seed) const {
    const Stat& stat = row->measure.stat;
    const bool computes = any_step(scenario, [](const Step& step) { return step.is<Compute>(); });
    if (computes || !stat.is_time()) return std::nullopt;
    if (stat == Stat{})
      return bound({&scenario.routes, &arm(), &load_case(), available_cores(), seed}).seconds;
    const std::optional<double> figure = ideally(stat, seed);
    return figure ? std::optional(*figure + seconds(row->from)) : figure;
  }
};

std::vector<RowRun> rows_to_run(const ClaimsFile& file, const LogAsked& asked) {
  refuse_unknown("document", asked.documents, ids_of(file.documents));
  for (const std::string& engine : asked.engines)
    refuse_if(!contains(kEngines, engine), "--engine: unknown engine '{}'{}", engine,
              suggestion(engine, kEngines));
  std::vector<RowRun> runs;
  for (const LogRow& row : file.log) {
    if (!asked.documents.empty() && !contains(asked.documents, row.document)) continue;
    Overrides overrides;
    overrides.params = row.params;
    overrides.requests = row.requests;
    overrides.scale = asked.quick ? row.quick : 1;
    runs.push_back(
        {&row, overrides.scale, load_scenario(row.measure.scenario, known_modes(), overrides).value()});
  }
  refuse_if(runs.empty(), "that document states no timing");
  return runs;
}

bool shows(const VerifyBatch& batch, const RowRun& run) {
  return batch.scenario == run.row->measure.scenario && batch.scale == run.scale &&
         batch.params == run.row->params && batch.requests == run.row->requests;
}

/// Rows that one run of a scenario shows, on each engine.
std::vector<VerifyBatch> log_batches(const std::vector<RowRun>& runs,
                                     const std::vector<std::string>& engines) {
  std::vector<VerifyBatch> batches;
  for (const RowRun& run : runs) {
    for (const std::string& engine : engines) {
      Measure measure = run.row->measure;
      measure.engine = engine;
      const auto same = std::ranges::find_if(
          batches, [&](const VerifyBatch& one) { return one.engine == engine && shows(one, run); });
      VerifyBatch& batch =
          same != batches.end()
              ? *same
              : batches.emplace_back(VerifyBatch{
                    measure.scenario, engine, run.scale, 0, run.row->params, run.row->requests, {}});
      batch.add(measure);
    }
  }
  return batches;
}

/// A threshold is kept on its own side, a figure within what judge() allows.
Verdict verdict_of(const LogLine& line, const Estimate& measured) {
  const LogRow& row = *line.row;
  const double claimed = line.claimed();
  if (!row.judged) return Verdict::none;
  const bool crossed = measured.low && measured.high && *measured.low < claimed && claimed < *measured.high;
  if (row.relation != Relation::about && crossed) return Verdict::inconclusive;
  if (row.relation == Relation::below)
    return measured.median < claimed ? Verdict::reproduced : Verdict::slower;
  if (row.relation == Relation::above)
    return measured.median > claimed ? Verdict::reproduced : Verdict::faster;
  return judge(measured, claimed, line.bound);
}

/// What that batch gave for the row. A reading with failed requests, or below its bound, is no figure.
LogCell log_cell(const RowRun& run, const LogLine& line, const std::string& engine, const BatchEnd& end) {
  Measure measure = run.row->measure;
  measure.engine = engine;
  Reading reading = end.readings.get(measure);
  LogCell cell{engine, {}, reading.recorded, reading.absent, reading.disturbed, Verdict::none};
  if (cell.recorded && end.readings.setting(measure).scale != run.scale)
    cell.absent = "it was recorded with other durations";
  if (!cell.absent.empty()) return cell;
  for (double& value : reading.values) value += seconds(run.row->from);
  cell.measured = summarise(reading.values);
  cell.verdict = verdict_of(line, cell.measured);
  return cell;
}

int show_log(LogAsked asked) {
  if (asked.engines.empty()) asked.engines = kEngines;
  std::ranges::sort(asked.engines, std::ranges::greater{});  // native first
  asked.engines.erase(std::unique(asked.engines.begin(), asked.engines.end()), asked.engines.end());
  const OutputOptions& output = asked.output;
  ClaimsFile file = load_claims().value();
  settle_claims(file, known_modes()).value();
  const std::vector<RowRun> runs = rows_to_run(file, asked);
  const std::vector<VerifyBatch> batches = log_batches(runs, asked.engines);
  const Nanos began = monotonic_now();
  std::vector<BatchEnd> ends(batches.size());
  bool interrupted = false;
  for (std::size_t i = 0; i < batches.size() && !interrupted; ++i) {
    const VerifyBatch& batch = batches[i];
    VerifyOptions options = asked.options;
    std::map<std::pair<std::string, std::string>, double> parts;
    for (const RowRun& run : runs) {
      if (shows(batch, run))
        parts[{run.arm().id, run.load_case().id}] = run.ideally(Stat{}, options.seed).value_or(0);
    }
    const double together = std::accumulate(parts.begin(), parts.end(), 0.0,
                                            [](double sum, const auto& part) { return sum + part.second; });
    options.repetitions = together < kShort && !asked.quick ? kShortRepetitions : 1;
    options.quiet = output.quiet;
    ends[i] = take_readings(batch, options, fmt::format("run {} of {}", i + 1, batches.size()));
    interrupted = ends[i].interrupted || interrupt_signal() != 0;
  }
  LogReport report{file.documents, asked.engines, {}, asked.quick, !interrupted, 0};
  for (const RowRun& run : runs) {
    LogLine line{run.row, run.scale, run.least(asked.options.seed), {}};
    for (std::size_t i = 0; i < batches.size(); ++i) {
      if (shows(batches[i], run)) line.cells.push_back(log_cell(run, line, batches[i].engine, ends[i]));
    }
    report.lines.push_back(std::move(line));
  }
  report.seconds = seconds(monotonic_now() - began);
  print(output.format == Format::json       ? log_json(report)
        : output.format == Format::csv      ? log_csv(report)
        : output.format == Format::markdown ? log_markdown(report)
                                            : log_text(report, output.style));
  return interrupted ? interrupt_exit_code() : 0;
}

}  // namespace

Command log_command() {
  Command command("log", "measure every timing that the documents state", "Example: lab log --document D2");
  LogAsked& asked = command.runs<LogAsked>(show_log);
  command.flag("--quick", asked.quick, "shorter durations, about half a minute in all");
  command.texts("--document", "D", asked.documents, "only timings of this document, such as D2").list();
  command.texts("--engine", "ENGINE", asked.engines, "the servers to measure (native,fastapi)")
      .list()
      .choices = kEngines;
  command
      .count("--seed", "S", asked.options.seed, 0, INT64_MAX,
             "random seed of arrivals, connections and the order of arms")
      .shows("42");
  command.text("--python", "PATH", asked.options.python, "the Python that has FastAPI (/usr/bin/python3)");
  command.flag("--save", asked.options.save, "save every run, as lab run does");
  add_output_options(command, asked.output, {Format::text, Format::json, Format::csv, Format::markdown});
  return command;
}

}  // namespace lab
