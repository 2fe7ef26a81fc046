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

struct Trial {
  const Arm* arm;
  const Case* load_set;
};

bool uses(const ExperimentOptions& options, const char* engine) {
  return std::find(options.engines.begin(), options.engines.end(), engine) != options.engines.end();
}

std::vector<Trial> native_trials(const Scenario& scenario, const ExperimentOptions& options) {
  std::vector<Trial> trials;
  if (!uses(options, kNative)) return trials;
  for (const Arm& arm : scenario.arms) {
    if (arm.predict_only) continue;
    for (const Case& load_set : scenario.cases) trials.push_back({&arm, &load_set});
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

Result<RunRepetition> measure(const Scenario& scenario, const Trial& trial, int number, std::uint64_t seed) {
  const std::size_t requests = static_cast<std::size_t>(trial.load_set->requests());
  auto rings = EventRings::create(trial.arm->workers, (requests + 1000) * kEventsPerRequest);
  if (!rings) return rings.error();

  ServerSetup setup;
  setup.routes = scenario.routes;
  setup.arm = *trial.arm;
  setup.seed = seed;
  auto server = Server::start(setup, &*rings);
  if (!server) return server.error();

  LoadTarget target;
  target.port = server->port();
  target.routes = scenario.routes;
  LoadOptions options;
  options.seed = seed;
  options.interrupt_fd = interrupt_fd();
  options.close_after_reply = std::any_of(trial.arm->modes.begin(), trial.arm->modes.end(),
                                          [](const Traits& mode) { return mode.idle != Resource::nothing; });
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

ExperimentPlan plan_experiment(const Scenario& scenario, const ExperimentOptions& options) {
  ExperimentPlan plan;
  const std::vector<Trial> trials = native_trials(scenario, options);
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
    if (arm.cores > available_cores()) {
      return usage_error("arm '{}' asks for {} cores, this machine has {}; use lab predict", arm.id,
                         arm.cores, available_cores());
    }
    if (arm.gil) {
      return usage_error(
          "arm '{}' has gil = true, which only the model knows; add predict_only = true, or use lab predict",
          arm.id);
    }
    if (trial.load_set->requests() > kMostNativeRequests) {
      return usage_error("--requests: {} requests; at most {} are really sent, for more use lab predict",
                         trial.load_set->requests(), kMostNativeRequests);
    }
    if (auto enough = prepare_descriptors(*trial.load_set); !enough) return enough.error();
  }
  return {};
}

RunRepetition simulate_repetition(const Scenario& scenario, const Arm& arm, const Case& load_set, int cores,
                                  int number, std::uint64_t seed, bool with_events) {
  RunRepetition repetition;
  repetition.arm = arm.id;
  repetition.case_id = load_set.id;
  repetition.engine = kModel;
  repetition.number = number;
  Collector collector(repetition);
  simulate({&scenario.routes, &arm, &load_set, cores, seed}, &collector, with_events ? &collector : nullptr);
  std::sort(repetition.records.begin(), repetition.records.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.id < b.id; });
  return repetition;
}

ExperimentResult run_experiment(const Scenario& scenario, const ExperimentOptions& options, RunHeader header,
                                RunWriter* writer, const ExperimentObserver& observer) {
  ExperimentResult result;
  result.run.header = std::move(header);
  const ExperimentPlan plan = plan_experiment(scenario, options);
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

  std::vector<Trial> trials = native_trials(scenario, options);
  std::mt19937_64 random(options.seed);
  std::int64_t done = 0;
  for (int number = 1; number <= plan.repetitions && !result.fault && !result.interrupted; ++number) {
    if (number > 1) std::shuffle(trials.begin(), trials.end(), random);
    for (const Trial& trial : trials) {
      auto repetition = measure(scenario, trial, number, repetition_seed(options.seed, number));
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
