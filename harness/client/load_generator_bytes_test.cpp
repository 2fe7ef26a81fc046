#include "harness/client/load_generator.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

LoadTotals totals_of(Nanos first, Nanos last, std::size_t most_exact) {
  LoadTotals totals;
  totals.samples = {Distribution(most_exact), Distribution(most_exact), Distribution(most_exact)};
  std::vector<Nanos> values;
  for (Nanos value = first; value <= last; ++value) values.push_back(value * 1000);
  totals.samples.latency.add(values);
  totals.samples.lag.add(std::vector<Nanos>{first});
  totals.error_replies.latency.add(std::vector<Nanos>{last});
  totals.counts.ok = totals.counts.sent = totals.counts.planned = last - first + 1;
  totals.counts.statuses[200] = totals.counts.ok;
  totals.warnings = {"careful"};
  return totals;
}

}  // namespace

TEST_CASE("totals of two processes add up to those of one load") {
  for (const std::size_t most_exact : {std::size_t{10'000}, std::size_t{100}}) {
    LoadTotals whole = totals_of(1, 1000, most_exact);
    LoadTotals here = totals_of(1, 400, most_exact);
    const LoadTotals there = totals_of(401, 1000, most_exact);
    add_bytes(to_bytes(there), here);
    CHECK(here.counts.ok == 1000);
    CHECK(here.counts.statuses[200] == 1000);
    CHECK(here.counts.books().adds_up());
    CHECK(here.samples.latency.size() == 1000);
    CHECK(here.samples.latency.max() == 1'000'000);
    for (const double q : {0.01, 0.5, 0.9, 0.99})
      CHECK(here.samples.latency.quantile(q) == whole.samples.latency.quantile(q));
    CHECK(here.samples.uncorrected.size() == 0);
    CHECK(here.samples.lag.size() == 2);
    CHECK(here.error_replies.latency.size() == 2);
    CHECK(here.warnings.size() == 2);
  }
}
