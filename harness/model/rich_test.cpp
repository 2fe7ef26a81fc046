// What must hold of every experiment with everything that plans, arms and loads can say.
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <tuple>

#include "harness/model/testing/random_experiment.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

using Member = std::tuple<std::uint16_t, Resource, std::uint16_t>;  // worker, resource, unit

int capacity(const Experiment& experiment, Resource resource) {
  switch (resource) {
    case Resource::connection: return experiment.arm.connections;
    case Resource::queue: return experiment.arm.queues.at("jobs").workers;
    case Resource::loop:
    case Resource::gil: return 1;
    default: return experiment.arm.threads;
  }
}

// The first thing that is wrong with who holds what, or nothing.
std::string wrong_with(const Experiment& experiment, const Events& events) {
  std::map<Member, std::uint32_t> holders;
  std::map<std::pair<std::uint32_t, std::int64_t>, int> steps;
  Nanos before = 0;
  for (const Event& event : events) {
    if (event.at < before) return "time runs backwards";
    before = event.at;
    const Member member{event.worker, event.resource, event.unit};
    if (event.worker >= experiment.arm.workers) return "a worker that does not exist";
    if (event.kind == EventKind::acquire) {
      if (event.unit >= capacity(experiment, event.resource)) return "a member that does not exist";
      if (!holders.emplace(member, event.request).second) return "held twice";
    } else if (event.kind == EventKind::release) {
      const auto holder = holders.find(member);
      if (holder == holders.end() || holder->second != event.request) return "released by another";
      holders.erase(holder);
    } else if (event.kind == EventKind::step_begin) {
      ++steps[{event.request, event.value}];
    } else if (event.kind == EventKind::step_end) {
      if (--steps[{event.request, event.value}] < 0) return "a step ends that did not begin";
    } else if (event.kind == EventKind::turn && event.value < 1) {
      return "an empty turn";
    }
  }
  if (!holders.empty()) return "never released";
  for (const auto& [step, open] : steps) {
    const bool all_ends = experiment.load_case.kills.empty() && !experiment.arm.cancel;
    if (open != 0 && all_ends) return "a step never ends";
  }
  return "";
}

std::string wrong_with(const Experiment& experiment, const std::vector<RequestRecord>& records,
                       bool all_answered) {
  std::set<std::uint32_t> ids;
  for (const RequestRecord& r : records) {
    if (!(kModelStart <= r.intended && r.intended <= r.sent)) return "sent before it was meant to be";
    if (r.outcome == Outcome::ok || r.outcome == Outcome::bad_status) {
      if (!(r.sent <= r.read && r.read <= r.started && r.started <= r.finished && r.finished <= r.received)) {
        return "stamps out of order";
      }
      if (r.accepted < kModelStart || r.accepted > r.read) return "accepted after it was read";
    }
    if (all_answered && r.outcome != Outcome::ok) return "not answered";
    if (!ids.insert(r.id).second) return "an id twice";
  }
  const auto n = static_cast<std::size_t>(experiment.load_case.requests());
  if (ids.size() != n || *ids.begin() != 1 || *ids.rbegin() != n) return "ids are not 1 to N";
  return "";
}

}  // namespace

TEST_CASE("Whatever the plan, nothing is held twice and all is answered") {
  for (std::uint64_t seed = 0; seed < 5000 / LAB_TEST_DIVISOR; ++seed) {
    const Experiment experiment = random_rich_experiment(seed);
    const Keep keep = experiment.observed();
    INFO("seed " << seed);
    REQUIRE(wrong_with(experiment, keep.events) == "");
    REQUIRE(wrong_with(experiment, keep.records, true) == "");
  }
}

TEST_CASE("Whoever goes or dies, nothing is held twice and every request ends once") {
  for (std::uint64_t seed = 0; seed < 5000 / LAB_TEST_DIVISOR; ++seed) {
    const Experiment experiment = random_faulty_experiment(seed);
    const Keep keep = experiment.observed();
    INFO("seed " << seed);
    REQUIRE(wrong_with(experiment, keep.events) == "");
    REQUIRE(wrong_with(experiment, keep.records, false) == "");
  }
}

TEST_CASE("Whatever the plan, simulating with and without sinks gives the same") {
  for (std::uint64_t seed = 0; seed < 5000 / LAB_TEST_DIVISOR; ++seed) {
    const Experiment experiment = random_faulty_experiment(seed);
    Keep keep;
    const Prediction watched = simulate(experiment.input(), &keep.records, &keep.events);
    const Prediction alone = simulate(experiment.input());
    INFO("seed " << seed);
    REQUIRE(alone.requests == watched.requests);
    REQUIRE(alone.splits == watched.splits);
    REQUIRE(alone.makespan_s == Approx(watched.makespan_s).margin(1e-7));
  }
}
