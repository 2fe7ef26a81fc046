#include "harness/analysis/other_tools.hpp"

#include <catch2/catch.hpp>
#include <cmath>

namespace lab {
namespace {

std::vector<Answer> at_once(const std::vector<double>& latencies) {
  std::vector<Answer> samples;
  for (const double latency : latencies) samples.push_back({0, latency});
  return samples;
}

/// Ten at once on a loop that is blocked for 1 s by each; `over` is what a real machine adds.
std::vector<Answer> blocked_loop(double over) {
  std::vector<Answer> samples;
  for (int i = 1; i <= 10; ++i) samples.push_back({0, i * (1 + over)});
  return samples;
}

/// Zero where nothing is there, as the tools print it.
std::vector<double> rounded(const ReportedLatencies& reported) {
  std::vector<double> seconds;
  for (const ReportedPercentile& one : reported.percentiles)
    seconds.push_back(std::round(one.latency_s.value_or(0) * 100) / 100);
  return seconds;
}

TEST_CASE("wrk reports of ten requests of one to ten seconds that all took one") {
  const ReportedLatencies wrk = what_others_print(blocked_loop(0.001), true).wrk;
  CHECK(rounded(wrk) == std::vector<double>{1, 1, 1, 1});
  CHECK(wrk.counted == 1);
}

TEST_CASE("wrk's timeout of two seconds is the last that it counts") {
  CHECK(what_others_print(at_once({2.0}), true).wrk.counted == 1);
  CHECK(what_others_print(at_once({2.000002}), true).wrk.counted == 0);
  CHECK(rounded(what_others_print(at_once({3, 4}), true).wrk) == std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("wrk adds the replies that it holds to be missing of a pause") {
  // One connection, a reply every 10 ms, but one of 200 ms: 91 replies in 1.1 s, so it expects one
  // every 12.087 ms and adds fifteen, of 188 down to 19 ms.
  std::vector<Answer> samples;
  for (int i = 0; i < 90; ++i) samples.push_back({i * 0.01, 0.01});
  samples.push_back({0.9, 0.2});
  const ReportedLatencies wrk = what_others_print(samples, false).wrk;
  CHECK(wrk.counted == 91);
  CHECK(wrk.added == 15);
  CHECK(wrk.percentiles[0].latency_s.value() == Approx(0.010));
  CHECK(wrk.percentiles[2].latency_s.value() == Approx(0.200 - 10 * 0.012087));
  CHECK(wrk.percentiles[3].latency_s.value() == Approx(0.200 - 0.012087));
}

TEST_CASE("wrk's rank is the next one where nearest rank is whole") {
  const ReportedLatencies wrk = what_others_print(at_once({.1, .2, .3, .4, .5, .6, .7, .8, .9, 1}), true).wrk;
  CHECK(rounded(wrk) == std::vector<double>{.6, .8, 1, 1});
}

TEST_CASE("hey prints the next value, and zeros at the end") {
  CHECK(rounded(what_others_print(blocked_loop(0), true).hey) == std::vector<double>{2, 4, 6, 9, 10, 0, 0});
  CHECK(rounded(what_others_print(blocked_loop(0), true).truth) ==
        std::vector<double>{1, 3, 5, 8, 9, 10, 10});
  CHECK(rounded(what_others_print(at_once({1}), true).hey) == std::vector<double>(7, 0));
}

TEST_CASE("autocannon counts a reply once for each of its milliseconds: 8 become 1,614") {
  const std::vector<Answer> eight = at_once({0.2023, 0.2021, 0.2028, 0.2019, 0.2024, 0.2017, 0.2026, 0.2022});
  CHECK(what_others_print(eight, true).autocannon.counted == 1'614);
}

TEST_CASE("autocannon's table is reproduced to the millisecond from the replies that it had") {
  // autocannon 8.0.0 -R 2 -d 4, /delay?ms=200 on async-loop: totalCount 1621, p2.5 6, p50 102, p97.5 198, p99
  // 201.
  const std::vector<Answer> waiting = at_once({0.206757978, 0.206645139, 0.204258141, 0.202828139,
                                               0.201180143, 0.200692937, 0.201505217, 0.20174841});
  ReportedLatencies reported = what_others_print(waiting, true).autocannon;
  CHECK(reported.counted == 1'621);
  CHECK(reported.percentiles[0].latency_s.value() == Approx(0.006));
  CHECK(reported.percentiles[1].latency_s.value() == Approx(0.102));
  CHECK(reported.percentiles[2].latency_s.value() == Approx(0.198));
  CHECK(reported.percentiles[3].latency_s.value() == Approx(0.201));
  // The same with /delay?ms=1000 on blocking-loop: 13047, 47, 932, 1950, 1982.
  reported = what_others_print(at_once({1.025408263, 2.024441918, 1.999348527, 1.998889501, 2.002442437,
                                        1.999761237, 2.000402211}),
                               true)
                 .autocannon;
  CHECK(reported.counted == 13'047);
  CHECK(reported.percentiles[0].latency_s.value() == Approx(0.047));
  CHECK(reported.percentiles[1].latency_s.value() == Approx(0.932));
  CHECK(reported.percentiles[2].latency_s.value() == Approx(1.950));
  CHECK(reported.percentiles[3].latency_s.value() == Approx(1.982));
}

TEST_CASE("without a rate autocannon counts every reply once") {
  const ReportedLatencies reported = what_others_print(blocked_loop(0), false).autocannon;
  CHECK(reported.counted == 10);
  CHECK(rounded(reported) == std::vector<double>{1, 5, 10, 10});
}

TEST_CASE("a closed loop meets a freeze once, however many requests it should have sent meanwhile") {
  std::vector<Answer> samples;
  for (int i = 0; i < 100; ++i) {  // one every 100 ms; the server stands still from 2 s to 7 s
    const double at = i * 0.1;
    samples.push_back({at, at >= 2 && at < 7 ? 7 - at : 0.001});
  }
  const EmulatedTools others = what_others_print(samples, true);
  CHECK(others.closed_loop.counted == 51);
  CHECK(others.closed_loop.percentiles[4].latency_s.value() == Approx(0.001));  // p90
  CHECK(others.truth.percentiles[4].latency_s.value() == Approx(4.0));
}

TEST_CASE("of a burst one client would have sent a single request") {
  CHECK(what_others_print(blocked_loop(0), true).closed_loop.counted == 1);
}

TEST_CASE("samples are the ok replies, in order of their intended times from the first") {
  RequestRecord late;
  late.intended = 5 * kSecond;
  late.received = 6 * kSecond;
  late.outcome = Outcome::ok;
  RequestRecord early = late;
  early.intended = 3 * kSecond;
  RequestRecord failed = late;
  failed.outcome = Outcome::timeout;
  const std::vector<Answer> samples = answers_of(std::vector<RequestRecord>{late, failed, early});
  REQUIRE(samples.size() == 2);
  CHECK(samples[0].intended_s == 0);
  CHECK(samples[0].latency_s == 3);
  CHECK(samples[1].intended_s == 2);
}

TEST_CASE("where nothing was answered nobody prints anything") {
  const EmulatedTools others = what_others_print(std::vector<Answer>{}, true);
  CHECK(others.autocannon.counted == 0);
  CHECK_FALSE(others.wrk.percentiles.front().latency_s.has_value());
  CHECK_FALSE(others.truth.percentiles.front().latency_s.has_value());
}

}  // namespace
}  // namespace lab
