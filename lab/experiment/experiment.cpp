#include "lab/experiment/experiment.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <new>
#include <random>
#include <tuple>
#include <utility>

#include "harness/findings/finding.hpp"
#include "harness/model/model.hpp"
#include "lab/core/event_ring.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/terminal.hpp"
#include "lab/experiment/recordings.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/steps/work.hpp"
#include "lab/servers/supervisor/server.hpp"
#include "results/report/room.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

namespace {

constexpr int kDefaultRepetitions = 6;  // the least with an interval: minimum to maximum covers 96.9 %
constexpr Nanos kPerTrial = 60 * kMillisecond;  // starting, warming up and stopping a server
constexpr Nanos kPerForeignTrial = kSecond;     // an interpreter and its modules
constexpr Nanos kForeignPatience =
    200 * kMillisecond;  // uvicorn waits for each worker in turn; nothing is lost
constexpr int kMaxStartedWorkers = 256;
constexpr int kMaxStartedThreads = 4'096;
constexpr std::int64_t kMostModelRequests = 300'000;
constexpr std::int64_t kMostNativeRequests = 1'000'000;
constexpr std::size_t kEventsPerRequest = 24;
constexpr std::size_t kEventsPerStep = 8;
constexpr std::size_t kMaxEvents = 4'000'000;  // of one worker: 160 MB, touched only where written

struct Trial {
  const EngineArm* arm;
  const Case* load_case;
};

/// The arms in the scenario's order, each on its engines one after another.
std::vector<Trial> trials_of(const Scenario& scenario, const PreparedExperiment& prepared) {
  std::vector<Trial> trials;
  for (const EngineArm& arm : prepared.arms) {
    if (arm.arm.predict_only) continue;
    for (const Case& load_case : scenario.cases) {
      if (!prepared.is_left_out(arm, load_case)) trials.push_back({&arm, &load_case});
    }
  }
  return trials;
}

ModelInput model_input(const Scenario& scenario, const Arm& arm, const Case& load_case, std::uint64_t seed) {
  return {&scenario.routes, &arm, &load_case, available_cores(), seed};
}

/// Room for what one worker may have to report.
std::size_t most_events(const Scenario& scenario, const Case& load_case) {
  std::size_t events = 1000 * kEventsPerRequest;
  for (const Load& load : load_case.loads) {
    const auto requests = static_cast<std::size_t>(load.requests);
    const auto steps = static_cast<std::size_t>(executed_steps(scenario.routes[load.route].plan));
    events += requests * (kEventsPerRequest + kEventsPerStep * std::min(steps, kMaxEvents / kEventsPerStep));
    if (load.then) {
      const auto polls =
          static_cast<std::size_t>(load.then->at_most / std::max<Nanos>(1, load.then->every)) + 1;
      events += requests * polls * kEventsPerRequest;
    }
    events = std::min(events, kMaxEvents);
  }
  return events;
}

/// Servers of this arm may leave a connection in the backlog while they are busy.
bool accepts_late(const Arm& arm) {
  return arm.accept == Accept::one || (arm.workers > 1 && arm.accept != Accept::handoff);
}

/// Sends the load and keeps what came of it. Throws Failure.
RunRepetition send_load(const Scenario& scenario, const Trial& trial, const LoadTarget& target,
                        EventRings* rings, std::uint64_t seed, const LoadWatch& watch) {
  const Arm& arm = trial.arm->arm;
  LoadOptions options;
  options.seed = seed;
  options.interrupt_fd = interrupt_fd();
  options.close_after_reply =
      std::ranges::any_of(arm.modes, [](const Traits& mode) { return mode.idle != Resource::nothing; });
  options.accepts_late = accepts_late(arm) || target.stamped;
  options.watch = watch;
  if (target.stamped && trial.arm->engine != kServer) options.warm_up_connections = arm.workers;
  const double expected = simulate(model_input(scenario, arm, *trial.load_case, seed)).makespan_s;
  constexpr double kLongest = 1e18;  // nanoseconds: decades, and no overflow
  options.request_deadline = 10 * kSecond + static_cast<Nanos>(std::min(2e9 * expected, kLongest));
  LoadResult load = run_load(*trial.load_case, target, rings, options).value();
  RunRepetition repetition;
  repetition.arm = arm.id;
  repetition.case_id = trial.load_case->id;
  repetition.engine = trial.arm->engine;
  repetition.began = load.began;
  repetition.send_skew = load.send_skew;
  repetition.events_dropped = load.events_dropped;
  repetition.server = load.server;
  repetition.killed = std::move(load.killed);
  repetition.supervision = std::move(load.supervision);
  repetition.records = std::move(load.records);
  repetition.events = std::move(load.events);
  repetition.warnings = std::move(load.warnings);
  return repetition;
}

template <class Matches>
bool any_request(const RunRepetition& repetition, const Matches& matches) {
  return std::ranges::any_of(repetition.records, matches);
}

RunRepetition measure_native(const Scenario& scenario, const Trial& trial, PreparedExperiment& prepared,
                             std::uint64_t seed, const LoadWatch& watch) {
  const Arm& arm = trial.arm->arm;
  EventRings rings = EventRings::create(arm.workers, most_events(scenario, *trial.load_case)).value();
  ServerSetup setup;
  setup.routes = scenario.routes;
  setup.arm = arm;
  setup.seed = seed;
  setup.rates = prepared.rates;
  prepared.fixtures.apply_to(setup);
  Server server = Server::start(setup, &rings).value();
  LoadTarget target;
  target.port = server.port();
  target.master = server.master();
  target.routes = scenario.routes;
  auto sent = caught([&] { return send_load(scenario, trial, target, &rings, seed, watch); });
  if (!sent && server.has_ended()) {
    throw Failure({ErrorKind::check_failed,
                   fmt::format("{}: the server ended before its load: its workers kept dying", arm.id)});
  }
  RunRepetition repetition = std::move(sent).value();
  if (server.is_stopped()) {
    repetition.warnings.emplace_back(
        "somebody stopped the server's master (SIGSTOP): new connections waited for it until their deadline");
  }
  if (interrupt_signal() == 0) server.stop(2 * kSecond);
  return repetition;
}

/// How it ended, where it did: its supervisor may know a moment after the connections were lost.
std::optional<std::string> how_it_ended(ExternalServer& server, const RunRepetition& repetition) {
  const bool lost = any_request(repetition, [](const RequestRecord& record) {
    return record.outcome == Outcome::closed || record.outcome == Outcome::reset ||
           record.outcome == Outcome::refused;
  });
  const Nanos until = monotonic_now() + (lost ? 200 * kMillisecond : 0);
  for (;;) {
    if (auto how = server.ended()) return how;
    if (monotonic_now() >= until) return std::nullopt;
    sleep_until(monotonic_now() + 5 * kMillisecond);
  }
}

/// `said`: all that a server wrote that failed, unless another one's words are there.
RunRepetition measure_foreign(const Scenario& scenario, const Trial& trial, PreparedExperiment& prepared,
                              std::uint64_t seed, const LoadWatch& watch, std::string& said) {
  std::string words;
  auto started = prepared.foreign.start(*trial.arm, prepared.fixtures, &words);
  if (said.empty()) said = words;
  ExternalServer server = std::move(started).value();
  LoadTarget target;
  target.port = server.port();
  target.master = server.pid();
  target.routes = scenario.routes;
  target.stamped = true;
  RunRepetition repetition = send_load(scenario, trial, target, nullptr, seed, watch);
  const bool refused = any_request(repetition, [](const RequestRecord& record) {
    return record.outcome == Outcome::bad_status && record.status >= 500;
  });
  const auto how = how_it_ended(server, repetition);
  const std::string last = server.last_words();
  if (how) {
    repetition.warnings.push_back("the server " + *how);
  } else if (refused && !last.empty()) {
    repetition.warnings.push_back("the server said: " + last);
  }
  if ((how || refused) && said.empty()) said = server.output();
  // Ours in every line but their interpreter's: all they have is in memory or in a temporary folder.
  if (trial.arm->engine == kServer && interrupt_signal() == 0) server.stop(kForeignPatience);
  return repetition;
}

/// Its workers died faster than they could serve.
std::optional<Error> given_up(const RunRepetition& repetition) {
  const auto deaths = worker_deaths(repetition.supervision, {}, {}, repetition.began);
  const auto last = std::ranges::find_if(deaths, &WorkerDeath::gave_up);
  if (last == deaths.end()) return std::nullopt;
  return Error{ErrorKind::check_failed,
               fmt::format("{}: workers kept dying: {}", repetition.arm, describe(*last))};
}

RunRepetition measure(const Scenario& scenario, const Trial& trial, PreparedExperiment& prepared, int number,
                      std::uint64_t seed, const LoadWatch& watch, std::string& said) {
  const double pace_before = measure_pace(scenario.routes, prepared.rates);
  RunRepetition repetition = trial.arm->engine == kNative
                                 ? measure_native(scenario, trial, prepared, seed, watch)
                                 : measure_foreign(scenario, trial, prepared, seed, watch, said);
  repetition.number = number;
  repetition.pace = take_computed_pace(repetition.events).value_or(pace_before);
  return repetition;
}

std::optional<std::string> unsupported_reason(const PreparedExperiment& prepared, const Scenario& scenario,
                                              const EngineArm& one, const Case& load_case) {
  if (auto reason = prepared.fixtures.unsupported_reason(scenario, one.arm, load_case)) return reason;
  for (const Traits& traits : one.arm.modes) {
    const Mode* mode = find_mode(traits.name);
    if (one.engine == kNative && mode != nullptr && !mode->is_built())
      return fmt::format("this statically linked lab has no {}", traits.name);
  }
  if (one.arm.cores > available_cores())
    return fmt::format("it needs {} cores, this machine has {}", one.arm.cores, available_cores());
  if (one.engine == kServer && !load_case.kills.empty())
    return "its worker processes are not known, so the lab cannot kill one";
  return prepared.foreign.unsupported_reason(one);
}

/// The recorded arms that were asked for; those of which nothing was recorded are left out.
void add_recorded(const Scenario& scenario, bool as_written, PreparedExperiment& prepared) {
  auto recorded = find_recording(scenario, as_written);
  for (const EngineArm& one : engine_arms(scenario, kRecorded)) {
    if (!one.refusal.empty()) continue;
    for (const Case& load_case : scenario.cases) {
      std::size_t found = 0;
      for (std::size_t i = 0; recorded && i < recorded->repetitions.size(); ++i) {
        const RunRepetition& repetition = recorded->repetitions[i];
        if (repetition.arm != one.arm.id || repetition.case_id != load_case.id) continue;
        prepared.recorded.push_back(repetition);
        ++found;
      }
      if (found > 0) {
        prepared.recording_made = recorded->made;
        continue;
      }
      const std::string reason = recorded ? "FastAPI was not recorded on it" : recorded.error().message;
      prepared.left_out.push_back({one.arm.id, load_case.id, reason, kRecorded});
    }
  }
}

/// The arms of all engines that start servers.
std::vector<EngineArm> started_arms(const Scenario& scenario, const ExperimentOptions& options) {
  std::vector<EngineArm> all;
  for (const std::string& engine : options.engines) {
    if (engine == kModel || engine == kRecorded) continue;
    std::vector<EngineArm> arms = engine_arms(scenario, engine, options.foreign.servers.size());
    std::move(arms.begin(), arms.end(), std::back_inserter(all));
  }
  return all;
}

/// What a run records of itself before its first server: scenario, options, seed, and this machine with what
/// was found out about it while the experiment was prepared.
RunHeader begin_header(const Scenario& scenario, const std::vector<std::string>& changes, std::uint64_t seed,
                       int planned_repetitions, const PreparedExperiment& prepared) {
  RunHeader header;
  header.scenario = scenario.name;
  header.scenario_source = scenario.source;
  header.scenario_file = scenario.file;
  header.options = changes;
  header.seed = seed;
  header.started_utc = utc_now();
  header.version = version();
  header.planned_repetitions = planned_repetitions;
  header.not_run = prepared.left_out;
  const Environment machine = describe_environment();
  header.environment = {{"cores", std::to_string(machine.cores)}, {"kernel", machine.kernel}};
  header.environment.insert(header.environment.end(), machine.details.begin(), machine.details.end());
  record_rates(prepared.rates, header);
  const auto& versions = prepared.foreign.environment();
  header.environment.insert(header.environment.end(), versions.begin(), versions.end());
  if (!prepared.recording_made.empty())
    header.environment.emplace_back(kRecordingMade, prepared.recording_made);
  return header;
}

/// Somebody else's server that does not work costs its own rows, not the run.
void leave_out(const Trial& trial, const Error& error, PreparedExperiment& prepared,
               ExperimentResult& result) {
  const EngineArm& one = *trial.arm;
  prepared.left_out.push_back({one.arm.id, trial.load_case->id, error.message, one.engine});
  if (result.server_fault) return;
  const std::string where = one.engine == kServer ? "" : fmt::format(" ({})", one.engine);
  result.server_that_failed = one.arm.id + where;
  result.server_fault = Error{error.kind, fmt::format("{}: {}", result.server_that_failed, error.message)};
}

/// How often each arm runs, where that decides whether the run has room; else the most that it may.
int repetitions_of(const Scenario& scenario, const ExperimentOptions& options) {
  constexpr std::int64_t kFew = 100'000;
  std::int64_t requests = 0;
  for (const Case& load_case : scenario.cases) requests += load_case.requests();
  const int most = options.quick ? 1 : options.repetitions.value_or(kDefaultRepetitions);
  if (requests * std::ssize(scenario.arms) * most <= kFew) return most;
  Scenario calibrated = scenario;
  calibrate_scenario(calibrated, true);
  return plan_experiment(calibrated, options).repetitions;
}

}  // namespace

