#include "harness/analysis/loop_cycle.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "harness/analysis/testing/test_times.hpp"

namespace lab {
namespace {

using testing::kMs;

/// A loop's events, and its cycle in words: `5 B awaits | - | A | B` is time, event, running, ready, waiting.
struct Turns {
  std::vector<Route> routes{{"task", "GET", "/task", {{Wait{10 * kMs}}}}};
  std::vector<RequestRecord> records;
  Events events;

  void request() { records.emplace_back().id = static_cast<std::uint32_t>(records.size() + 1); }
  void add(Nanos ms, std::uint32_t request, EventKind kind, Resource resource = Resource::nothing) {
    events.push_back({ms * kMs, 0, request, 0, 0, kind, resource});
  }
  void take(Nanos ms, std::uint32_t request) { add(ms, request, EventKind::acquire, Resource::loop); }
  void give(Nanos ms, std::uint32_t request) { add(ms, request, EventKind::release, Resource::loop); }

  static std::string names(const std::vector<std::uint32_t>& ids) {
    std::string text;
    for (const std::uint32_t id : ids) text += static_cast<char>('A' + id - 1);
    return text.empty() ? "-" : text;
  }
  std::vector<std::string> words() const {
    std::vector<std::string> lines;
    for (const CycleStep& step : loop_cycle(events, records, routes)) {
      lines.push_back(std::to_string(step.at / kMs) + " " + names({step.request}) + " " +
                      std::string(to_string(step.what)) + " | " +
                      (step.running ? names({*step.running}) : "-") + " | " + names(step.ready) + " | " +
                      names(step.waiting));
    }
    return lines;
  }
};

TEST_CASE("while one request waits another one runs, and never two at once") {
  Turns loop;
  loop.request();
  loop.request();
  loop.add(0, 1, EventKind::read);
  loop.add(0, 2, EventKind::read);
  loop.take(0, 1);
  loop.add(1, 1, EventKind::step_begin);
  loop.give(1, 1);
  loop.take(1, 2);
  loop.add(2, 2, EventKind::step_begin);
  loop.give(2, 2);
  loop.add(11, 1, EventKind::step_end);
  loop.take(11, 1);
  loop.add(12, 1, EventKind::finished);
  loop.give(12, 1);
  CHECK(loop.words() == std::vector<std::string>{"0 A arrives | - | A | -", "0 B arrives | - | AB | -",
                                                 "0 A starts | A | B | -", "1 A awaits | - | B | A",
                                                 "1 B starts | B | - | A", "2 B awaits | - | - | AB",
                                                 "11 A is ready | - | A | B", "11 A goes on | A | - | B",
                                                 "12 A ends | - | - | B"});
}

TEST_CASE("what takes no time at all is still shown in its order") {
  Turns loop;
  loop.request();
  loop.add(0, 1, EventKind::read);
  loop.take(0, 1);
  loop.add(0, 1, EventKind::step_begin);
  loop.give(0, 1);
  CHECK(loop.words() == std::vector<std::string>{"0 A arrives | - | A | -", "0 A starts | A | - | -",
                                                 "0 A awaits | - | - | A"});
}

TEST_CASE("a request queues for the loop from the moment that it was sent, not from its reading") {
  Turns loop;
  loop.request();
  loop.request();
  loop.records[1].sent = 2 * kMs;
  loop.take(0, 1);
  loop.add(0, 1, EventKind::read);
  loop.add(5, 1, EventKind::finished);
  loop.give(5, 1);
  loop.take(5, 2);
  loop.add(6, 2, EventKind::read);
  const std::vector<std::string> words = loop.words();
  CHECK(std::find(words.begin(), words.end(), "2 B arrives | A | B | -") != words.end());
}

TEST_CASE("a request is ready when its wait is over, though the loop comes to it later") {
  Turns loop;
  loop.request();
  loop.request();
  loop.take(0, 1);
  loop.give(1, 1);
  loop.add(1, 1, EventKind::step_begin);  // a server may note this behind the release
  loop.take(5, 2);
  loop.add(30, 2, EventKind::finished);
  loop.give(30, 2);
  loop.take(30, 1);  // and the end of the wait when it resumes
  loop.add(30, 1, EventKind::step_end);
  CHECK(loop.words() == std::vector<std::string>{"0 A starts | A | - | -", "1 A awaits | - | - | A",
                                                 "5 B starts | B | - | A", "11 A is ready | B | A | -",
                                                 "30 B ends | - | A | -", "30 A goes on | A | - | -"});
}

TEST_CASE("a handler that yields queues behind the others at once") {
  Turns loop;
  loop.request();
  loop.take(0, 1);
  loop.give(5, 1);
  loop.take(5, 1);
  loop.give(10, 1);
  loop.add(10, 1, EventKind::finished);
  CHECK(loop.words() == std::vector<std::string>{"0 A starts | A | - | -", "5 A yields | - | A | -",
                                                 "5 A goes on | A | - | -", "10 A ends | - | - | -"});
}

TEST_CASE("a handler whose client has gone ends while it waits") {
  Turns loop;
  loop.request();
  loop.take(0, 1);
  loop.add(1, 1, EventKind::step_begin);
  loop.give(1, 1);
  loop.add(4, 1, EventKind::cancelled);
  CHECK(loop.words().back() == "4 A ends | - | - | -");
}

TEST_CASE("other workers' loops and unknown requests are left out") {
  Turns loop;
  loop.request();
  loop.events.push_back({0, 0, 1, 1, 0, EventKind::acquire, Resource::loop});
  loop.take(0, 9);
  CHECK(loop.words().empty());
}

TEST_CASE("a request's way is made of hops without gaps") {
  RequestRecord record;
  record.id = 7;
  record.intended = 100;
  record.accepted = 130;
  record.sent = 120;
  record.read = 150;
  record.started = 160;
  record.finished = 200;
  record.received = 240;
  const Events events{{210, 0, 7, 0, 0, EventKind::replied, Resource::nothing}};
  const auto path = request_path(record, events);
  REQUIRE(path.size() == 6);
  std::string names;
  for (const PathSpan& span : path) names += std::string(span.name) + " ";
  CHECK(names == "accept parse route handler write reply ");
  for (std::size_t i = 1; i < path.size(); ++i) CHECK(path[i].from == path[i - 1].to);
  CHECK(path[0].from == record.intended);
  CHECK(path.back().to == record.received);
}

TEST_CASE("a kept connection was accepted long before, and an unknown stamp leaves its hop out") {
  RequestRecord record;
  record.id = 1;
  record.intended = record.sent = 100;
  record.accepted = 10;
  record.received = 240;
  CHECK(request_path(record, {}).empty());
  record.read = 120;
  const auto path = request_path(record, {});
  REQUIRE(path.size() == 1);
  CHECK(path[0].name == "parse");
  CHECK(path[0].from == 100);
}

}  // namespace
}  // namespace lab
