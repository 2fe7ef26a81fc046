#include "lab/experiment/experiment.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <random>

#include "harness/client/load.hpp"
#include "harness/model/model.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/event_ring.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/interrupt.hpp"
#include "lab/experiment/prepared_experiment.hpp"
#include "lab/servers/steps/work.hpp"
#include "lab/servers/supervisor/server.hpp"
#include "results/store/set_aside.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace {

constexpr int kDefaultRepetitions = 6;  // the least with an interval: minimum to maximum covers 96.9 %
constexpr Nanos kPerTrial = 60 * kMillisecond;  // starting, warming up and stopping a server
constexpr Nanos kPerForeignTrial = kSecond;     // an interpreter and its modules
constexpr Nanos kForeignPatience =
    200 * kMillisecond;  // uvicorn waits for each worker in turn; nothing is lost
constexpr int kMaxServedWorkers = 256;
constexpr int kMaxServedThreads = 4'096;
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
std::vector<Trial> trials_of(const Scenario& scenario, const PreparedExperiment& stage) {
  std::vector<Trial> trials;
  for (const EngineArm& arm : stage.arms) {
    if (arm.arm.predict_only) continue;
    for (const Case& load_case : scenario.cases) {
      if (!stage.is_left_out(arm, load_case)) trials.push_back({&arm, &load_case});
    }
  }
  return trials;
}

ModelInput model_input(const Scenario& scenario, const Arm& arm, const Case& load_case, std::uint64_t seed) {
  return {&scenario.routes, &arm, &load_case, available_cores(), seed};
}

/// Room for what one worker may have to tell.
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

/// Sends the load and keeps what came of it.
Result<RunRepetition> send_load(const Scenario& scenario, const Trial& trial, const LoadTarget& target,
                                EventRings* rings, std::uint64_t seed) {
  const Arm& arm = trial.arm->arm;
  LoadOptions options;
  options.seed = seed;
  options.interrupt_fd = interrupt_fd();
  options.close_after_reply = std::any_of(arm.modes.begin(), arm.modes.end(),
                                          [](const Traits& mode) { return mode.idle != Resource::nothing; });
  options.accepts_late = accepts_late(arm) || target.stamped;
  if (target.stamped && trial.arm->engine != kServer) options.warm_up_connections = arm.workers;
  const double expected = simulate(model_input(scenario, arm, *trial.load_case, seed)).makespan_s;
  constexpr double kLongest = 1e18;  // nanoseconds: decades, and no overflow
  options.request_deadline = 10 * kSecond + static_cast<Nanos>(std::min(2e9 * expected, kLongest));
  auto load = run_load(*trial.load_case, target, rings, options);
  if (!load) return load.error();

  RunRepetition repetition;
  repetition.arm = arm.id;
  repetition.case_id = trial.load_case->id;
  repetition.engine = trial.arm->engine;
  repetition.began = load->began;
  repetition.send_skew = load->send_skew;
  repetition.events_dropped = load->events_dropped;
  repetition.server = load->server;
  repetition.killed = std::move(load->killed);
  repetition.records = std::move(load->records);
  repetition.events = std::move(load->events);
  repetition.warnings = std::move(load->warnings);
  return repetition;
}

template <class AnyServer>
void end_server(AnyServer& server, bool gracefully, Nanos patience) {
  if (!gracefully || interrupt_signal() != 0) {
    server.kill();
  } else {
    server.stop(patience);
  }
}

Result<RunRepetition> measure_native(const Scenario& scenario, const Trial& trial, PreparedExperiment& stage,
                                     std::uint64_t seed) {
  const Arm& arm = trial.arm->arm;
  auto rings = EventRings::create(arm.workers, most_events(scenario, *trial.load_case));
  if (!rings) return rings.error();
  ServerSetup setup;
  setup.routes = scenario.routes;
  setup.arm = arm;
  setup.seed = seed;
  setup.rates = stage.rates;
  stage.surroundings.apply_to(setup);
  auto server = Server::start(setup, &*rings);
  if (!server) return server.error();
  LoadTarget target;
  target.port = server->port();
  target.master = server->master();
  target.routes = scenario.routes;
  auto repetition = send_load(scenario, trial, target, &*rings, seed);
  end_server(*server, repetition.has_value(), 2 * kSecond);
  return repetition;
}

