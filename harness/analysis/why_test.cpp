#include "harness/analysis/why.hpp"

#include <catch2/catch.hpp>

#include "harness/analysis/testing/test_times.hpp"

using namespace lab;

namespace {

using lab::testing::kMs;

struct Story {
  std::vector<Route> routes{{"delay", "POST", "/delay", {{Wait{100 * kMs}}}}};
  Case load_case{"main", {Load{}}};
  std::vector<RequestRecord> records;
  Events events;

  void add(Nanos at, EventKind kind, std::uint32_t request, Resource resource = Resource::nothing,
           std::int64_t value = 0) {
    events.push_back({at, value, request, 0, 0, kind, resource});
  }

  RequestRecord& request(std::uint32_t id, Nanos sent, Nanos read, Nanos started, Nanos finished,
                         Nanos received) {
    RequestRecord record;
    record.id = id;
    record.worker = 0;
    record.intended = record.sent = sent;
    record.accepted = sent;
    record.read = read;
    record.started = started;
    record.finished = finished;
    record.first_byte = record.received = received;
    record.outcome = Outcome::ok;
    records.push_back(record);
    return records.back();
  }

  /// A request whose handler holds `resource` for its 100 ms of waiting, and on the loop for `overhead` more.
  void serve(std::uint32_t id, Nanos sent, Nanos started, Resource resource, Nanos overhead = 0) {
    const Nanos finished = started + 100 * kMs;
    const Nanos read = resource == Resource::loop ? started : sent;
    request(id, sent, read, started, finished, finished + overhead);
    add(started, EventKind::acquire, id, resource);
    add(started, EventKind::step_begin, id);
    add(finished, EventKind::step_end, id);
    add(finished + overhead, EventKind::release, id, resource);
    sort();
  }

  void sort() {
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.at < b.at; });
  }
};

/// Three requests at once on a loop that sleeps 100 ms for each, with 1 ms of overhead after every reply.
Story blocked_loop() {
  Story story;
  for (std::uint32_t id = 1; id <= 3; ++id) {
    story.serve(id, kSecond, kSecond + (id - 1) * 101 * kMs, Resource::loop, kMs);
  }
  return story;
}

Nanos sum(const CriticalPath& path) {
  return path.planned + path.lag + path.unread + path.runnable + path.service + path.reply + path.unexplained;
}

std::vector<LaneState> states_of(const Lane& lane) {
  std::vector<LaneState> states;
  for (const LaneSegment& segment : lane.segments) states.push_back(segment.state);
  return states;
}

}  // namespace

TEST_CASE("the critical path of a blocked loop leads through every request and adds up to the makespan") {
  const Story story = blocked_loop();
  const Occupancy occupancy(story.events);
  const CriticalPath path =
      critical_path(story.records, occupancy, Occupancy(Events{}), story.routes, story.load_case, 0);
  CHECK(path.makespan == 303 * kMs);
  CHECK(path.requests == std::vector<std::uint32_t>{3, 2, 1});
  CHECK(path.planned == 300 * kMs);
  CHECK(path.reply == 3 * kMs);
  CHECK(path.unexplained == 0);
  CHECK(sum(path) == path.makespan);
}

TEST_CASE("a late timer is service, a late send is lag") {
  Story story;
  RequestRecord& record =
      story.request(1, kSecond, kSecond + kMs, kSecond + kMs, kSecond + 105 * kMs, kSecond + 106 * kMs);
  record.intended = kSecond - 2 * kMs;
  story.add(kSecond + kMs, EventKind::acquire, 1, Resource::loop);
  story.add(kSecond + kMs, EventKind::step_begin, 1);
  story.add(kSecond + kMs, EventKind::release, 1, Resource::loop);
  story.add(kSecond + 105 * kMs, EventKind::acquire, 1, Resource::loop);
  story.add(kSecond + 105 * kMs, EventKind::step_end, 1);
  story.add(kSecond + 106 * kMs, EventKind::release, 1, Resource::loop);
  const CriticalPath path = critical_path(story.records, Occupancy(story.events), Occupancy(Events{}),
                                          story.routes, story.load_case, 0);
  CHECK(path.makespan == 106 * kMs);
  CHECK(path.planned == 100 * kMs);
  CHECK(path.unread == kMs);
  CHECK(path.service == 4 * kMs);
  CHECK(path.reply == kMs);
  CHECK(sum(path) == path.makespan);
}

