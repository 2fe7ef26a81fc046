#include "lab/cli/verify.hpp"

#include <algorithm>
#include <set>

#include "harness/model/model.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/arm_report.hpp"
#include "results/store/set_aside.hpp"
#include "results/store/store.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

/// The batch of that scenario and engine, made where there is none yet.
VerifyBatch& batch_of(std::vector<VerifyBatch>& batches, const Measure& measure, const ClaimsFile& file,
                      const VerifyOptions& options) {
  for (VerifyBatch& batch : batches) {
    if (batch.scenario == measure.scenario && batch.engine == measure.engine) return batch;
  }
  VerifyBatch batch{measure.scenario, measure.engine, options.scale, 0, {}, {}, {}};
  if (const auto needs = file.runs.find(measure.scenario); needs != file.runs.end()) {
    batch.scale = std::max(options.scale, needs->second.least_scale);
    batch.cores = needs->second.cores;
  }
  return batches.emplace_back(std::move(batch));
}

constexpr double kDisturbed = 0.15;  // of the cores' time

/// What of the scenario this batch runs: not the arms that no claim asks for.
Overrides overrides_of(const VerifyBatch& batch) {
  Overrides overrides;
  if (batch.engine == kRecorded) return overrides;
  std::set<std::string> arms;
  for (const Measure& measure : batch.measures) arms.insert(measure.written);
  overrides.arms.assign(arms.begin(), arms.end());
  overrides.scale = batch.scale;
  overrides.params = batch.params;
  overrides.requests = batch.requests;
  return overrides;
}

/// Leaves out whatever no claim asks for.
void keep_asked_for(const VerifyBatch& batch, const Scenario& scenario, PreparedExperiment& prepared) {
  for (const EngineArm& one : prepared.arms) {
    for (const Case& load_case : scenario.cases) {
      const bool asked = std::ranges::any_of(batch.measures, [&](const Measure& measure) {
        return measure.arm == one.arm.id && measure.case_id == load_case.id;
      });
      if (!asked && !prepared.is_left_out(one, load_case))
        prepared.left_out.push_back({one.arm.id, load_case.id, "no claim asks for it", one.engine});
    }
  }
}

/// Requests of the stat's route that failed; where failing is what the stat counts, none.
std::string failures(const Stat& stat, const RunRepetition& repetition, const std::vector<Route>& routes) {
  using Quantity = Stat::Quantity;
  const bool of_replies =
      !stat.of_server() || stat.quantity == Quantity::cpu;  // who only refuses, works little
  if (stat.quantity == Quantity::share || stat.quantity == Quantity::count || !of_replies) return "";
  RequestCounts books;
  for (const RequestRecord& record : repetition.records) {
    const bool counts = stat.route.empty() || routes.at(record.route).name == stat.route;
    if (counts && record.outcome != Outcome::hung_up) books.add(record);
  }
  if (books.ok == books.planned) return "";
  const auto& kinds = books.errors.empty() ? books.not_sent : books.errors;
  const std::string kind = kinds.empty() ? "no reply" : kinds.begin()->first;
  return fmt::format("{} of {} requests failed ({})", books.planned - books.ok, books.planned, kind);
}

struct BatchRun {
  Scenario scenario;
  std::vector<EngineArm> arms;
  ExperimentResult measured;
};

template <class Items, class Id>
const auto* find_by(const Items& items, Id matches) {
  const auto found = std::ranges::find_if(items, matches);
  return found == items.end() ? nullptr : &*found;
}

/// What busy cores and a wrong instrument would spoil.
void doubt(const Measure& measure, const BatchRun& done, const Case& load_case, Reading& reading) {
  using Quantity = Stat::Quantity;
  const EngineArm* one = find_by(done.arms, [&](const EngineArm& arm) { return arm.arm.id == measure.arm; });
  if (one == nullptr || reading.values.empty()) return;
  const Bound least = bound({&done.scenario.routes, &one->arm, &load_case, available_cores(), 0});
  if (measure.stat == Stat{} && !least.has_cpu) {
    for (const RunRepetition& repetition : done.measured.run.repetitions) {
      const bool same = repetition.arm == measure.arm && repetition.case_id == measure.case_id;
      RunRepetition room;
      if (same && below_bound(since_first_intended(whole(repetition, room)), least.seconds, false))
        reading.absent = fmt::format("measured below the bound of {:.4g} s: instrument fault", least.seconds);
    }
  }
  const Quantity quantity = measure.stat.quantity;
  const bool counts = quantity == Quantity::share || quantity == Quantity::count ||
                      quantity == Quantity::value ||
                      (quantity >= Quantity::memory && quantity != Quantity::switch_time);
  if (counts || done.measured.others_share <= kDisturbed) return;
  reading.disturbed =
      fmt::format("others took {:.0f} % of the cores meanwhile", done.measured.others_share * 100);
}