ExperimentPlan plan_experiment(const Scenario& scenario, const ExperimentOptions& options,
                               const PreparedExperiment& prepared) {
  ExperimentPlan plan;
  const std::vector<Trial> trials = trials_of(scenario, prepared);
  double round = 0;  // seconds; all arms together may take longer than virtual time lasts
  for (const Trial& trial : trials) {
    const ModelInput input = model_input(scenario, trial.arm->arm, *trial.load_case, options.seed);
    round +=
        seconds(trial.arm->engine == kNative ? kPerTrial : kPerForeignTrial) + simulate(input).makespan_s;
  }
  if (options.quick) {
    plan.repetitions = 1;
  } else if (options.repetitions) {
    plan.repetitions = *options.repetitions;
  } else if (round > 0) {
    plan.repetitions =
        static_cast<int>(std::clamp<double>(seconds(options.budget) / round, 1, kDefaultRepetitions));
  }
  plan.estimate = to_nanos(round * plan.repetitions);
  plan.trials = static_cast<std::int64_t>(trials.size()) * plan.repetitions;
  return plan;
}

PreparedExperiment PreparedExperiment::prepare(Scenario& scenario, const ExperimentOptions& options) {
  PreparedExperiment prepared;
  prepared.fixtures = Fixtures::prepare(scenario, options.postgres);
  prepared.rates = calibrate_scenario(scenario, false);
  Scenario asked = scenario;
  prepared.fixtures.clear_unasked(asked.routes);
  prepared.arms = started_arms(asked, options);
  prepared.foreign = ForeignServers::prepare(scenario, prepared.arms, options.foreign);
  for (const EngineArm& one : prepared.arms) {
    if (one.arm.predict_only) continue;
    for (const Case& load_case : scenario.cases) {
      if (auto reason = unsupported_reason(prepared, scenario, one, load_case))
        prepared.left_out.push_back({one.arm.id, load_case.id, *reason, one.engine});
    }
  }
  if (options.uses(kRecorded)) add_recorded(scenario, options.as_written, prepared);
  return prepared;
}