TEST_CASE("waiting behind nobody is called unexplained") {
  Story story;
  story.request(1, kSecond, kSecond + 50 * kMs, kSecond + 50 * kMs, kSecond + 150 * kMs, kSecond + 150 * kMs);
  story.add(kSecond + 50 * kMs, EventKind::acquire, 1, Resource::loop);
  story.add(kSecond + 50 * kMs, EventKind::step_begin, 1);
  story.add(kSecond + 150 * kMs, EventKind::step_end, 1);
  story.add(kSecond + 150 * kMs, EventKind::release, 1, Resource::loop);
  const CriticalPath path = critical_path(story.records, Occupancy(story.events), Occupancy(Events{}),
                                          story.routes, story.load_case, 0);
  CHECK(path.unexplained == 50 * kMs);
  CHECK(sum(path) == path.makespan);
}

TEST_CASE("without any event all time is unexplained rather than guessed") {
  Story story;
  RequestRecord& record = story.request(1, kSecond, 0, 0, 0, kSecond + 80 * kMs);
  record.worker = -1;
  const CriticalPath path = critical_path(story.records, Occupancy(Events{}), Occupancy(Events{}),
                                          story.routes, story.load_case, 0);
  CHECK(path.unexplained == 80 * kMs);
}

TEST_CASE("the path of a closed load goes on with the reply that its client waited for") {
  Story story;
  story.load_case.loads[0].arrivals = Arrivals::closed;
  for (std::uint32_t id = 1; id <= 2; ++id) {
    const Nanos sent = kSecond + (id - 1) * 102 * kMs;
    story.serve(id, sent, sent, Resource::loop, 2 * kMs);
  }
  const CriticalPath path = critical_path(story.records, Occupancy(story.events), Occupancy(Events{}),
                                          story.routes, story.load_case, 0);
  CHECK(path.requests == std::vector<std::uint32_t>{2, 1});
  CHECK(path.planned == 200 * kMs);
  CHECK(path.reply == 4 * kMs);
  CHECK(sum(path) == path.makespan);
}

TEST_CASE("what is examined for a path grows with its length: it is linear in the requests") {
  constexpr std::uint32_t kRequests = 2'000;
  constexpr std::uint64_t kEach = 4;
  constexpr Nanos kServed = 2 * kMs;  // longer than a wake-up: one predecessor at a time
  Story burst, closed, asking;
  closed.load_case.loads[0].arrivals = Arrivals::closed;
  for (std::uint32_t id = 1; id <= kRequests; ++id) {
    const Nanos at = kSecond + id * kServed;
    burst.request(id, kSecond, at, at, at + kServed, at + kServed);
    closed.request(id, at, at, at, at + kServed, at + kServed);
    asking.request(id, at, at, at, at + kServed, at + kServed).parent = id % 10 == 1 ? 0 : id - (id - 1) % 10;
  }
  asking.load_case.loads[0].arrivals = Arrivals::closed;
  for (Story* story : {&burst, &closed, &asking}) {
    for (const RequestRecord& record : story->records) {
      // It has the loop for no time: there is no holder to go on with, so records are looked up.
      story->add(record.started, EventKind::acquire, record.id, Resource::loop);
      story->add(record.started, EventKind::release, record.id, Resource::loop);
      story->add(record.started, EventKind::step_begin, record.id);
      story->add(record.finished, EventKind::step_end, record.id);
    }
    const CriticalPath path = critical_path(story->records, Occupancy(story->events), Occupancy(Events{}),
                                            story->routes, story->load_case, 0);
    CHECK(path.requests.size() == kRequests);
    CHECK(path.examined <= (story == &asking ? 10 : 1) * kEach * kRequests);
  }
}

