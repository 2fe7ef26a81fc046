#include "lab/report/load_summary.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

LoadRequestOptions options_of(Arrivals arrivals, double rate, std::int64_t requests) {
  LoadRequestOptions options;
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
  CHECK(summarise_load(options_of(Arrivals::closed, 0, 28), few).latency.all.size() == 28);
  LoadTotals more = answered(29, kSecond);
  CHECK(summarise_load(options_of(Arrivals::closed, 0, 29), more).latency.all.empty());
}
