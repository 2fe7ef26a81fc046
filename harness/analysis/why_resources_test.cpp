// WHY where a request holds several things, waits for the lock or a connection, works on after its reply.
#include <catch2/catch.hpp>

#include "harness/analysis/testing/test_times.hpp"
#include "harness/analysis/why.hpp"

using namespace lab;

namespace {

using lab::testing::kMs;

struct Tale {
  std::vector<Route> routes{{"work", "POST", "/work", {{Wait{100 * kMs}}}}};
  Case load_case{"main", {Load{}}};
  std::vector<RequestRecord> records;
  Events events;

  RequestRecord& request(Nanos sent, Nanos read, Nanos started, Nanos finished, Nanos received) {
    RequestRecord& record = records.emplace_back();
    record.id = static_cast<std::uint32_t>(records.size());
    record.worker = 0;
    record.intended = record.sent = record.accepted = kSecond + sent;
    record.read = kSecond + read;
    record.started = kSecond + started;
    record.finished = kSecond + finished;
    record.first_byte = record.received = kSecond + received;
    record.outcome = Outcome::ok;
    return record;
  }
  void hold(std::uint32_t id, Resource resource, Nanos from, Nanos to, std::uint16_t unit = 0) {
    events.push_back({kSecond + from, 0, id, 0, unit, EventKind::acquire, resource});
    events.push_back({kSecond + to, 0, id, 0, unit, EventKind::release, resource});
  }
  void step(std::uint32_t id, std::int64_t value, Nanos from, Nanos to) {
    events.push_back({kSecond + from, value, id, 0, 0, EventKind::step_begin, Resource::nothing});
    events.push_back({kSecond + to, value, id, 0, 0, EventKind::step_end, Resource::nothing});
  }
  CriticalPath path() {
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.at < b.at; });
    CriticalPath path = critical_path(records, Occupancy(events), Occupancy(Events{}), routes, load_case, 0);
    CHECK(path.planned + path.lag + path.unread + path.runnable + path.service + path.reply +
              path.unexplained ==
          path.makespan);
    return path;
  }
};

}  // namespace

TEST_CASE("a wait for a connection leads to the request that held it") {
  Tale story;
  for (std::uint16_t id = 1; id <= 3; ++id) {
    const Nanos begin = (id - 1) * 100 * kMs;
    story.request(0, 0, 0, begin + 100 * kMs, begin + 100 * kMs);
    story.hold(id, Resource::pool, 0, begin + 100 * kMs, id);  // a member each, one connection
    story.hold(id, Resource::connection, begin, begin + 100 * kMs);
    story.step(id, 0, begin, begin + 100 * kMs);
  }
  const CriticalPath path = story.path();
  CHECK(path.requests == std::vector<std::uint32_t>{3, 2, 1});
  CHECK(path.planned == 300 * kMs);
  CHECK(path.unexplained == 0);
}

TEST_CASE("a wait for the interpreter lock leads to whoever computed meanwhile") {
  Tale story;
  story.routes[0].plan = {{Compute{50 * kMs}}};
  for (std::uint16_t id = 1; id <= 2; ++id) {
    const Nanos begin = (id - 1) * 50 * kMs;
    story.request(0, 0, 0, begin + 50 * kMs, begin + 50 * kMs);
    story.hold(id, Resource::pool, 0, begin + 50 * kMs, id);
    story.hold(id, Resource::gil, begin, begin + 50 * kMs);
    story.step(id, 0, begin, begin + 50 * kMs);
  }
  const CriticalPath path = story.path();
  CHECK(path.requests == std::vector<std::uint32_t>{2, 1});
  CHECK(path.planned == 100 * kMs);
}

TEST_CASE("the work that a request does after its reply is what the next one waited for") {
  Tale story;
  story.routes[0].plan = {{Background{{{Compute{80 * kMs}}}}}};
  story.request(0, 0, 0, kMs, 2 * kMs);
  story.hold(1, Resource::loop, 0, kMs);
  story.hold(1, Resource::loop, kMs, 81 * kMs);
  story.step(1, 1, kMs, 81 * kMs);
  story.request(10 * kMs, 81 * kMs, 81 * kMs, 82 * kMs, 82 * kMs);
  story.hold(2, Resource::loop, 81 * kMs, 82 * kMs);
  const CriticalPath path = story.path();
  CHECK(path.makespan == 82 * kMs);
  CHECK(path.requests == std::vector<std::uint32_t>{2, 1});
  CHECK(path.planned == 80 * kMs);
  CHECK(path.service == 2 * kMs);
  CHECK(path.unexplained == 0);
}

