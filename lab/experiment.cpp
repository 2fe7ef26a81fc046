#include "lab/experiment.hpp"

#include <sched.h>

#include <algorithm>
#include <random>

#include "harness/load.hpp"
#include "harness/model/model.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/event_ring.hpp"
#include "lab/interrupt.hpp"
#include "lab/servers/server.hpp"
#include "lab/servers/work.hpp"
#include "lab/surroundings.hpp"
#include "results/store.hpp"

namespace lab {

namespace {

constexpr int kDefaultRepetitions = 6;  // the least with an interval: minimum to maximum covers 96.9 %
constexpr Nanos kPerTrial = 60 * kMillisecond;  // starting, warming up and stopping a server
constexpr int kMostWorkers = 256;
constexpr int kMostThreads = 4'096;
constexpr std::int64_t kMostModelRequests = 300'000;
constexpr std::int64_t kMostNativeRequests = 1'000'000;
constexpr std::size_t kEventsPerRequest = 24;
constexpr std::size_t kEventsPerStep = 8;
constexpr std::size_t kMostEvents = 4'000'000;  // of one worker: 160 MB, touched only where written

struct Trial {
  const Arm* arm;
  const Case* load_set;
};

bool uses(const ExperimentOptions& options, const char* engine) {
  return std::find(options.engines.begin(), options.engines.end(), engine) != options.engines.end();
}

bool is_left_out(const LeftOut& left_out, const Arm& arm, const Case& load_set) {
  return std::any_of(left_out.begin(), left_out.end(),
                     [&](const NotRun& one) { return one.arm == arm.id && one.case_id == load_set.id; });
}

std::vector<Trial> native_trials(const Scenario& scenario, const ExperimentOptions& options,
                                 const LeftOut& left_out = {}) {
  std::vector<Trial> trials;
  if (!uses(options, kNative)) return trials;
  for (const Arm& arm : scenario.arms) {
    if (arm.predict_only) continue;
    for (const Case& load_set : scenario.cases) {
      if (!is_left_out(left_out, arm, load_set)) trials.push_back({&arm, &load_set});
    }
  }
  return trials;
}

ModelInput model_input(const Scenario& scenario, const Arm& arm, const Case& load_set, std::uint64_t seed) {
  return {&scenario.routes, &arm, &load_set, available_cores(), seed};
}

class Collector : public RecordSink, public EventSink {
 public:
  explicit Collector(RunRepetition& repetition) : repetition_(repetition) {}
  void record(const RequestRecord& record) override { repetition_.records.push_back(record); }
  void event(const Event& event) override { repetition_.events.push_back(event); }

