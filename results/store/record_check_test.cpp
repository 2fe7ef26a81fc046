#include "results/store/record_check.hpp"

#include <catch2/catch.hpp>

#include "results/report/testing/run_samples.hpp"

using namespace lab;
using namespace lab::samples;

namespace {

Scenario scenario() {
  Scenario made;
  made.routes.resize(3);
  made.cases = {{"main", std::vector<Load>(2)}};
  return made;
}

/// How many requests are left out where the third one is changed so.
std::size_t left_out(const std::function<void(RequestRecord&)>& change) {
  RunRepetition one = repetition(1, 10, 10);
  change(one.records[2]);
  const Scenario of = scenario();
  return drop_impossible(one, &of).requests;
}

}  // namespace

TEST_CASE("What a writer writes can be") {
  RunRepetition one = repetition(1, 100, 1'000);
  const Scenario of = scenario();
  const ImpossibleEntries found = drop_impossible(one, &of);
  CHECK(found.first.empty());
  CHECK(same(one, repetition(1, 100, 1'000)));
  CHECK(impossible(header()).empty());
  CHECK(impossible(static_cast<const RepetitionFacts&>(one)).empty());
}

TEST_CASE("Indices, ids and times that no run has are left out") {
  CHECK(left_out([](RequestRecord& record) { record.load = 2; }) == 1);
  CHECK(left_out([](RequestRecord& record) { record.route = 3; }) == 1);
  CHECK(left_out([](RequestRecord& record) { record.worker = 10'000; }) == 1);
  CHECK(left_out([](RequestRecord& record) { record.worker = -2; }) == 1);
  CHECK(left_out([](RequestRecord& record) { record.id = 2; }) == 1);
  CHECK(left_out([](RequestRecord& record) { record.received = record.sent - 1; }) == 1);
  CHECK(left_out([](RequestRecord& record) { record.finished = record.read - 1; }) == 0);
  CHECK(left_out([](RequestRecord& record) { record.received = std::int64_t{1} << 62; }) == 1);
  CHECK(left_out([](RequestRecord& record) { record.accepted = 0; }) == 0);
}

TEST_CASE("A case that the scenario lacks has no requests, and events stand in the order of time") {
  const Scenario of = scenario();
  RunRepetition other = repetition(1, 10, 10);
  other.case_id = "other";
  std::swap(other.events[3].at, other.events[7].at);
  const ImpossibleEntries found = drop_impossible(other, &of);
  CHECK(found.requests == 10);
  CHECK(found.events == 4);
  CHECK(found.first == "request 1 is of load 0");
}

TEST_CASE("Counts, paces and rates that no run has are named") {
  RepetitionFacts facts = repetition(1, 0, 0);
  facts.pace = 1e308;
  CHECK(impossible(facts) == "pace 1e+308");
  facts = repetition(2'000, 0, 0);
  CHECK(impossible(facts) == "number 2000");
  facts = repetition(1, 0, 0);
  facts.killed = {{-1, 0}};
  CHECK(impossible(facts) == "killed worker -1");
  RunHeader head = header();
  head.environment = {{"cores", "1000000000"}};
  CHECK(impossible(head) == "cores 1000000000");
  head.environment = {{"rate of cpu", "1e-300 units/s"}};
  CHECK_FALSE(impossible(head).empty());
}