TEST_CASE("the work after its own reply does not delay that reply") {
  Tale story;
  story.routes[0].plan = {{Background{{{Wait{80 * kMs}}}}}};
  story.request(0, 0, 0, kMs, 5 * kMs);
  story.hold(1, Resource::loop, 0, kMs);
  story.step(1, 1, kMs, 81 * kMs);
  const CriticalPath path = story.path();
  CHECK(path.reply == 4 * kMs);
  CHECK(path.planned == 0);
}

TEST_CASE("of branches at once the last one to end is the path") {
  Tale story;
  story.routes[0].plan = {{Gather{{{{Wait{30 * kMs}}}, {{Wait{100 * kMs}}}}}}};
  story.request(0, 0, 0, 100 * kMs, 100 * kMs);
  story.step(1, 1, 0, 30 * kMs);
  story.step(1, 2, 0, 100 * kMs);
  CHECK(story.path().planned == 100 * kMs);
}

TEST_CASE("steps are known by their number in the text, dependencies first") {
  Tale story;
  story.routes[0].depends = {{{{Wait{40 * kMs}}}, false}};
  story.request(0, 0, 0, 150 * kMs, 150 * kMs);
  story.hold(1, Resource::pool, 0, 45 * kMs);
  story.step(1, 0, 0, 45 * kMs);          // 5 ms late
  story.step(1, 1, 45 * kMs, 150 * kMs);  // 5 ms late
  const CriticalPath path = story.path();
  CHECK(path.planned == 140 * kMs);
  CHECK(path.service == 10 * kMs);
}

TEST_CASE("a step that is repeated has its planned length each time") {
  Tale story;
  story.routes[0].plan = {{Repeat{3, {{Wait{20 * kMs}}}}}};
  story.request(0, 0, 0, 60 * kMs, 60 * kMs);
  for (int i = 0; i < 3; ++i) story.step(1, 1, i * 20 * kMs, (i + 1) * 20 * kMs);
  CHECK(story.path().planned == 60 * kMs);
}

TEST_CASE("the path of a question goes on with the reply that led to it") {
  Tale story;
  story.request(0, 0, 0, 2 * kMs, 2 * kMs);
  story.hold(1, Resource::loop, 0, 2 * kMs);
  story.request(52 * kMs, 52 * kMs, 52 * kMs, 54 * kMs, 54 * kMs).parent = 1;
  story.hold(2, Resource::loop, 52 * kMs, 54 * kMs);
  const CriticalPath path = story.path();
  CHECK(path.requests == std::vector<std::uint32_t>{2, 1});
  CHECK(path.planned == 50 * kMs);
}

TEST_CASE("a request that was reset has a place on the path, and no time before the first reply counts") {
  Tale story;
  story.request(0, 0, 0, 0, 90 * kMs).outcome = Outcome::reset;
  story.hold(1, Resource::loop, 0, 90 * kMs);
  story.step(1, 0, 0, 90 * kMs);
  story.request(10 * kMs, 90 * kMs, 90 * kMs, 91 * kMs, 91 * kMs);
  story.hold(2, Resource::loop, 90 * kMs, 91 * kMs);
  const CriticalPath path = story.path();
  CHECK(path.makespan == 81 * kMs);
  CHECK(path.planned == 80 * kMs);
  CHECK(path.unexplained == 0);
}

TEST_CASE("the loop of a worker that died is free when its successor takes it") {
  Events events{{kMs, 0, 1, 0, 0, EventKind::acquire, Resource::loop},
                {50 * kMs, 0, 2, 0, 0, EventKind::acquire, Resource::loop},
                {60 * kMs, 0, 2, 0, 0, EventKind::release, Resource::loop}};
  const Occupancy occupancy(events);
  REQUIRE(occupancy.holds.size() == 2);
  CHECK(occupancy.holds[0].to == 50 * kMs);
}

TEST_CASE("who held something for no time at all kept nobody waiting") {
  Tale story;
  story.request(0, 0, 0, 100 * kMs, 100 * kMs);
  story.hold(1, Resource::loop, 0, 100 * kMs);
  story.step(1, 0, 0, 100 * kMs);
  story.request(0, 100 * kMs, 100 * kMs, 100 * kMs, 100 * kMs);
  story.hold(2, Resource::loop, 100 * kMs, 100 * kMs);
  const Nanos then = 100 * kMs + kMicrosecond;
  story.request(0, then, then, 200 * kMs, 200 * kMs);
  story.hold(3, Resource::loop, then, 200 * kMs);
  story.step(3, 0, then, 200 * kMs);
  CHECK(story.path().requests == std::vector<std::uint32_t>{3, 1});
}