TEST_CASE("a request that failed is not the end of the path") {
  Story story = blocked_loop();
  story.records[2].outcome = Outcome::timeout;
  story.records[2].received += kSecond;
  const CriticalPath path = critical_path(story.records, Occupancy(story.events), Occupancy(Events{}),
                                          story.routes, story.load_case, 0);
  CHECK(path.makespan == 202 * kMs);
}

TEST_CASE("no reply at all gives an empty path") {
  Story story;
  story.request(1, kSecond, 0, 0, 0, 0).outcome = Outcome::timeout;
  CHECK(
      critical_path(story.records, Occupancy(Events{}), Occupancy(Events{}), story.routes, story.load_case, 0)
          .makespan == 0);
}

TEST_CASE("the queue at a blocked loop names its victims and their loss") {
  const Story story = blocked_loop();
  const std::vector<Queue> queues =
      find_queues(story.records, Occupancy(story.events), story.routes, {.pool = 1});
  REQUIRE(queues.size() == 1);
  CHECK(queues[0].resource == Resource::loop);
  CHECK(queues[0].requests == 2);
  CHECK(queues[0].waited == 303 * kMs);  // 101 + 202
  CHECK(queues[0].longest == 202 * kMs);
  CHECK(queues[0].behind_waiting > queues[0].waited * 9 / 10);
}

TEST_CASE("a pool with a free member has no queue, however late its threads wake up") {
  Story story;
  for (std::uint32_t id = 1; id <= 2; ++id) {
    story.serve(id, kSecond, kSecond + (id - 1) * 8 * kMs, Resource::pool);
  }
  for (Event& event : story.events) event.unit = static_cast<std::uint16_t>(event.request - 1);
  story.sort();
  CHECK(find_queues(story.records, Occupancy(story.events), story.routes, {.pool = 3}).empty());
}

TEST_CASE("a pool whose members are all held has a queue") {
  Story story;
  for (std::uint32_t id = 1; id <= 2; ++id) {
    story.serve(id, kSecond, kSecond + (id - 1) * 100 * kMs, Resource::pool);
  }
  story.sort();
  const std::vector<Queue> queues =
      find_queues(story.records, Occupancy(story.events), story.routes, {.pool = 1});
  REQUIRE(queues.size() == 1);
  CHECK(queues[0].resource == Resource::pool);
  CHECK(queues[0].requests == 1);
  CHECK(queues[0].waited == 100 * kMs);
}

TEST_CASE("lanes show a request unread, then holding the loop, then its reply") {
  const Story story = blocked_loop();
  const std::vector<Lane> lanes =
      make_lanes(story.records, Occupancy(story.events), story.routes, Case{}, 10);
  REQUIRE(lanes.size() == 3);
  CHECK(lanes[0].end_s == Approx(0.101));
  REQUIRE(lanes[1].segments.size() == 2);
  CHECK(lanes[1].segments[0].state == LaneState::unread);
  CHECK(lanes[1].segments[0].to_s == Approx(0.101));
  CHECK(lanes[1].segments[1].state == LaneState::loop);
  CHECK(lanes[1].segments[1].to_s == Approx(0.202));
}

TEST_CASE("what passes until a client process has started and asked is lag, and its lane is empty") {
  Story story;
  story.load_case.loads.resize(1);
  story.load_case.loads[0].client_process = true;
  story.request(1, kSecond, kSecond + 30 * kMs, kSecond + 30 * kMs, kSecond + 30 * kMs, kSecond + 31 * kMs);
  const CriticalPath path = critical_path(story.records, Occupancy(story.events), Occupancy(Events{}),
                                          story.routes, story.load_case, 0);
  CHECK(path.lag == 30 * kMs);
  CHECK(path.unread == 0);
  CHECK(path.unexplained == 0);
  const std::vector<Lane> lanes =
      make_lanes(story.records, Occupancy(story.events), story.routes, story.load_case, 10);
  REQUIRE_FALSE(lanes.at(0).segments.empty());
  CHECK(lanes[0].segments.front().state != LaneState::unread);
}

