#include "results/report/run_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "harness/trace/occupancy.hpp"

namespace lab {

namespace {

bool is_one_of_many(Resource resource) {
  return resource != Resource::loop && resource != Resource::gil;
}

/// A worker's loop comes first, then its turns, then everything else in the order of Resource.
struct TrackKey {
  std::uint16_t worker = 0;
  Resource resource = Resource::loop;
  bool turns = false;
  std::uint16_t unit = 0;
  bool operator<(const TrackKey& other) const {
    return std::tie(worker, resource, turns, unit) <
           std::tie(other.worker, other.resource, other.turns, other.unit);
  }
};

std::string name_of(const TrackKey& key) {
  std::string name = fmt::format("worker {} {}", key.worker, to_string(key.resource));
  if (key.turns) name += " turns";
  if (is_one_of_many(key.resource)) name += fmt::format(" {}", key.unit);
  return name;
}

std::string name_of(const RunRepetition& repetition, bool several_cases) {
  std::string name = repetition.arm;
  if (repetition.engine != "native") name += " on " + repetition.engine;
  if (several_cases) name += ", " + repetition.case_id;
  return fmt::format("{}, repetition {}", name, repetition.number);
}

class Tracks {
 public:
  explicit Tracks(TraceProcess& process) : process_(process) {}

  void add(const TrackKey& key, TraceSlice slice) { slices_[key].push_back(std::move(slice)); }

  void finish() {
    for (auto& [key, slices] : slices_) {
      for (TraceSlice& slice : slices) {
        slice.track = process_.tracks.size();
        process_.slices.push_back(std::move(slice));
      }
      process_.tracks.push_back(name_of(key));
    }
  }

 private:
  TraceProcess& process_;
  std::map<TrackKey, std::vector<TraceSlice>> slices_;
};

TraceProcess process_of(const Scenario& scenario, const RunRepetition& repetition) {
  TraceProcess process;
  process.name = name_of(repetition, scenario.cases.size() > 1);
  process.repetition = &repetition;
  std::unordered_map<std::uint32_t, std::uint32_t> route_of;
  for (const RequestRecord& record : repetition.records) route_of[record.id] = record.route;
  const auto name = [&](std::uint32_t request) {
    const auto route = route_of.find(request);
    return route == route_of.end() || route->second >= scenario.routes.size()
               ? fmt::format("request {}", request)
               : fmt::format("{} {}", scenario.routes[route->second].name, request);
  };
  Tracks tracks(process);
  for (const Hold& hold : Occupancy(repetition.events).holds) {
    tracks.add(
        {hold.worker, hold.resource, false, is_one_of_many(hold.resource) ? hold.unit : std::uint16_t{}},
        {0, hold.request == 0 ? "idle connection" : name(hold.request), to_string(hold.resource),
         hold.request, hold.from, hold.to});
  }
  for (const LoopTurn& turn : loop_turns(repetition.events)) {
    tracks.add({turn.worker, Resource::loop, true, 0}, {0, "turn", "turn", 0, turn.from, turn.to});
  }
  tracks.finish();
  return process;
}

}  // namespace

Result<TraceInput> trace_of(const Scenario& scenario, const Run& run) {
  const bool reported =
      std::any_of(run.repetitions.begin(), run.repetitions.end(),
                  [](const RunRepetition& repetition) { return !repetition.events.empty(); });
  if (!reported) {
    return usage_error(
        "--format: trace shows who held what, and this run has no events of its servers; run it with "
        "--engine native, or take --format vegeta or csv");
  }
  TraceInput input;
  input.scenario = scenario.name;
  for (const Route& route : scenario.routes) input.routes.push_back(route.method + " " + route.path);
  for (const RunRepetition& repetition : run.repetitions)
    input.processes.push_back(process_of(scenario, repetition));
  return input;
}

}  // namespace lab