ExperimentPlan plan_experiment(const Scenario& scenario, const ExperimentOptions& options) {
  PreparedExperiment outline;
  outline.arms = started_arms(scenario, options);
  return plan_experiment(scenario, options, outline);
}

bool PreparedExperiment::is_left_out(const EngineArm& arm, const Case& load_case) const {
  return std::ranges::any_of(left_out, [&](const NotRun& one) {
    return one.engine == arm.engine && one.arm == arm.arm.id && one.case_id == load_case.id;
  });
}

std::string preflight(const Scenario& scenario, const ExperimentOptions& options,
                      const std::optional<std::filesystem::path>& folder) {
  for (const Case& load_case : scenario.cases) {
    refuse_if(options.uses(kModel) && load_case.requests() > kMostModelRequests,
              "--engine model keeps every request; {} are too many (at most {}); use lab predict",
              load_case.requests(), kMostModelRequests);
  }
  const auto engines = std::ranges::count_if(
      options.engines, [](const std::string& one) { return one != kModel && one != kRecorded; });
  if (engines == 0) return "";
  for (const Arm& arm : scenario.arms) {
    if (arm.predict_only) continue;
    const bool threaded = arm.uses(Resource::pool) || arm.uses(Resource::thread);
    for (const auto& [what, asked, most] : {std::tuple("workers", arm.workers, kMaxStartedWorkers),
                                            {"threads", threaded ? arm.threads : 0, kMaxStartedThreads}}) {
      refuse_if(asked > most, "arm '{}' needs {} {}; the lab starts at most {}; for more use lab predict",
                arm.id, asked, what, most);
    }
  }
  for (const Case& load_case : scenario.cases) {
    refuse_if(load_case.requests() > kMostNativeRequests,
              "--requests: {} requests; the lab sends at most {}; for more use lab predict",
              load_case.requests(), kMostNativeRequests);
    raise_descriptor_limit(descriptor_need(load_case)).value();
  }
  const RoomNeed need = room_need(scenario, static_cast<int>(engines), repetitions_of(scenario, options));
  check_room(need, find_free_room(folder, available_memory()), print_warning);
  return describe_room(need, folder.has_value());
}