TEST_CASE("a holder that no record speaks of is nobody's neighbour in the list") {
  Tale story;
  story.request(0, 0, 0, kMs, kMs);
  story.request(0, 100 * kMs, 100 * kMs, 200 * kMs, 200 * kMs).id = 3;
  story.hold(2, Resource::loop, 0, 100 * kMs);
  story.hold(3, Resource::loop, 100 * kMs, 200 * kMs);
  story.step(3, 0, 100 * kMs, 200 * kMs);
  CHECK(story.path().requests == std::vector<std::uint32_t>{3});
}

TEST_CASE("a request whose end nobody reported has waited for who held what it got") {
  Tale story;
  story.request(0, 0, 0, 100 * kMs, 100 * kMs);
  story.hold(1, Resource::pool, 0, 100 * kMs);
  story.step(1, 0, 0, 100 * kMs);
  story.request(0, 0, 100 * kMs, 200 * kMs, 200 * kMs).finished = 0;
  story.hold(2, Resource::pool, 100 * kMs, 200 * kMs);
  story.step(2, 0, 100 * kMs, 200 * kMs);
  CHECK(story.path().requests == std::vector<std::uint32_t>{2, 1});
}

TEST_CASE("what was given back within a hand-over counts as given back, to its last nanosecond") {
  constexpr Nanos kHandover = 2 * kMicrosecond;
  Tale story;
  story.request(0, 0, 0, 100 * kMs, 100 * kMs);
  story.hold(1, Resource::pool, 0, 100 * kMs + kHandover);
  story.step(1, 0, 0, 100 * kMs);
  story.request(0, 0, 100 * kMs, 200 * kMs, 200 * kMs);
  story.hold(2, Resource::pool, 100 * kMs + kHandover, 200 * kMs);
  story.step(2, 0, 100 * kMs, 200 * kMs);
  CHECK(story.path().requests == std::vector<std::uint32_t>{2, 1});
}

TEST_CASE("of a request that failed what nobody explains counts from the first that did not") {
  Tale story;
  story.request(-100 * kMs, 50 * kMs, 50 * kMs, 200 * kMs, kSecond).outcome = Outcome::timeout;
  story.hold(1, Resource::loop, 50 * kMs, 60 * kMs);
  story.request(0, 60 * kMs, 60 * kMs, 160 * kMs, 160 * kMs);
  story.hold(2, Resource::loop, 60 * kMs, 160 * kMs);
  story.step(2, 0, 60 * kMs, 160 * kMs);
  const CriticalPath path = story.path();
  CHECK(path.requests == std::vector<std::uint32_t>{2, 1});
  CHECK(path.makespan == 160 * kMs);
  CHECK(path.unexplained == 50 * kMs);
}

TEST_CASE(
    "what a handler does beside its steps while it holds the loop is its service, to the moment of its end") {
  Tale story;
  story.request(0, 0, 0, 10 * kMs, 10 * kMs);
  story.hold(1, Resource::loop, 0, 10 * kMs);
  const CriticalPath path = story.path();
  CHECK(path.service == 10 * kMs);
  CHECK(path.unexplained == 0);
}

TEST_CASE("who was sent only now is not what a request has waited for") {
  Tale story;
  story.request(50 * kMs, 50 * kMs, 50 * kMs, 50 * kMs + kMicrosecond, 51 * kMs);
  story.request(0, 50 * kMs, 50 * kMs, 150 * kMs, 150 * kMs);
  story.hold(2, Resource::loop, 50 * kMs, 150 * kMs);
  CHECK(story.path().requests == std::vector<std::uint32_t>{2});
}

TEST_CASE("what a predecessor did after its answer is waited for though its client has not read that yet") {
  Tale story;
  story.request(0, 0, 0, 10 * kMs, 90 * kMs);
  story.step(1, 0, 10 * kMs, 50 * kMs);
  story.request(0, 50 * kMs, 50 * kMs, 150 * kMs, 150 * kMs);
  story.step(2, 0, 50 * kMs, 150 * kMs);
  const CriticalPath path = story.path();
  CHECK(path.requests == std::vector<std::uint32_t>{2, 1});
  CHECK(path.planned == 140 * kMs);
}
