#include "harness/trace/occupancy.hpp"

#include <catch2/catch.hpp>

#include "harness/analysis/testing/test_times.hpp"
#include "harness/statistics/statistics.hpp"

namespace lab {
namespace {

using testing::kMs;

/// One repetition, and what its stats are.
struct Repetition {
  std::vector<Route> routes{{"job", "POST", "/job", {{Wait{10 * kMs}}}},
                            {"result", "GET", "/result/{id}", {}}};
  std::vector<RequestRecord> records;
  Events events;
  ServerUse use;
  std::vector<Kill> kills;
  Nanos began = kSecond;

  RequestRecord& request(Nanos sent, Nanos received, Outcome outcome = Outcome::ok) {
    RequestRecord& record = records.emplace_back();
    record.id = static_cast<std::uint32_t>(records.size());
    record.intended = record.sent = began + sent;
    record.received = began + received;
    record.outcome = outcome;
    return record;
  }
  void add(Nanos at, EventKind kind, std::uint32_t request, std::int64_t value = 0,
           std::uint16_t worker = 0) {
    events.push_back({began + at, value, request, worker, 0, kind, Resource::nothing});
  }
  std::optional<double> value(const char* stat) const {
    return evaluate(parse_stat(stat).value(), RepetitionData{records, routes, &events, &use, kills, began});
  }
};

TEST_CASE("the turnaround of a job ends with the last question about it") {
  Repetition one;
  one.request(0, 5 * kMs);
  for (const Nanos at : {20, 40, 60}) {
    RequestRecord& follow_up = one.request(at * kMs, (at + 2) * kMs);
    follow_up.parent = 1;
    follow_up.route = 1;
  }
  CHECK(one.value("turnaround.max") == Approx(0.062));
  CHECK(one.value("job.turnaround.max") == Approx(0.062));
  CHECK_FALSE(one.value("result.turnaround.max").has_value());
  one.records.back().outcome = Outcome::bad_status;
  CHECK_FALSE(one.value("turnaround.max").has_value());
}

TEST_CASE("a request that nobody follows up has no turnaround") {
  Repetition one;
  one.request(0, 5 * kMs);
  CHECK_FALSE(one.value("turnaround.max").has_value());
}

TEST_CASE("what replies said is a plain number") {
  Repetition one;
  one.request(0, kMs).value = 7;
  one.request(0, kMs).value = 9;
  one.request(0, kMs);  // its reply had none
  CHECK(one.value("value.max") == Approx(9));
  CHECK(one.value("value.mean") == Approx(8));
}

TEST_CASE("processor time, memory and switches are those of the server's processes") {
  Repetition one;
  one.request(0, 100 * kMs);
  one.request(0, 200 * kMs);
  CHECK_FALSE(one.value("server.cpu").has_value());
  one.use = {.processes = 1,
             .private_before = 1000,
             .private_peak = 9000,
             .resident_peak = 5'000'000,
             .virtual_peak = 7'000'000,
             .threads_peak = 41,
             .cpu = 50 * kMs,
             .voluntary_switches = 5,
             .involuntary_switches = 1};
  CHECK(one.value("server.cpu") == Approx(0.25));
  CHECK(one.value("server.memory") == Approx(8000));
  CHECK(one.value("server.memory_each") == Approx(4000));
  CHECK(one.value("server.resident") == Approx(5e6));
  CHECK(one.value("server.virtual") == Approx(7e6));
  CHECK(one.value("server.threads") == Approx(41));
  CHECK(one.value("server.switches") == Approx(3));
}

TEST_CASE("without any event nothing is said about the server's work") {
  Repetition one;
  one.request(0, kMs);
  for (const char* stat : {"loop.gap", "loop.utilisation", "work.done", "work.lost", "switch.time"}) {
    CHECK_FALSE(one.value(stat).has_value());
  }
}

TEST_CASE("the gap is the longest turn of any loop, the utilisation the busiest one's share") {
  Repetition one;
  one.request(0, 100 * kMs);
  one.events.push_back({one.began, 0, 1, 0, 0, EventKind::acquire, Resource::loop});
  one.events.push_back({one.began + 25 * kMs, 0, 1, 0, 0, EventKind::release, Resource::loop});
  one.add(25 * kMs, EventKind::turn, 0, 1);
  CHECK(one.value("loop.gap") == Approx(0.025));
  CHECK(one.value("loop.utilisation") == Approx(0.25));
}

TEST_CASE("work is counted by the events that speak of it") {
  Repetition one;
  one.request(0, kMs);
  one.add(0, EventKind::step_begin, 1);
  one.add(kMs, EventKind::step_end, 1);
  one.add(kMs, EventKind::forgotten, 1);
  one.add(kMs, EventKind::forgotten, 1);
  one.add(kMs, EventKind::cancelled, 1);
  CHECK(one.value("work.done") == Approx(1));
  CHECK(one.value("work.forgotten") == Approx(2));
  CHECK(one.value("work.cancelled") == Approx(1));
  CHECK(one.value("work.lost") == Approx(0));
}

TEST_CASE("a handler that ended for a client that had gone is abandoned work") {
  Repetition one;
  one.request(0, 5 * kMs, Outcome::hung_up).finished = one.began + 10 * kMs;
  one.request(0, 5 * kMs, Outcome::hung_up);
  one.add(0, EventKind::read, 1);
  CHECK(one.value("work.abandoned") == Approx(1));
}

TEST_CASE("what a killed worker had begun and not ended is lost, after the reply as well") {
  Repetition one;
  one.kills = {{0, 50 * kMs}};
  for (std::uint32_t id = 1; id <= 4; ++id) one.request(0, 10 * kMs);
  one.add(0, EventKind::started, 1);  // in its handler
  one.add(1 * kMs, EventKind::started, 2);
  one.add(2 * kMs, EventKind::finished, 2);
  one.add(3 * kMs, EventKind::step_begin, 2, 1);  // a background task
  one.add(4 * kMs, EventKind::started, 3, 0, 1);  // on the other worker
  one.add(5 * kMs, EventKind::started, 4);
  one.add(6 * kMs, EventKind::finished, 4);
  one.add(90 * kMs, EventKind::finished, 3, 0, 1);
  CHECK(one.value("work.lost") == Approx(2));
}

TEST_CASE("a handler that was cancelled before its worker was killed is not lost with it") {
  Repetition one;
  one.kills = {{0, 50 * kMs}};
  one.add(0, EventKind::started, 1);
  one.add(kMs, EventKind::cancelled, 1);
  one.add(2 * kMs, EventKind::started, 2);
  CHECK(one.value("work.lost") == Approx(1));
}

TEST_CASE("a job that was reported lost and a handler whose client was cut off are one each") {
  Repetition one;
  one.request(0, kMs);
  one.request(0, 20 * kMs, Outcome::reset).started = one.began + kMs;
  one.add(5 * kMs, EventKind::lost, 1, 17);
  CHECK(one.value("work.lost") == Approx(2));
}

TEST_CASE("the time of a hand-over is that of its step by its units, the median over requests") {
  Repetition one;
  one.routes[0].plan = {{Wait{kMs}}, {Compute{kMs, Work::thread_switch, 1000}}};
  for (std::uint32_t id = 1; id <= 3; ++id) {
    one.request(0, 10 * kMs);
    one.add(id * 10 * kMs, EventKind::step_begin, id, 1);
    one.add(id * 10 * kMs + id * kMs, EventKind::step_end, id, 1);
  }
  CHECK(one.value("switch.time") == Approx(2e-6));
}

}  // namespace
}  // namespace lab