ExperimentResult run_experiment(const Scenario& scenario, const ExperimentOptions& options,
                                const ExperimentPlan& plan, PreparedExperiment& prepared,
                                const RecordOptions& record, const ExperimentObserver& observer) {
  ExperimentResult result;
  result.run.header = begin_header(scenario, record.changes, options.seed, plan.repetitions, prepared);
  if (record.folder)
    result.writer.emplace(RunWriter::create(*record.folder, record.exact, result.run.header).value());
  const NoiseMeter noise;
  if (observer.started) observer.started(result.run.header);
  SetAside set_aside;
  const auto keep = [&](RunRepetition repetition) {
    if (result.writer) result.writer->add(repetition);
    set_aside.take(repetition);
    result.run.repetitions.push_back(std::move(repetition));
  };

  if (options.uses(kModel)) {
    for (const Arm& arm : scenario.arms) {
      for (const Case& load_case : scenario.cases) {
        keep(simulate_repetition(scenario, arm, load_case, available_cores(), 1,
                                 repetition_seed(options.seed, 1), true));
      }
    }
  }

  for (const RunRepetition& repetition : prepared.recorded) keep(repetition);

  std::vector<Trial> trials = trials_of(scenario, prepared);
  std::mt19937_64 random(options.seed);
  std::int64_t done = 0;
  for (int number = 1; number <= plan.repetitions && !result.fault && !result.interrupted; ++number) {
    if (number > 1) std::shuffle(trials.begin(), trials.end(), random);
    for (const Trial& trial : trials) {
      if (prepared.is_left_out(*trial.arm, *trial.load_case)) continue;
      std::optional<RunRepetition> repetition;
      try {
        if (observer.trial_begins) observer.trial_begins(*trial.arm, *trial.load_case, number);
        repetition = measure(scenario, trial, prepared, number, repetition_seed(options.seed, number),
                             observer.watch, result.server_said);
      } catch (const Failure& failure) {
        result.interrupted = interrupt_signal() != 0;
        if (!result.interrupted && trial.arm->engine != kNative) {
          leave_out(trial, failure.error(), prepared, result);
          continue;
        }
        if (!result.interrupted) result.fault = failure.error();
        break;
      } catch (const std::bad_alloc&) {
        result.fault = environment_error("memory ran out in repetition {} of {}; lower --requests", number,
                                         trial.arm->arm.id);
        break;
      }
      result.interrupted = interrupt_signal() != 0;
      const bool cut = any_request(*repetition, [](const RequestRecord& request) {
        return request.outcome == Outcome::unsent || request.outcome == Outcome::unfinished;
      });
      if (result.interrupted && cut) break;  // an unfinished repetition is no measurement
      result.fault = given_up(*repetition);
      keep(std::move(*repetition));
      ++done;
      if (observer.trial_done) observer.trial_done(result.run.repetitions.back(), done, plan.trials);
      if (result.interrupted || result.fault) break;
    }
    if (!result.fault && !result.interrupted && observer.round_done) observer.round_done(result.run, number);
  }

  result.run.header.not_run = prepared.left_out;
  RunSummary& summary = result.run.summary;
  summary.complete = !result.fault && !result.server_fault && !result.interrupted;
  if (result.server_fault) summary.reason = result.server_that_failed + " could not be run";
  if (result.fault) summary.reason = result.fault->message;
  if (result.interrupted) summary.reason = "interrupted";
  summary.noise = noise.verdict();
  summary.environment = noise.details();
  result.others_share = noise.others_share();
  return result;
}

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace lab