/// How it ended, where it did: its guardian may know a moment after the connections were lost.
std::optional<std::string> how_it_ended(ExternalServer& server, const RunRepetition& repetition) {
  const bool lost =
      std::any_of(repetition.records.begin(), repetition.records.end(), [](const RequestRecord& record) {
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
Result<RunRepetition> measure_foreign(const Scenario& scenario, const Trial& trial, PreparedExperiment& stage,
                                      std::uint64_t seed, std::string& said) {
  std::string words;
  auto server = stage.foreign.start(*trial.arm, stage.surroundings, &words);
  if (said.empty()) said = words;
  if (!server) return server.error();
  LoadTarget target;
  target.port = server->port();
  target.master = server->pid();
  target.routes = scenario.routes;
  target.stamped = true;
  auto repetition = send_load(scenario, trial, target, nullptr, seed);
  if (repetition) {
    const bool refused =
        std::any_of(repetition->records.begin(), repetition->records.end(), [](const RequestRecord& record) {
          return record.outcome == Outcome::bad_status && record.status >= 500;
        });
    const auto how = how_it_ended(*server, *repetition);
    const std::string last = server->last_words();
    if (how) {
      repetition->warnings.push_back("the server " + *how);
    } else if (refused && !last.empty()) {
      repetition->warnings.push_back("the server said: " + last);
    }
    if ((how || refused) && said.empty()) said = server->output();
  }
  // Ours in every line but their interpreter's: all they have is in memory or in a temporary folder.
  end_server(*server, repetition.has_value() && trial.arm->engine == kServer, kForeignPatience);
  return repetition;
}

Result<RunRepetition> measure(const Scenario& scenario, const Trial& trial, PreparedExperiment& stage,
                              int number, std::uint64_t seed, std::string& said) {
  const double pace_before = measure_pace(scenario.routes, stage.rates);
  auto repetition = trial.arm->engine == kNative ? measure_native(scenario, trial, stage, seed)
                                                 : measure_foreign(scenario, trial, stage, seed, said);
  if (!repetition) return repetition;
  repetition->number = number;
  repetition->pace = take_computed_pace(repetition->events).value_or(pace_before);
  return repetition;
}

}  // namespace

bool ExperimentOptions::measures() const {
  return std::any_of(engines.begin(), engines.end(),
                     [](const std::string& engine) { return engine != kModel && engine != kRecorded; });
}

bool ExperimentOptions::uses(std::string_view engine) const {
  return std::find(engines.begin(), engines.end(), engine) != engines.end();
}

ExperimentPlan plan_experiment(const Scenario& scenario, const ExperimentOptions& options,
                               const PreparedExperiment& stage) {
  ExperimentPlan plan;
  const std::vector<Trial> trials = trials_of(scenario, stage);
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

Result<void> preflight(const Scenario& scenario, const ExperimentOptions& options) {
  for (const Case& load_case : scenario.cases) {
    if (options.uses(kModel) && load_case.requests() > kMostModelRequests) {
      return usage_error("--engine model keeps every request; {} are too many (at most {}), use lab predict",
                         load_case.requests(), kMostModelRequests);
    }
  }
  if (!options.measures()) return {};
  for (const Arm& arm : scenario.arms) {
    if (arm.predict_only) continue;
    if (arm.workers > kMaxServedWorkers) {
      return usage_error("arm '{}' asks for {} workers; at most {} are started, for more use lab predict",
                         arm.id, arm.workers, kMaxServedWorkers);
    }
    if ((arm.uses(Resource::pool) || arm.uses(Resource::thread)) && arm.threads > kMaxServedThreads) {
      return usage_error("arm '{}' asks for {} threads; at most {} are started, for more use lab predict",
                         arm.id, arm.threads, kMaxServedThreads);
    }
  }
  for (const Case& load_case : scenario.cases) {
    if (load_case.requests() > kMostNativeRequests) {
      return usage_error("--requests: {} requests; at most {} are really sent, for more use lab predict",
                         load_case.requests(), kMostNativeRequests);
    }
    if (auto enough = raise_descriptor_limit(descriptor_need(load_case)); !enough) return enough.error();
  }
  return {};
}

ExperimentResult run_experiment(const Scenario& scenario, const ExperimentOptions& options, RunHeader header,
                                PreparedExperiment& stage, RunWriter* writer,
                                const ExperimentObserver& observer) {
  ExperimentResult result;
  result.run.header = std::move(header);
  const ExperimentPlan plan = plan_experiment(scenario, options, stage);
  SetAside set_aside;
  const auto keep = [&](RunRepetition repetition) {
    if (writer != nullptr) writer->add(repetition);
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

  for (const RunRepetition& repetition : stage.recorded) keep(repetition);

  std::vector<Trial> trials = trials_of(scenario, stage);
  std::mt19937_64 random(options.seed);
  std::int64_t done = 0;
  for (int number = 1; number <= plan.repetitions && !result.fault && !result.interrupted; ++number) {
    if (number > 1) std::shuffle(trials.begin(), trials.end(), random);
    for (const Trial& trial : trials) {
      if (stage.is_left_out(*trial.arm, *trial.load_case)) continue;
      auto repetition =
          measure(scenario, trial, stage, number, repetition_seed(options.seed, number), result.server_said);
      if (!repetition && interrupt_signal() == 0 && trial.arm->engine != kNative) {
        // Somebody else's server that does not work costs its own rows, not the run.
        stage.left_out.push_back(
            {trial.arm->arm.id, trial.load_case->id, repetition.error().message, trial.arm->engine});
        if (!result.server_fault) {
          const std::string where =
              trial.arm->engine == kServer ? "" : fmt::format(" ({})", trial.arm->engine);
          result.server_that_failed = trial.arm->arm.id + where;
          result.server_fault =
              Error{repetition.error().kind,
                    fmt::format("{}: {}", result.server_that_failed, repetition.error().message)};
        }
        continue;
      }
      if (!repetition) {
        result.interrupted = interrupt_signal() != 0;
        if (!result.interrupted) result.fault = repetition.error();
        break;
      }
      const bool whole = std::none_of(
          repetition->records.begin(), repetition->records.end(), [](const RequestRecord& record) {
            return record.outcome == Outcome::unsent || record.outcome == Outcome::unfinished;
          });
      result.interrupted = interrupt_signal() != 0;
      if (result.interrupted && !whole) break;  // an unfinished repetition is no measurement
      keep(std::move(*repetition));
      ++done;
      if (observer.trial_done) observer.trial_done(result.run.repetitions.back(), done, plan.trials);
      if (result.interrupted) break;
    }
    if (!result.fault && !result.interrupted && observer.round_done) observer.round_done(result.run, number);
  }

  result.run.header.not_run = stage.left_out;
  result.run.summary.complete = !result.fault && !result.server_fault && !result.interrupted;
  if (result.server_fault) result.run.summary.reason = result.server_that_failed + " could not be run";
  if (result.fault) result.run.summary.reason = result.fault->message;
  if (result.interrupted) result.run.summary.reason = "interrupted";
  return result;
}

}  // namespace lab