Reading read_measure(const Measure& measure, const std::string& engine, const BatchRun& done) {
  const Case& load_case =
      *find_by(done.scenario.cases, [&](const Case& one) { return one.id == measure.case_id; });
  Reading reading;
  reading.recorded = engine == kRecorded;
  for (const NotRun& left_out : done.measured.run.header.not_run) {
    if (left_out.engine == engine && left_out.arm == measure.arm && left_out.case_id == measure.case_id)
      reading.absent = left_out.reason;
  }
  for (const RunRepetition& kept : done.measured.run.repetitions) {
    if (kept.arm != measure.arm || kept.case_id != measure.case_id) continue;
    RunRepetition room;
    const RunRepetition& repetition = whole(kept, room);
    if (reading.absent.empty()) reading.absent = failures(measure.stat, repetition, done.scenario.routes);
    const auto value = evaluate(measure.stat, repetition, done.scenario.routes, load_case);
    if (value) reading.values.push_back(*value);
  }
  if (reading.values.empty() && reading.absent.empty()) {
    reading.absent = done.measured.fault
                         ? done.measured.fault->message
                         : fmt::format("it was run without a figure for {}", to_string(measure.stat));
  }
  doubt(measure, done, load_case, reading);
  return reading;
}

/// Everything from loading to the readings; what could not be run is absent with its reason. Throws Failure
/// where nothing could be started.
BatchEnd run_batch(const VerifyBatch& batch, const VerifyOptions& options, const std::string& what) {
  BatchRun done;
  Scenario& scenario = done.scenario;
  const Overrides overrides = overrides_of(batch);
  const bool recorded = batch.engine == kRecorded;
  scenario = load_scenario(batch.scenario, known_modes(), overrides).value();
  for (Arm& arm : scenario.arms) {
    if (arm.cores == 0 && batch.engine == kNative) arm.cores = batch.cores;
  }
  ExperimentOptions experiment;
  experiment.engines = {batch.engine};
  experiment.repetitions = options.repetitions;
  experiment.seed = options.seed;
  experiment.foreign.python = options.python;
  experiment.postgres = options.postgres;
  experiment.as_written = recorded;
  preflight(scenario, experiment, options.save ? std::optional(default_runs_folder()) : std::nullopt);
  PreparedExperiment prepared = PreparedExperiment::prepare(scenario, experiment);
  keep_asked_for(batch, scenario, prepared);
  RecordOptions record;
  if (!recorded) {
    record.changes = {"--arms=" + join(overrides.arms, ","), fmt::format("--scale={}", batch.scale)};
    for (const auto& [name, value] : batch.params)
      record.changes.push_back(fmt::format("--set={}={}", name, format_duration_literal(value)));
    if (batch.requests) record.changes.push_back(fmt::format("--requests={}", *batch.requests));
  }
  const ExperimentPlan plan = plan_experiment(scenario, experiment, prepared);
  if (options.save && plan.trials > 0) record.folder = default_runs_folder();
  done.arms = recorded ? engine_arms(scenario, kRecorded) : prepared.arms;
  ExperimentObserver watching;
  watching.started = [&](const RunHeader&) {
    if (!options.quiet && !recorded)
      print_error("{}: {} ({}), about {}\n", what, batch.scenario, batch.engine,
                  format_estimate(plan.estimate));
  };
  ExperimentResult& measured = done.measured =
      run_experiment(scenario, experiment, plan, prepared, record, watching);
  if (measured.writer) {
    auto saved = measured.writer->finish(measured.run.summary);
    if (!saved) print_warning("not saved: " + saved.error().message);
    if (saved && !options.quiet) print_error("saved {}\n", saved->string());
  }
  if (recorded) measured.others_share = 0;
  BatchEnd end;
  end.interrupted = measured.interrupted;
  if (measured.others_share > kDisturbed)
    end.noise = fmt::format("{}: others took {:.0f} % of the cores meanwhile", batch.scenario,
                            measured.others_share * 100);
  end.readings.set(batch.scenario, batch.measures.front().engine, {batch.scale, scenario.params});
  for (const Measure& measure : batch.measures)
    end.readings.set(measure, read_measure(measure, batch.engine, done));
  return end;
}

/// Nothing at all was measured: no interpreter, no package.
bool nothing_measured(const VerifyBatch& batch, const Readings& readings) {
  return std::ranges::all_of(batch.measures,
                             [&](const Measure& measure) { return readings.get(measure).values.empty(); });
}

}  // namespace

