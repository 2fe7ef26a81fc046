#include <catch2/catch.hpp>
#include <numeric>

#include "results/report/load_report.hpp"

using namespace lab;

namespace {

LoadTask options_of(Arrivals arrivals, double rate, std::int64_t requests) {
  LoadTask options;
  options.plan.engine.arrivals = arrivals;
  options.plan.engine.curve = {rate, rate, 0};
  options.plan.engine.planned = requests;
  return options;
}

LoadTotals answered(std::int64_t requests, Nanos last_end) {
  LoadTotals totals;
  totals.counts.planned = totals.counts.sent = totals.counts.ok = requests;
  totals.counts.last_end = last_end;
  totals.samples.latency.add(std::vector<Nanos>(static_cast<std::size_t>(requests), kMillisecond));
  return totals;
}

}  // namespace

TEST_CASE("n requests at a rate take n periods, not the time to the last of them") {
  for (const Arrivals arrivals : {Arrivals::constant, Arrivals::poisson, Arrivals::staggered}) {
    LoadTotals two = answered(2, kSecond + kMillisecond);
    CHECK(summarise_load(options_of(arrivals, 1, 2), two).requests_per_second == Approx(1));
    LoadTotals one = answered(1, kMillisecond);
    CHECK(summarise_load(options_of(arrivals, 10, 1), one).requests_per_second == Approx(10));
    LoadTotals slow = answered(2, 4 * kSecond);
    CHECK(summarise_load(options_of(arrivals, 1, 2), slow).requests_per_second == Approx(0.5));
  }
  LoadTotals burst = answered(10, kSecond);
  CHECK(summarise_load(options_of(Arrivals::burst, 0, 10), burst).span_s == Approx(1));
}

TEST_CASE("few latencies are kept one by one, as many as carry no percentile") {
  LoadTotals few = answered(28, kSecond);
  CHECK(summarise_load(options_of(Arrivals::closed, 0, 28), few).latency_s.all.size() == 28);
  LoadTotals more = answered(29, kSecond);
  CHECK(summarise_load(options_of(Arrivals::closed, 0, 29), more).latency_s.all.empty());
}

namespace {

std::vector<LatencyBar> bars_of(const std::vector<Nanos>& values) {
  Distribution distribution;
  distribution.add(values);
  return latency_bars(distribution);
}

}  // namespace

TEST_CASE("values near each other get even steps") {
  std::vector<Nanos> values;
  for (Nanos i = 100; i < 140; ++i) values.push_back(i * kMillisecond);
  const auto bars = bars_of(values);
  REQUIRE(bars.size() >= 4);
  for (const LatencyBar& bar : bars) CHECK(bar.count <= 10);
  CHECK(bars.front().below_s == Approx(0.105));
}

TEST_CASE("values far from each other get 1-2-5 steps, very far ones powers of ten") {
  const auto far = bars_of({kMillisecond, 3 * kMillisecond, 40 * kMillisecond});
  std::vector<double> limits;
  for (const LatencyBar& bar : far) limits.push_back(bar.below_s);
  CHECK(limits == std::vector<double>{0.002, 0.005, 0.01, 0.02, 0.05});
  CHECK(bars_of({kMicrosecond, 10 * kSecond}).size() <= 10);
}

TEST_CASE("every value is in one bar, whatever it is") {
  for (const std::vector<Nanos>& values : {std::vector<Nanos>{0},
                                           {1},
                                           {5, 5, 5},
                                           {999, 1000, 1001},
                                           {2 * kMillisecond, 2 * kMillisecond},
                                           {0, 3600 * kSecond}}) {
    std::int64_t count = 0;
    double before = 0;
    for (const LatencyBar& bar : bars_of(values)) {
      count += bar.count;
      CHECK(bar.below_s > before);
      before = bar.below_s;
    }
    CHECK(count == static_cast<std::int64_t>(values.size()));
    CHECK(before * 1e9 > static_cast<double>(*std::max_element(values.begin(), values.end())));
  }
  CHECK(bars_of({}).empty());
}

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
  return judge(parse_threshold(text, kLoadThresholds).value(), totals, 50).passed;
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
  const ThresholdRow row = judge(parse_threshold("errors<1%", kLoadThresholds).value(), totals, 50);
  CHECK_FALSE(row.passed);
  CHECK(row.measured == "50 % (100 of 200)");
}

TEST_CASE("a percentile that the replies cannot support is missed, and says how many it takes") {
  LoadTotals totals = hundred();
  const ThresholdRow row = judge(parse_threshold("p99<10s", kLoadThresholds).value(), totals, 50);
  CHECK_FALSE(row.passed);
  CHECK_FALSE(row.value.has_value());
  CHECK(row.measured == "100 replies are too few for this percentile; it needs 299");
}

TEST_CASE("nothing holds of latencies that there are not") {
  LoadTotals none;
  for (const char* text : {"p50<10s", "max<10s", "errors<100%"})
    CHECK_FALSE(judge(parse_threshold(text, kLoadThresholds).value(), none, 0).passed);
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
    const auto threshold = parse_threshold(text, kLoadThresholds);
    REQUIRE(threshold.has_error());
    CHECK(threshold.error().kind == ErrorKind::usage);
    CHECK_THAT(threshold.error().message, Catch::Contains(problem));
  }
}
