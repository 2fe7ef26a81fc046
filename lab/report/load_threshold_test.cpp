#include "lab/report/load_threshold.hpp"

#include <catch2/catch.hpp>
#include <numeric>

using namespace lab;

namespace {

/// 100 replies of 1 to 100 ms; one more request failed.
LoadTotals hundred() {
  std::vector<Nanos> values(100);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<Nanos>(i + 1) * kMillisecond;
  LoadTotals totals;
  totals.samples.latency.add(values);
  totals.samples.uncorrected.add(std::vector<Nanos>(100, kMillisecond));
  totals.counts.ok = 100;
  totals.counts.planned = totals.counts.sent = 101;
  totals.counts.errors[0] = 1;
  return totals;
}

bool passes(const std::string& text) {
  LoadTotals totals = hundred();
  return judge(parse_threshold(text).value(), totals, 50).passed;
}

}  // namespace

TEST_CASE("a threshold compares what it names") {
  for (const char* held : {"p90<=90ms", "p90<91ms", "median<51ms", "max<=100ms", "min>=1ms", "mean<50.6ms",
                           "p50>49ms", "uncorrected.p95<2ms", "errors<=1", "errors<1%", "rps>49.9"})
    CHECK(passes(held));
  for (const char* missed :
       {"p90<90ms", "median<50ms", "max<100ms", "mean>50.6ms", "errors<1", "errors<0.9%", "rps>50"})
    CHECK_FALSE(passes(missed));
}

TEST_CASE("a request that found no connection is a failure though it was not sent") {
  LoadTotals totals = hundred();
  totals.counts.planned += 99;
  totals.counts.unsent += 99;
  totals.counts.not_sent[0] += 99;
  const ThresholdRow row = judge(parse_threshold("errors<1%").value(), totals, 50);
  CHECK_FALSE(row.passed);
  CHECK(row.measured == "50 % (100 of 200)");
}

TEST_CASE("a percentile that the replies cannot support is missed, and says how many it takes") {
  LoadTotals totals = hundred();
  const ThresholdRow row = judge(parse_threshold("p99<10s").value(), totals, 50);
  CHECK_FALSE(row.passed);
  CHECK_FALSE(row.value.has_value());
  CHECK(row.measured == "100 replies cannot support this percentile; it takes 299");
}

TEST_CASE("nothing holds of latencies that there are not") {
  LoadTotals none;
  for (const char* text : {"p50<10s", "max<10s", "errors<100%"})
    CHECK_FALSE(judge(parse_threshold(text).value(), none, 0).passed);
}

TEST_CASE("what is no threshold is refused with an example") {
  const std::pair<const char*, const char*> refused[] = {
      {"p99", "compares nothing"}, {"<1s", "compares nothing"},
      {"p99<5", "unit"},           {"p100<1s", "p100 is max"},
      {"p0<1s", "p100 is max"},    {"q99<1s", "unknown"},
      {"errors<x", "number"},      {"rps>5%", "not a share"},
      {"p9x<1s", "number"},        {"uncorrected.errors<1", "unknown"}};
  for (const auto& [text, problem] : refused) {
    CAPTURE(text);
    const auto threshold = parse_threshold(text);
    REQUIRE(threshold.has_error());
    CHECK(threshold.error().kind == ErrorKind::usage);
    CHECK_THAT(threshold.error().message, Catch::Contains(problem));
  }
}
