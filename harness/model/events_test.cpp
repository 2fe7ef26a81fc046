// What records and events of the simulation must satisfy for every experiment.
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <tuple>

#include "harness/model/testing/random_experiment.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

using Member = std::tuple<std::uint16_t, Resource, std::uint16_t>;  // worker, resource, unit

int members_of(const Experiment& experiment, Resource resource) {
  const bool single = resource == Resource::loop || resource == Resource::gil;
  return single ? 1 : experiment.arm.threads;
}

// The first thing that is wrong with the events, or nothing.
std::string first_wrong(const Experiment& experiment, const Events& events) {
  std::map<Member, std::uint32_t> holders;
  std::map<std::uint32_t, std::int64_t> step_of;
  Nanos before = 0;
  for (const Event& event : events) {
    if (event.at < before) return "time runs backwards";
    before = event.at;
    const Member member{event.worker, event.resource, event.unit};
    if (event.worker >= experiment.arm.workers) return "a worker that does not exist";
    if (event.kind == EventKind::acquire) {
      if (event.unit >= members_of(experiment, event.resource)) return "a member that does not exist";
      if (!holders.emplace(member, event.request).second) return "held twice";
    } else if (event.kind == EventKind::release) {
      const auto holder = holders.find(member);
      if (holder == holders.end() || holder->second != event.request) return "released by another";
      holders.erase(holder);
    } else if (event.kind == EventKind::step_begin) {
      if (!step_of.emplace(event.request, event.value).second) return "two steps at once";
    } else if (event.kind == EventKind::step_end) {
      const auto step = step_of.find(event.request);
      if (step == step_of.end() || step->second != event.value) return "a step ends that did not begin";
      step_of.erase(step);
    }
  }
  if (!holders.empty()) return "never released";
  if (!step_of.empty()) return "a step never ends";
  return "";
}

std::string first_wrong(const Experiment& experiment, const std::vector<RequestRecord>& records) {
  std::set<std::uint32_t> ids;
  Nanos before = 0;
  for (const RequestRecord& r : records) {
    if (r.received < before) return "records out of order";
    before = r.received;
    if (!(kModelStart <= r.intended && r.intended <= r.sent && r.sent <= r.read && r.read <= r.started &&
          r.started <= r.finished && r.finished <= r.first_byte && r.first_byte <= r.received)) {
      return "stamps out of order";
    }
    if (r.accepted < kModelStart || r.accepted > r.read) return "accepted after it was read";
    const Nanos parts = (r.sent - r.intended) + (r.read - r.sent) + (r.started - r.read) +
                        (r.finished - r.started) + (r.received - r.finished);
    if (parts != r.latency()) return "parts do not add up";
    if (r.latency() < unhindered_time(experiment.routes[r.route].plan)) return "faster than its own plan";
    if (r.outcome != Outcome::ok || r.status != 200) return "not answered";
    ids.insert(r.id);
  }
  const auto n = static_cast<std::size_t>(experiment.load_case.requests());
  if (records.size() != n || ids.size() != n || *ids.begin() != 1 || *ids.rbegin() != n)
    return "ids are not 1 to N";
  return "";
}

}  // namespace

TEST_CASE("Events balance, no member is held twice, stamps add up: for every experiment") {
  for (std::uint64_t seed = 0; seed < 3000 / LAB_TEST_DIVISOR; ++seed) {
    const Experiment experiment = random_experiment(seed);
    const Keep keep = experiment.observed();
    INFO("seed " << seed);
    REQUIRE(first_wrong(experiment, keep.events) == "");
    REQUIRE(first_wrong(experiment, keep.records) == "");
  }
}

TEST_CASE("Simulating with and without sinks gives the same makespan, requests and splits") {
  for (std::uint64_t seed = 0; seed < 5000 / LAB_TEST_DIVISOR; ++seed) {
    const Experiment experiment = random_experiment(seed);
    for (const Nanos slice : {Nanos{0}, ms(3)}) {
      ModelInput input = experiment.input();
      input.slice = slice;
      Keep keep;
      const Prediction watched = simulate(input, &keep.records, &keep.events);
      const Prediction alone = simulate(input);
      INFO("seed " << seed << ", slice " << slice);
      REQUIRE(alone.requests == watched.requests);
      REQUIRE(alone.splits == watched.splits);
      REQUIRE(alone.makespan_s == Approx(watched.makespan_s).margin(slice > 0 ? 0 : 1e-7));
    }
  }
}

TEST_CASE("A request's events report the same times as its record") {
  const Experiment experiment = Experiment(kThreadPool, {wait(ms(10)), cpu(ms(5))}, burst(5)).threads(2);
  const Keep keep = experiment.observed();
  REQUIRE(keep.records.size() == 5);
  for (const RequestRecord& record : keep.records) {
    std::map<EventKind, Nanos> at;
    for (const Event& event : keep.events) {
      if (event.request == record.id && event.resource == Resource::nothing) at[event.kind] = event.at;
    }
    CHECK(at[EventKind::accepted] == record.accepted);
    CHECK(at[EventKind::read] == record.read);
    CHECK(at[EventKind::started] == record.started);
    CHECK(at[EventKind::finished] == record.finished);
    CHECK(at[EventKind::replied] == record.received);
  }
}

TEST_CASE("The free pool member with the lowest number is taken") {
  const Keep keep = Experiment(kThreadPool, {wait(ms(10))}, staggered({0, ms(2), ms(4), ms(11), ms(13)}))
                        .threads(3)
                        .observed();
  std::map<std::uint32_t, int> unit;
  for (const Event& event : keep.events) {
    if (event.kind == EventKind::acquire && event.resource == Resource::pool)
      unit[event.request] = event.unit;
  }
  CHECK(unit == std::map<std::uint32_t, int>{{1, 0}, {2, 1}, {3, 2}, {4, 0}, {5, 1}});
}

TEST_CASE("Members beyond the sixty-fourth have their own numbers") {
  const Keep keep = Experiment(kThreads, {wait(ms(10))}, burst(200)).threads(150).observed();
  std::set<int> units;
  for (const Event& event : keep.events) {
    if (event.kind == EventKind::acquire && event.resource == Resource::thread) units.insert(event.unit);
  }
  CHECK(units.size() == 150);
  CHECK(*units.rbegin() == 149);
}

TEST_CASE("In a blocking loop time is spent unread, in a full pool runnable") {
  const Keep loop = Experiment(kBlockingLoop, {wait(ms(100))}, burst(2)).observed();
  CHECK(loop.records[1].read - loop.records[1].sent == ms(100));
  CHECK(loop.records[1].started == loop.records[1].read);
  const Keep pool = Experiment(kThreadPool, {wait(ms(100))}, burst(2)).threads(1).observed();
  CHECK(pool.records[1].read == pool.records[1].sent);
  CHECK(pool.records[1].started - pool.records[1].read == ms(100));
}

TEST_CASE("A reply from the pool waits while another route's handler blocks the loop") {
  const Experiment experiment({{kThreadPool, {wait(ms(10))}}, {kBlockingLoop, {wait(ms(50))}}},
                              {staggered({0}), staggered({ms(5)}, 1)});
  const Keep keep = experiment.observed();
  REQUIRE(keep.records.size() == 2);
  CHECK(keep.records[1].id == 1);
  CHECK(keep.records[1].finished == kModelStart + ms(10));
  CHECK(keep.records[1].received == kModelStart + ms(55));
}
