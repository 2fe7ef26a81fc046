// How many requests per second the virtual-time model simulates, and what its answers cost before a run.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <array>

#include "harness/model/model.hpp"

namespace {

using lab::Resource;

struct Row {
  lab::Traits traits;
  int workers = 1;
};

const std::array<Row, 5> kArms{{
    {{"blocking-loop", "", "", Resource::loop, Resource::loop, Resource::loop, Resource::nothing}},
    {{"async-loop", "", "", Resource::loop, Resource::nothing, Resource::loop, Resource::nothing}},
    {{"thread-pool", "", "", Resource::pool, Resource::pool, Resource::pool, Resource::nothing}},
    {{"offload", "", "", Resource::loop, Resource::pool, Resource::pool, Resource::nothing}},
    {{"blocking-loop x 4", "", "", Resource::loop, Resource::loop, Resource::loop, Resource::nothing}, 4},
}};

// blocking-async: a burst of requests that wait 100 ms.
struct Experiment {
  std::vector<lab::Route> routes{
      {"delay", "POST", "/delay", {lab::Step{lab::Wait{100 * lab::kMillisecond}, false}}}};
  lab::Case load_case;
  lab::Arm arm;

  Experiment(const Row& row, std::int64_t requests) {
    lab::Load load;
    load.requests = requests;
    load_case.loads.push_back(load);
    arm.modes = {row.traits};
    arm.workers = row.workers;
  }
  lab::ModelInput input() const { return {&routes, &arm, &load_case, 2, 0}; }
};

void simulate_alone(benchmark::State& state) {
  const Row& row = kArms[static_cast<std::size_t>(state.range(0))];
  const Experiment experiment(row, state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(lab::simulate(experiment.input()));
  state.SetItemsProcessed(state.iterations() * state.range(1));
  state.SetLabel(std::string(row.traits.name));
}
BENCHMARK(simulate_alone)->ArgsProduct({{0, 1, 2, 3, 4}, {10, 1'000'000}})->Unit(benchmark::kMillisecond);

void simulate_with_latencies(benchmark::State& state) {
  const Row& row = kArms[static_cast<std::size_t>(state.range(0))];
  const Experiment experiment(row, 1'000'000);
  for (auto _ : state) {
    lab::Histogram latencies;
    benchmark::DoNotOptimize(lab::simulate(experiment.input(), nullptr, nullptr, &latencies));
    benchmark::DoNotOptimize(latencies.quantile(0.999));
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
  state.SetLabel(std::string(row.traits.name));
}
BENCHMARK(simulate_with_latencies)->DenseRange(0, 4)->Unit(benchmark::kMillisecond);

void simulate_with_records(benchmark::State& state) {
  const Row& row = kArms[static_cast<std::size_t>(state.range(0))];
  const Experiment experiment(row, 1'000'000);
  std::vector<lab::RequestRecord> records;
  for (auto _ : state) {
    records.clear();
    benchmark::DoNotOptimize(lab::simulate(experiment.input(), &records));
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
  state.SetLabel(std::string(row.traits.name));
}
BENCHMARK(simulate_with_records)->DenseRange(0, 4)->Unit(benchmark::kMillisecond);

void simulate_with_records_and_events(benchmark::State& state) {
  const Row& row = kArms[static_cast<std::size_t>(state.range(0))];
  const Experiment experiment(row, 1'000'000);
  std::vector<lab::RequestRecord> records;
  lab::Events events;
  for (auto _ : state) {
    records.clear();
    events.clear();
    benchmark::DoNotOptimize(lab::simulate(experiment.input(), &records, &events));
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
  state.SetLabel(std::string(row.traits.name));
}
BENCHMARK(simulate_with_records_and_events)->DenseRange(0, 4)->Unit(benchmark::kMillisecond);

void ten_million_on_ten_thousand_workers(benchmark::State& state) {
  Experiment experiment(kArms[static_cast<std::size_t>(state.range(0))], 10'000'000);
  experiment.arm.workers = 10'000;
  for (auto _ : state) benchmark::DoNotOptimize(lab::simulate(experiment.input()));
  state.SetItemsProcessed(state.iterations() * 10'000'000);
  state.SetLabel(std::string(experiment.arm.modes.front().name));
}
BENCHMARK(ten_million_on_ten_thousand_workers)->DenseRange(0, 3)->Unit(benchmark::kMillisecond);

// Each worker at half of what it can do; what grows is what is under way, so the peak of memory is reported,
// too.
void ten_million_poisson_with_latencies(benchmark::State& state) {
  Experiment experiment(kArms[static_cast<std::size_t>(state.range(0))], 10'000'000);
  experiment.arm.workers = 10'000;
  experiment.load_case.loads.front().arrivals = lab::Arrivals::poisson;
  experiment.load_case.loads.front().every = 20 * lab::kMicrosecond;
  for (auto _ : state) {
    lab::Histogram latencies;
    benchmark::DoNotOptimize(lab::simulate(experiment.input(), nullptr, nullptr, &latencies));
    benchmark::DoNotOptimize(latencies.quantile(0.999));
  }
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  state.counters["peak_MB"] = static_cast<double>(use.ru_maxrss) / 1024;
  state.SetItemsProcessed(state.iterations() * 10'000'000);
  state.SetLabel(std::string(experiment.arm.modes.front().name));
}
BENCHMARK(ten_million_poisson_with_latencies)->DenseRange(0, 3)->Unit(benchmark::kMillisecond);

void bound_of_poisson_arrivals(benchmark::State& state) {
  Experiment experiment(kArms[0], 1'000'000);
  experiment.load_case.loads.front().arrivals = lab::Arrivals::poisson;
  experiment.load_case.loads.front().every = 200 * lab::kMillisecond;
  for (auto _ : state) benchmark::DoNotOptimize(lab::bound(experiment.input()));
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(bound_of_poisson_arrivals)->Unit(benchmark::kMillisecond);

}  // namespace
