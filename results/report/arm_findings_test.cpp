#include <catch2/catch.hpp>
#include <functional>

#include "results/report/arm_report.hpp"

using namespace lab;

namespace {

/// Six bursts of ten; `after` says when each reply comes, from its rank.
std::string likely(const std::function<Nanos(int)>& after, Outcome last = Outcome::ok) {
  std::vector<RunRepetition> repetitions(6);
  std::vector<const RunRepetition*> all;
  for (RunRepetition& repetition : repetitions) {
    for (int i = 0; i < 10; ++i) {
      RequestRecord record;
      record.intended = record.sent = kSecond;
      record.received = kSecond + after(i);
      record.outcome = i == 9 ? last : Outcome::ok;
      repetition.records.push_back(record);
    }
    all.push_back(&repetition);
  }
  return likely_execution(all, 0.1, false);
}

constexpr Nanos kStep = 100 * kMillisecond;

}  // namespace

TEST_CASE("ten replies 100 ms apart come from a server that works one at a time") {
  const std::string text = likely([](int i) { return (i + 1) * kStep + kMillisecond; });
  CHECK_THAT(text, Catch::Contains("one at a time, 100") && Catch::Contains("6 of 6 bursts fit"));
}

TEST_CASE("ten replies in rounds of four come from a pool of four or from four workers") {
  CHECK_THAT(likely([](int i) { return (i / 4 + 1) * kStep; }), Catch::Contains("4 at a time, 100 ms each"));
}

TEST_CASE("ten replies at the same time came together") {
  CHECK_THAT(likely([](int i) { return kStep + i * kMillisecond / 10; }),
             Catch::Contains("together, all 10 after"));
}

TEST_CASE("nothing is said where a reply is missing or the requests were no burst") {
  CHECK(likely([](int i) { return (i + 1) * kStep; }, Outcome::reset).empty());
  RunRepetition two;
  two.records.resize(4);
  for (std::size_t i = 0; i < 4; ++i) {
    two.records[i].outcome = Outcome::ok;
    two.records[i].intended = static_cast<Nanos>(i + 1) * kStep;
    two.records[i].received = two.records[i].intended + kStep;
  }
  CHECK(likely_execution({&two}, 0.1, false).empty());
}
