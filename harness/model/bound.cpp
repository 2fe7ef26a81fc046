#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/model/model.hpp"
#include "harness/model/program.hpp"
#include "lab/core/schedule.hpp"

namespace lab {

namespace {

// Times here are doubles in nanoseconds: whole numbers stay exact up to 104 days, and a million requests of
// ten years do not overflow.
struct Release {
  double sent = 0;
  double at = 0;  // when all of it has come
  std::int64_t count = 0;
};

struct LoadNeeds {
  Demand demand;
  std::vector<Release> releases;  // earliest possible, in time order
  Release last;

  /// Of very many, neighbours count as released with the first of them: that can only lower the bound.
  void add(const Release& release) {
    last = release;
    if (added_++ % together_ != 0) {
      releases.back().count += release.count;
      return;
    }
    if (releases.size() == kMost) {
      for (std::size_t i = 0; i < kMost / 2; ++i) {
        releases[i] = releases[2 * i];
        releases[i].count += releases[2 * i + 1].count;
      }
      releases.resize(kMost / 2);
      together_ *= 2;
    }
    releases.push_back(release);
  }

 private:
  static constexpr std::size_t kMost = std::size_t{1} << 20;
  std::int64_t added_ = 0, together_ = 1;
};

struct Capacity {
  Resource resource = Resource::nothing;
  double members = 1;  // of one worker (of the machine, for cores)
  double workers = 1;
  bool preempted = false;  // a turn may end before the work does
};

// The latest of the ends that were offered, as a makespan.
struct Search {
  double first = 0;
  double best = 0;
  bool cpu = false;  // it binds in every way of ending so late

  void offer(double end, bool with_cpu) {
    if (end - first < best || (end - first == best && with_cpu)) return;
    best = end - first;
    cpu = with_cpu;
  }
};

// What a set of requests needs at least from one resource, however they are ordered and dealt to the workers.
struct Oversubscription {
  double n = 0;
  double work = 0;
  double least_work = INFINITY;
  double least_tail = INFINITY;
  bool one_piece = true;

  void add(const Need& need, double count) {
    n += count;
    work += count * static_cast<double>(need.work);
    least_work = std::min(least_work, static_cast<double>(need.work));
    least_tail = std::min(least_tail, static_cast<double>(need.tail));
    one_piece = one_piece && need.pieces == 1;
  }