BatchEnd take_readings(const VerifyBatch& batch, const VerifyOptions& options, const std::string& what) {
  BatchEnd end;
  try {
    end = run_batch(batch, options, what);
  } catch (const Failure& failure) {
    end.interrupted = interrupt_signal() != 0;
    for (const Measure& measure : batch.measures)
      end.readings.set(measure, {.values = {}, .absent = failure.error().message});
  }
  const bool replaceable = batch.engine == kFastapi && batch.params.empty() && !batch.requests;
  if (end.interrupted || !replaceable || !nothing_measured(batch, end.readings)) return end;
  VerifyBatch recorded = batch;
  recorded.engine = kRecorded;
  recorded.scale = 1;
  try {
    BatchEnd found = run_batch(recorded, options, what);
    // Where there is nothing either, the first reason says more.
    if (!nothing_measured(recorded, found.readings)) end.readings = std::move(found.readings);
  } catch (const Failure&) {
    return end;  // no recording either: the reasons of the first attempt stand
  }
  return end;
}

void VerifyBatch::add(const Measure& measure) {
  const bool known = std::ranges::any_of(measures, [&](const Measure& other) {
    return other.arm == measure.arm && other.case_id == measure.case_id && other.stat == measure.stat;
  });
  if (!known) measures.push_back(measure);
}

void refuse_unknown(const std::string& name, const std::vector<std::string>& words,
                    const std::vector<std::string>& known) {
  for (const std::string& word : words)
    refuse_if(!contains(known, word), "--{0}: unknown {0} '{1}'{2}; lab {3} shows all", name, word,
              suggestion(word, known), name == "document" ? "list --documents" : "verify --list");
}

std::vector<VerifyBatch> plan_batches(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                                      const VerifyOptions& options) {
  std::vector<VerifyBatch> batches;
  const auto add = [&](const Measure& measure) { batch_of(batches, measure, file, options).add(measure); };
  for (const Claim* claim : claims) {
    for (const Condition* condition : claim->conditions()) {
      add(condition->left);
      if (condition->right) add(*condition->right);
    }
  }
  return batches;
}

VerifyResult verify(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                    const VerifyOptions& options) {
  VerifyResult result;
  result.scale = options.scale;
  result.repetitions = options.repetitions;
  const Nanos began = monotonic_now();
  Readings readings;
  // Beside three repetitions six more carry an interval that one outlier on either side does not widen. What
  // others disturbed is taken anew, and on a machine that they keep busy more is only more of the same.
  const auto more_of = [&](const VerifyBatch& batch) {
    const bool kept = std::ranges::any_of(
        batch.measures, [&](const Measure& measure) { return readings.get(measure).usable(); });
    const bool busy = 2 * result.noise.size() >= result.times.size();
    return kept && !busy ? 2 * options.repetitions : options.repetitions;
  };
  const auto run_all = [&](const std::vector<VerifyBatch>& batches, VerifyOptions how, bool again) {
    for (std::size_t i = 0; i < batches.size() && !result.interrupted && interrupt_signal() == 0; ++i) {
      const VerifyBatch& batch = batches[i];
      const Nanos start = monotonic_now();
      if (again) how.repetitions = more_of(batch);
      const BatchEnd end = take_readings(
          batch, how, fmt::format("{} {} of {}", again ? "once more," : "run", i + 1, batches.size()));
      for (const Measure& measure : batch.measures) readings.add(measure, end.readings.get(measure));
      readings.set(batch.scenario, batch.engine, end.readings.setting(batch.measures.front()));
      result.times.push_back({batch.scenario, batch.engine, again, seconds(monotonic_now() - start)});
      result.interrupted = end.interrupted;
      if (!end.noise.empty()) result.noise.push_back(end.noise);
    }
  };
  run_all(plan_batches(file, claims, options), options, false);
  for (const Claim* claim : claims) result.claims.push_back(check_claim(*claim, readings));
  // What a spread or others left open, and what differs from the record, is run again, and once more.
  constexpr int kMoreRounds = 2;
  for (int round = 0; round < kMoreRounds && !result.interrupted; ++round) {
    std::vector<ClaimCheck*> open;
    std::vector<const Claim*> open_claims;
    for (ClaimCheck& check : result.claims) {
      if (!check.worth_repeating()) continue;
      open.push_back(&check);
      open_claims.push_back(check.claim);
    }
    VerifyOptions more = options;
    more.seed = options.seed + static_cast<std::uint64_t>(round) + 1;
    run_all(plan_batches(file, open_claims, more), more, true);
    for (ClaimCheck* check : open) *check = check_claim(*check->claim, readings);
  }
  result.interrupted = result.interrupted || interrupt_signal() != 0;
  if (result.interrupted) {
    result.not_decided = result.undecided().size();
    std::erase_if(result.claims, [](const ClaimCheck& check) { return check.undecided(); });
  }
  result.seconds = seconds(monotonic_now() - began);
  return result;
}

}  // namespace lab