 private:
  RunRepetition& repetition_;
};

/// Room for what one worker may have to tell.
std::size_t most_events(const Scenario& scenario, const Case& load_set) {
  std::size_t events = 1000 * kEventsPerRequest;
  for (const Load& load : load_set.loads) {
    const auto requests = static_cast<std::size_t>(load.requests);
    const auto steps = static_cast<std::size_t>(executed_steps(scenario.routes[load.route].plan));
    events += requests * (kEventsPerRequest + kEventsPerStep * std::min(steps, kMostEvents / kEventsPerStep));
    if (load.then) {
      const auto polls =
          static_cast<std::size_t>(load.then->at_most / std::max<Nanos>(1, load.then->every)) + 1;
      events += requests * polls * kEventsPerRequest;
    }
    events = std::min(events, kMostEvents);
  }
  return events;
}

/// Servers of this arm may leave a connection in the backlog while they are busy.
bool accepts_late(const Arm& arm) {
  return arm.accept == Accept::one || (arm.workers > 1 && arm.accept != Accept::handoff);
}

Result<RunRepetition> measure(const Scenario& scenario, const Trial& trial, Surroundings& surroundings,
                              const WorkRates& rates, int number, std::uint64_t seed) {
  const std::size_t events = most_events(scenario, *trial.load_set);
  auto rings = EventRings::create(trial.arm->workers, events);
  if (!rings) return rings.error();

  ServerSetup setup;
  setup.routes = scenario.routes;
  setup.arm = *trial.arm;
  setup.seed = seed;
  setup.rates = rates;
  surroundings.furnish(setup);
  const double pace = measure_pace(scenario.routes, rates);
  auto server = Server::start(setup, &*rings);
  if (!server) return server.error();

  LoadTarget target;
  target.port = server->port();
  target.master = server->master();
  target.routes = scenario.routes;
  LoadOptions options;
  options.seed = seed;
  options.interrupt_fd = interrupt_fd();
  options.close_after_reply = std::any_of(trial.arm->modes.begin(), trial.arm->modes.end(),
                                          [](const Traits& mode) { return mode.idle != Resource::nothing; });
  options.accepts_late = accepts_late(*trial.arm);
  const double expected = simulate(model_input(scenario, *trial.arm, *trial.load_set, seed)).makespan_s;
  constexpr double kLongest = 1e18;  // nanoseconds: decades, and no overflow
  options.request_deadline = 10 * kSecond + static_cast<Nanos>(std::min(2e9 * expected, kLongest));
  auto load = run_load(*trial.load_set, target, &*rings, options);
  if (!load || load->interrupted) {
    server->kill();
  } else {
    server->stop(2 * kSecond);
  }
  if (!load) return load.error();

  RunRepetition repetition;
  repetition.arm = trial.arm->id;
  repetition.case_id = trial.load_set->id;
  repetition.engine = kNative;
  repetition.number = number;
  repetition.began = load->began;
  repetition.send_skew = load->send_skew;
  repetition.events_dropped = load->events_dropped;
  repetition.pace = pace;
  repetition.server = load->server;
  repetition.records = std::move(load->records);
  repetition.events = std::move(load->events);
  repetition.warnings = std::move(load->warnings);
  return repetition;
}

}  // namespace

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

ExperimentPlan plan_experiment(const Scenario& scenario, const ExperimentOptions& options,
                               const LeftOut& left_out) {
  ExperimentPlan plan;
  const std::vector<Trial> trials = native_trials(scenario, options, left_out);
  Nanos round = 0;
  for (const Trial& trial : trials) {
    const ModelInput input = model_input(scenario, *trial.arm, *trial.load_set, options.seed);
    round += kPerTrial + static_cast<Nanos>(simulate(input).makespan_s * 1e9);
  }
  if (options.quick) {
    plan.repetitions = 1;
  } else if (options.repetitions) {
    plan.repetitions = *options.repetitions;
  } else if (round > 0) {
    plan.repetitions = static_cast<int>(std::clamp<Nanos>(options.budget / round, 1, kDefaultRepetitions));
  }
  plan.estimate = round * plan.repetitions;
  plan.trials = static_cast<std::int64_t>(trials.size()) * plan.repetitions;
  return plan;
}

Result<void> preflight(const Scenario& scenario, const ExperimentOptions& options) {
  for (const Case& load_set : scenario.cases) {
    if (uses(options, kModel) && load_set.requests() > kMostModelRequests) {
      return usage_error("--engine model keeps every request; {} are too many (at most {}), use lab predict",
                         load_set.requests(), kMostModelRequests);
    }
  }
  for (const Trial& trial : native_trials(scenario, options)) {
    const Arm& arm = *trial.arm;
    if (arm.workers > kMostWorkers) {
      return usage_error("arm '{}' asks for {} workers; at most {} are started, for more use lab predict",
                         arm.id, arm.workers, kMostWorkers);
    }
    if ((arm.uses(Resource::pool) || arm.uses(Resource::thread)) && arm.threads > kMostThreads) {
      return usage_error("arm '{}' asks for {} threads; at most {} are started, for more use lab predict",
                         arm.id, arm.threads, kMostThreads);
    }
    if (trial.load_set->requests() > kMostNativeRequests) {
      return usage_error("--requests: {} requests; at most {} are really sent, for more use lab predict",
                         trial.load_set->requests(), kMostNativeRequests);
    }
    if (auto enough = prepare_descriptors(*trial.load_set); !enough) return enough.error();
  }
  return {};
}

LeftOut find_left_out(const Scenario& scenario, const ExperimentOptions& options,
                      const Surroundings& surroundings) {
  LeftOut left_out;
  for (const Trial& trial : native_trials(scenario, options)) {
    const Arm& arm = *trial.arm;
    std::optional<std::string> reason = surroundings.obstacle(scenario, arm, *trial.load_set);
    if (arm.cores > available_cores())
      reason = fmt::format("it asks for {} cores, this machine has {}", arm.cores, available_cores());
    if (reason) left_out.push_back({arm.id, trial.load_set->id, *reason});
  }
  return left_out;
}

RunRepetition simulate_repetition(const Scenario& scenario, const Arm& arm, const Case& load_set, int cores,
                                  int number, std::uint64_t seed, bool with_events) {
  RunRepetition repetition;
  repetition.arm = arm.id;
  repetition.case_id = load_set.id;
  repetition.engine = kModel;
  repetition.number = number;
  repetition.began = kModelStart;
  Collector collector(repetition);
  simulate({&scenario.routes, &arm, &load_set, cores, seed}, &collector, with_events ? &collector : nullptr);
  std::sort(repetition.records.begin(), repetition.records.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.id < b.id; });
  return repetition;
}

ExperimentResult run_experiment(const Scenario& scenario, const ExperimentOptions& options, RunHeader header,
                                Surroundings& surroundings, const WorkRates& rates, RunWriter* writer,
                                const ExperimentObserver& observer) {
  ExperimentResult result;
  result.run.header = std::move(header);
  const LeftOut& left_out = result.run.header.not_run;
  const ExperimentPlan plan = plan_experiment(scenario, options, left_out);
  const auto keep = [&](RunRepetition repetition) {
    if (writer != nullptr) writer->add(repetition);
    result.run.repetitions.push_back(std::move(repetition));
  };

  if (uses(options, kModel)) {
    for (const Arm& arm : scenario.arms) {
      for (const Case& load_set : scenario.cases) {
        keep(simulate_repetition(scenario, arm, load_set, available_cores(), 1,
                                 repetition_seed(options.seed, 1), true));
      }
    }
  }

  std::vector<Trial> trials = native_trials(scenario, options, left_out);
  std::mt19937_64 random(options.seed);
  std::int64_t done = 0;
  for (int number = 1; number <= plan.repetitions && !result.fault && !result.interrupted; ++number) {
    if (number > 1) std::shuffle(trials.begin(), trials.end(), random);
    for (const Trial& trial : trials) {
      auto repetition =
          measure(scenario, trial, surroundings, rates, number, repetition_seed(options.seed, number));
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

  result.run.summary.complete = !result.fault && !result.interrupted;
  if (result.fault) result.run.summary.reason = result.fault->message;
  if (result.interrupted) result.run.summary.reason = "interrupted";
  return result;
}

}  // namespace lab