  double least_time(const Capacity& capacity) const {
    const double all = capacity.members * capacity.workers;
    double time = work / all;
    // Some member serves that many one after another.
    if (one_piece && !capacity.preempted) time = std::max(time, std::ceil(n / all) * least_work);
    // A connection stays with its worker, so some worker has that many, whatever pieces they come in.
    if (capacity.resource != Resource::core) {
      time = std::max(time, std::ceil(n / capacity.workers) * least_work / capacity.members);
    }
    return time;
  }
};

// Over every threshold: those that cannot need the resource before it must all be served after it.
void offer_resource(Search& search, const std::vector<const LoadNeeds*>& loads, const Capacity& capacity) {
  std::vector<std::size_t> left;
  bool cpu = false;
  for (const LoadNeeds* load : loads) {
    left.push_back(load->releases.size());
    cpu = cpu || load->demand.cpu;
  }
  Oversubscription crowd;
  while (true) {
    std::size_t latest = loads.size();
    double threshold = -INFINITY;
    for (std::size_t i = 0; i < loads.size(); ++i) {
      if (left[i] == 0) continue;
      const double need_at = loads[i]->releases[left[i] - 1].at +
                             static_cast<double>(loads[i]->demand.of(capacity.resource).head);
      if (need_at > threshold) {
        threshold = need_at;
        latest = i;
      }
    }
    if (latest == loads.size()) return;
    const Release& release = loads[latest]->releases[--left[latest]];
    crowd.add(loads[latest]->demand.of(capacity.resource), static_cast<double>(release.count));
    search.offer(threshold + crowd.least_time(capacity) + crowd.least_tail, cpu);
  }
}

// Sets of loads to be looked at together: all sets of a few, otherwise each and all.
std::vector<std::vector<std::size_t>> sets_of(const std::vector<std::size_t>& loads) {
  constexpr std::size_t kFew = 6;
  std::vector<std::vector<std::size_t>> sets;
  for (const std::size_t load : loads) {
    for (std::size_t i = loads.size() <= kFew ? sets.size() : 0; i-- > 0;) {
      sets.push_back(sets[i]);
      sets.back().push_back(load);
    }
    sets.push_back({load});
  }
  if (loads.size() > kFew) sets.push_back(loads);
  return sets;
}

// A request that its client may give up, or that is refused at its head, is certain to need nothing.
bool certain(const Load& load, const Route& route) {
  return load.hang_up == 0 && load.body_bytes <= route.body_limit;
}

std::vector<LoadNeeds> needs_of(const ModelInput& input) {
  std::vector<LoadNeeds> needs;
  QueueNames queues;
  for (const Load& load : input.load_case->loads) {
    const Route& route = (*input.routes)[load.route];
    LoadNeeds need;
    if (certain(load, route)) {
      need.demand = demand_of(compile_route(route, input.arm->modes[load.route], *input.arm, queues));
    }
    needs.push_back(std::move(need));
  }
  ArrivalStream stream(*input.load_case, input.seed);
  while (const auto run = stream.next()) {
    const Load& load = input.load_case->loads[run->load];
    // Later requests of a closed load follow replies; no earlier than its start is all that is certain.
    const std::int64_t count = load.arrivals == Arrivals::closed ? load.requests : run->count;
    const Nanos body = certain(load, (*input.routes)[load.route]) ? load.body_over : 0;
    needs[run->load].add(
        {static_cast<double>(run->at), static_cast<double>(run->at) + static_cast<double>(body), count});
  }
  return needs;
}

// N requests, each holding one of `members` (`letter`, of one worker) for the whole step of `unit`.
ClosedForm rounds_form(const ModelInput& input, std::string_view letter, int members, std::string_view unit,
                       double step) {
  const auto n = static_cast<double>(input.load_case->loads.front().requests);
  const bool several = input.arm->workers > 1;
  const double all = static_cast<double>(members) * std::max(1, input.arm->workers);
  const std::string divisor = letter.empty() ? "W"
                              : several      ? fmt::format("(W·{})", letter)
                                             : std::string(letter);
  return {letter.empty() && !several ? fmt::format("N·{}", unit) : fmt::format("⌈N/{}⌉·{}", divisor, unit),
          std::ceil(n / all) * step};
}

ClosedForm queue_form(const ModelInput& input, Resource resource, std::string_view unit, double step) {
  const bool single = resource == Resource::loop || resource == Resource::gil;
  return rounds_form(input,
                     single                         ? ""
                     : resource == Resource::thread ? "T"
                                                    : "P",
                     single ? 1 : std::max(1, input.arm->threads), unit, step);
}

// Whether anything besides the plan of one burst has a say.
bool plain(const ModelInput& input) {
  const Case& load_case = *input.load_case;
  if (load_case.loads.size() != 1 || !load_case.kills.empty()) return false;
  const Load& load = load_case.loads.front();
  const Route& route = (*input.routes)[load.route];
  const bool dealt_evenly = input.arm->workers <= 1 || input.arm->accept == Accept::handoff;
  const bool limited = input.arm->accept == Accept::one && input.arm->accept_limit > 0;
  return load.arrivals == Arrivals::burst && load.requests >= 1 && load.hang_up == 0 && load.body_over == 0 &&
         load.body_bytes <= route.body_limit && !load.then && route.plan.size() == 1 &&
         route.depends.empty() && dealt_evenly && !limited;
}

std::optional<ClosedForm> wait_form(const ModelInput& input, const Traits& traits, Resource held, double d,
                                    bool on_connection) {
  if (on_connection && input.arm->connections > 0) {
    // One of k connections each; where they hold something else, too, it must not bind.
    if (traits.idle == Resource::thread || held != Resource::nothing) return std::nullopt;
    return rounds_form(input, "k", input.arm->connections, "d", d);
  }
  // Whoever holds something for the step's sake decides; the handler's own thread is held throughout.
  if (held != Resource::nothing) return queue_form(input, held, "d", d);
  if (traits.idle == Resource::thread) return queue_form(input, Resource::thread, "d", d);
  return ClosedForm{"d", d};
}

std::optional<ClosedForm> compute_form(const ModelInput& input, Resource held, const Compute& compute) {
  if (compute.work > Work::inference) return std::nullopt;  // files are read without the interpreter lock
  const double c = seconds(compute.duration);
  const double n = static_cast<double>(input.load_case->loads.front().requests);
  const double cores = std::max(1, input.arm->cores > 0 ? input.arm->cores : input.cores);
  const bool locked = input.arm->gil && !(input.arm->pool_processes && held == Resource::pool);
  ClosedForm best{"c", c};
  const auto consider = [&](ClosedForm form, bool preferred) {
    if (form.seconds > best.seconds || (preferred && form.seconds == best.seconds)) best = std::move(form);
  };
  if (held != Resource::nothing) consider(queue_form(input, held, "c", c), true);
  if (locked) consider(queue_form(input, Resource::gil, "c", c), false);
  consider({"N·c/C", n * c / cores}, false);
  return best;
}

}  // namespace

Bound bound(const ModelInput& input) {
  if (!input.load_case->kills.empty()) return {};  // what a killed worker held is never done
  const std::vector<LoadNeeds> needs = needs_of(input);
  double first = INFINITY;
  for (const LoadNeeds& load : needs) {
    if (!load.releases.empty()) first = std::min(first, load.releases.front().sent);
  }
  if (first == INFINITY) return {};
  Search search{first};

  for (std::size_t i = 0; i < needs.size(); ++i) {
    if (needs[i].releases.empty()) continue;
    const Load& load = input.load_case->loads[i];
    const auto length = static_cast<double>(needs[i].demand.length);
    if (load.hang_up == 0) search.offer(needs[i].last.at + length, needs[i].demand.cpu);
    if (load.hang_up > 0 || load.arrivals != Arrivals::closed) continue;
    const double body = needs[i].last.at - needs[i].last.sent;
    const double rounds =
        std::ceil(static_cast<double>(load.requests) / static_cast<double>(scheduled(load)));
    search.offer(static_cast<double>(load.from) + rounds * (length + body), needs[i].demand.cpu);
  }

  const double workers = std::max(1, input.arm->workers);
  const double members = std::max(1, input.arm->threads);
  const double connections = std::max(1, input.arm->connections);
  const double cores = std::max(1, input.arm->cores > 0 ? input.arm->cores : input.cores);
  for (const Capacity& capacity :
       {Capacity{Resource::loop, 1, workers, false}, Capacity{Resource::pool, members, workers, false},
        Capacity{Resource::thread, members, workers, false}, Capacity{Resource::gil, 1, workers, true},
        Capacity{Resource::connection, connections, workers, false},
        Capacity{Resource::core, cores, 1, true}}) {
    std::vector<std::size_t> users;
    for (std::size_t i = 0; i < needs.size(); ++i) {
      if (needs[i].demand.of(capacity.resource).pieces > 0 && !needs[i].releases.empty()) users.push_back(i);
    }
    for (const auto& set : sets_of(users)) {
      std::vector<const LoadNeeds*> loads;
      for (const std::size_t i : set) loads.push_back(&needs[i]);
      offer_resource(search, loads, capacity);
    }
  }
  return {search.best / 1e9, search.cpu && search.best > 0};
}

std::optional<ClosedForm> closed_form(const ModelInput& input) {
  if (!plain(input)) return std::nullopt;
  const Load& load = input.load_case->loads.front();
  const Step& step = (*input.routes)[load.route].plan.front();
  const Traits& traits = input.arm->modes[load.route];
  if (traits.computing == Resource::queue) return std::nullopt;  // all of it comes after the reply
  const Resource waits_on = step.blocking ? traits.handler : traits.waiting;
  const Resource computes_on = step.blocking ? traits.handler : traits.computing;
  const auto wait = [&](Nanos duration, bool on_connection) {
    return wait_form(input, traits, waits_on, seconds(duration), on_connection);
  };
  if (const auto* own = step.as<Wait>()) return wait(own->duration, own->on_connection);
  if (const auto* query = step.as<Query>()) return wait(query->duration, true);
  if (const auto* call = step.as<CallUpstream>()) return wait(call->duration, false);
  if (const auto* compute = step.as<Compute>()) return compute_form(input, computes_on, *compute);
  return std::nullopt;
}

}  // namespace lab
