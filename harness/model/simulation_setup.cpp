// What a run begins with: programs, resources, connections.
#include <algorithm>

#include "harness/model/simulation.hpp"

namespace lab {

namespace {

bool is_stamp(MicroOpKind kind) {
  return kind == MicroOpKind::read || kind == MicroOpKind::start || kind == MicroOpKind::finish ||
         kind == MicroOpKind::step_begin || kind == MicroOpKind::step_end || kind == MicroOpKind::forget;
}

bool sends_bodies(const Case& load_set, std::size_t route) {
  return std::any_of(load_set.loads.begin(), load_set.loads.end(), [&](const Load& load) {
    return load.route == route && (load.body_over > 0 || load.body_bytes > 0);
  });
}

}  // namespace

Simulation::Simulation(const ModelInput& input, RecordSink* records, EventSink* events, Histogram* latencies)
    : records_(records),
      events_(events),
      latencies_(latencies),
      lean_(records == nullptr && events == nullptr),
      together_(lean_ && input.slice == 0 &&
                std::none_of(input.load_set->loads.begin(), input.load_set->loads.end(),
                             [](const Load& load) { return load.arrivals == Arrivals::closed; })),
      arrivals_(*input.load_set, input.seed),
      workers_(static_cast<std::uint32_t>(std::max(1, input.arm->workers))),
      first_worker_(input.seed % workers_),
      cores_(std::max(1, input.arm->cores > 0 ? input.arm->cores : input.cores), input.slice),
      arm_(*input.arm),
      seed_(input.seed + 0x9E3779B97F4A7C15ULL * input.lot),
      exponential_work_(input.exponential_work),
      work_random_(~input.seed) {
  compile(input);
  make_resources(input);
  if (rich_) prepare_rich(input);
  if (events_ != nullptr) announce_connections(input);
}

void Simulation::compile(const ModelInput& input) {
  for (std::size_t route = 0; route < input.routes->size(); ++route) {
    route_entries_.push_back(static_cast<std::uint32_t>(ops_.size()));
    append_program(compile_route((*input.routes)[route], input.arm->modes[route], arm_, queue_names_,
                                 sends_bodies(*input.load_set, route)));
  }
  for (MicroOp& op : ops_) {
    if (op.kind == MicroOpKind::wait) op.index = timers_.index_of(op.duration);
  }
  rich_ = is_rich(input);
  grouped_ = lean_ && !rich_;
  turns_ = events_ != nullptr || arm_.accept == Accept::one || arm_.accept == Accept::greedy;
  noted_ = rich_ || turns_;
  together_ = together_ && grouped_ && arm_.accept == Accept::handoff;
  last_follow_id_ = static_cast<std::uint32_t>(input.load_set->requests());
  for (const Load& load : input.load_set->loads) {
    loads_.push_back(state_of(load, input));
    const std::int64_t first_ones = scheduled(load);
    if (!load.fresh_connections) next_fresh_ += static_cast<std::uint64_t>(first_ones);
    last_later_id_ += static_cast<std::uint32_t>(first_ones);
  }
  opened_ = next_fresh_;
}

void Simulation::append_program(const RouteProgram& program) {
  std::vector<std::uint32_t> places;  // where each operation is, or what follows it
  const auto kept = [&](const MicroOp& op) {
    return op.kind == MicroOpKind::forget ? events_ != nullptr : !lean_ || !is_stamp(op.kind);
  };
  auto place = static_cast<std::uint32_t>(ops_.size());
  for (const MicroOp& op : program) {
    places.push_back(place);
    if (kept(op)) ++place;
  }
  for (const MicroOp& op : program) {
    if (!kept(op)) continue;
    if (op.kind == MicroOpKind::wait) timers_.add(op.duration);
    ops_.push_back(op);
    if (has_target(op.kind)) ops_.back().index = places[op.index];
  }
}

bool Simulation::is_rich(const ModelInput& input) const {
  const Case& load_set = *input.load_set;
  return !load_set.kills.empty() || arm_.accept == Accept::one || arm_.accept == Accept::greedy ||
         std::any_of(load_set.loads.begin(), load_set.loads.end(),
                     [](const Load& load) { return load.hang_up > 0 || load.then; }) ||
         std::any_of(ops_.begin(), ops_.end(),
                     [](const MicroOp& op) { return op.kind > MicroOpKind::close; }) ||
         std::any_of(input.routes->begin(), input.routes->end(), [](const Route& route) {
           bool later = false;
           for_each_step(route.plan, [&](const Step& step) {
             later = later || std::holds_alternative<Background>(step.action);
           });
           return later;
         });
}

Simulation::LoadState Simulation::state_of(const Load& load, const ModelInput& input) const {
  const Traits& traits = input.arm->modes[load.route];
  LoadState state;
  state.source = &load;
  state.route = static_cast<std::uint32_t>(load.route);
  state.entry = route_entries_[load.route];
  state.entry_kept = state.entry + 1;
  state.fresh = load.fresh_connections;
  state.reconnects = load.fresh_connections || arm_.accept == Accept::one;
  state.keeps = !state.reconnects && keeps_handler(traits);
  state.keeps_count = load.keep == "count";
  state.keeps_task = load.keep == "task_id";
  if (load.arrivals == Arrivals::closed) state.left = load.requests - scheduled(load);
  return state;
}

void Simulation::make_resources(const ModelInput& input) {
  slots_.resize(std::size_t{workers_} * kKinds);
  if (input.arm->gil) switch_generation_.resize(workers_);
  if (events_ != nullptr) {
    const int most = std::max({1, arm_.threads, arm_.connections});
    unit_words_ = (static_cast<std::size_t>(most) + 63) / 64;
    units_.resize(std::size_t{workers_} * kUnitRows * unit_words_);
  }
  splits_.resize(workers_);
  if (turns_) worker_turns_.resize(workers_);
  for (std::uint32_t worker = 0; worker < workers_; ++worker) reset_worker(worker);
}

void Simulation::reset_worker(std::uint32_t worker) {
  const auto members = static_cast<std::uint32_t>(std::max(1, arm_.threads));
  for (std::size_t kind = 0; kind < kKinds; ++kind) slot(worker, static_cast<Resource>(kind)) = Slot{};
  slot(worker, Resource::loop).free = 1;
  slot(worker, Resource::gil).free = 1;
  slot(worker, Resource::pool).free = members;
  slot(worker, Resource::thread).free = members;
  slot(worker, Resource::connection).free = static_cast<std::uint32_t>(std::max(0, arm_.connections));
  if (arm_.gil) ++switch_generation_[worker];
  if (turns_) worker_turns_[worker] = Turn{};
  const std::size_t words = kUnitRows * unit_words_;
  std::fill_n(units_.begin() + static_cast<std::ptrdiff_t>(worker * words), words, ~std::uint64_t{0});
}

void Simulation::prepare_rich(const ModelInput& input) {
  epochs_.resize(workers_);
  counters_.resize(workers_ + std::size_t{1});  // the last is shared by all
  serving_.resize(workers_);
  next_acceptor_ = static_cast<std::uint32_t>(first_worker_);
  make_queues(input);
  if (arm_.accept == Accept::one || arm_.accept == Accept::greedy) deal_opened(input);
  for (const Kill& kill : input.load_set->kills) {
    if (kill.worker < 0 || static_cast<std::uint32_t>(kill.worker) >= workers_) continue;
    appoint(kill.at > kNever - 1 - kModelStart ? kNever - 1 : kModelStart + kill.at, Due::kill,
            static_cast<std::uint32_t>(kill.worker), 0);
  }
}

void Simulation::announce_connections(const ModelInput& input) {
  ArrivalStream connections(*input.load_set, input.seed);
  std::uint64_t connection = 0;
  std::uint32_t id = 0;
  while (const auto run = connections.next()) {
    const LoadState& load = loads_[run->load];
    // A connection that keeps its thread is accepted by that thread, and that is when there is one.
    const bool now = !load.fresh && !load.keeps;
    for (std::int64_t i = 0; i < run->count; ++i) {
      ++id;
      if (load.fresh) continue;
      const std::uint64_t number = connection++;
      if (!now || (!dealt_ && connections_[number].worker < 0)) continue;
      Task task;
      task.id = id;
      task.worker = worker_of(number);
      emit(EventKind::accepted, task, Resource::nothing, static_cast<std::int64_t>(connection));
    }
  }
}

}  // namespace lab
