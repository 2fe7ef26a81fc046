#include "results/report/arm_report.hpp"

#include <catch2/catch.hpp>

#include "lab/core/stat.hpp"

using namespace lab;

namespace {

/// Three requests at once on a route of that plan; the last one ends so, 300 ms after it was sent.
std::optional<double> makespan_with(Outcome outcome, std::uint16_t status, const Plan& plan = {},
                                    const Case& load_case = {"main", {Load{}}, {}}, std::uint32_t parent = 0,
                                    const char* stat = "makespan") {
  RunRepetition repetition;
  repetition.engine = kNative;
  for (std::uint32_t id = 1; id <= 3; ++id) {
    RequestRecord record;
    record.id = id;
    record.intended = record.sent = kSecond;
    record.received = kSecond + id * 100 * kMillisecond;
    record.outcome = id < 3 ? Outcome::ok : outcome;
    record.status = id < 3 ? 200 : status;
    record.parent = id < 3 ? 0 : parent;
    repetition.records.push_back(record);
  }
  return evaluate(parse_stat(stat).value(), repetition, {{"r", "GET", "/r", plan}}, load_case);
}

}  // namespace

TEST_CASE("A repetition with failures that nobody asked for has no makespan") {
  CHECK(makespan_with(Outcome::ok, 200) == 0.3);
  for (const Outcome outcome : {Outcome::reset, Outcome::refused, Outcome::timeout, Outcome::harness_fault})
    CHECK_FALSE(makespan_with(outcome, 0));
  CHECK_FALSE(makespan_with(Outcome::bad_status, 503));
}

TEST_CASE("Kills, clients that hang up, full queues, large bodies and questions about a job are asked for") {
  CHECK(makespan_with(Outcome::hung_up, 0) == 0.2);
  CHECK(makespan_with(Outcome::bad_status, 503, {{Enqueue{"jobs", {}}}}) == 0.2);
  CHECK(makespan_with(Outcome::reset, 0, {}, {"main", {Load{}}, {{0, kMillisecond}}}) == 0.2);
  CHECK(makespan_with(Outcome::bad_status, 404, {}, {"main", {Load{}}, {}}, 1) == 0.2);
  Load large;
  large.body_bytes = 2'000'000;
  CHECK(makespan_with(Outcome::bad_status, 413, {}, {"main", {large}, {}}) == 0.2);
  CHECK_FALSE(makespan_with(Outcome::bad_status, 413));
}

TEST_CASE("A request that failed counts as slower than all others") {
  const auto with = [](Outcome outcome, const char* stat) {
    return makespan_with(outcome, 0, {}, {"main", {Load{}}, {}}, 0, stat);
  };
  CHECK(with(Outcome::ok, "latency.max") == 0.3);
  CHECK(with(Outcome::ok, "latency.median") == 0.2);
  CHECK_FALSE(with(Outcome::timeout, "latency.max"));
  CHECK_FALSE(with(Outcome::timeout, "latency.mean"));
  CHECK(with(Outcome::timeout, "latency.median") == 0.2);  // 0.1, 0.2 and what never ended
  CHECK(with(Outcome::timeout, "latency.min") == 0.1);
  CHECK(with(Outcome::timeout, "lag.max") == 0);
  CHECK(with(Outcome::hung_up, "latency.max") == 0.2);
  CHECK(with(Outcome::timeout, "count(error)") == 1);
}
