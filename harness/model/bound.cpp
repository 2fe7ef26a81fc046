#include <algorithm>
#include <cmath>
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

}  // namespace lab