TEST_CASE("lanes show a wait that holds nothing as waiting, and its lateness as runnable") {
  Story story;
  story.request(1, kSecond, kSecond, kSecond, kSecond + 110 * kMs, kSecond + 110 * kMs);
  story.add(kSecond, EventKind::step_begin, 1);
  story.add(kSecond + 110 * kMs, EventKind::step_end, 1);
  const std::vector<Lane> lanes =
      make_lanes(story.records, Occupancy(story.events), story.routes, Case{}, 10);
  REQUIRE(lanes.at(0).segments.size() == 2);
  CHECK(lanes[0].segments[0].state == LaneState::waiting);
  CHECK(lanes[0].segments[0].to_s == Approx(0.1));
  CHECK(lanes[0].segments[1].state == LaneState::runnable);
}

TEST_CASE(
    "lanes show a thread that has a member of the pool and lacks the lock, between its turns and before "
    "them") {
  Story story;
  story.request(1, kSecond, kSecond, kSecond, kSecond + 30 * kMs, kSecond + 30 * kMs);
  const auto turn = [&](Nanos from, Nanos to) {
    story.add(kSecond + from, EventKind::acquire, 1, Resource::gil);
    story.add(kSecond + to, EventKind::release, 1, Resource::gil);
  };
  story.add(kSecond, EventKind::acquire, 1, Resource::pool);
  turn(5 * kMs, 10 * kMs);
  turn(25 * kMs, 30 * kMs);
  story.add(kSecond + 30 * kMs, EventKind::release, 1, Resource::pool);
  story.sort();
  const std::vector<Lane> lanes =
      make_lanes(story.records, Occupancy(story.events), story.routes, story.load_case, 10);
  CHECK(states_of(lanes.at(0)) ==
        std::vector{LaneState::lock, LaneState::pool, LaneState::lock, LaneState::pool});
  CHECK(lanes[0].segments[2].from_s == Approx(0.010));
  CHECK(lanes[0].segments[2].to_s == Approx(0.025));
}

TEST_CASE("lanes show a thread that computes as runnable while another has its core") {
  Story story;
  story.request(1, kSecond, kSecond, kSecond, kSecond + 30 * kMs, kSecond + 30 * kMs);
  story.add(kSecond, EventKind::acquire, 1, Resource::pool);
  story.events.push_back({kSecond + 20 * kMs, 10 * kMs, 1, 0, 0, EventKind::preempted, Resource::nothing});
  story.add(kSecond + 30 * kMs, EventKind::release, 1, Resource::pool);
  story.sort();
  const std::vector<Lane> lanes =
      make_lanes(story.records, Occupancy(story.events), story.routes, story.load_case, 10);
  CHECK(states_of(lanes.at(0)) == std::vector{LaneState::pool, LaneState::runnable, LaneState::pool});
  CHECK(lanes[0].segments[1].from_s == Approx(0.010));
  CHECK(lanes[0].segments[1].to_s == Approx(0.020));
}

TEST_CASE("a request that took no time has a lane that begins where it ends") {
  Story story;
  story.request(1, kSecond, kSecond, kSecond, kSecond, kSecond);
  story.request(2, 2 * kSecond, 2 * kSecond, 2 * kSecond, 2 * kSecond, 2 * kSecond);
  const std::vector<Lane> lanes =
      make_lanes(story.records, Occupancy(story.events), story.routes, story.load_case, 10);
  REQUIRE(lanes.at(1).segments.size() == 1);
  CHECK(lanes[1].segments[0].from_s == Approx(lanes[1].end_s));
}

TEST_CASE("a hold that was never released ends with the last event") {
  Events events;
  events.push_back({10, 0, 1, 0, 0, EventKind::acquire, Resource::loop});
  events.push_back({50, 0, 2, 0, 0, EventKind::read, Resource::nothing});
  const Occupancy occupancy(events);
  REQUIRE(occupancy.holds.size() == 1);
  CHECK(occupancy.holds[0].to == 50);
}
