#include "lab/servers/work.hpp"

#include <catch2/catch.hpp>

namespace lab {
namespace {

Compute units_of(Work work, std::int64_t units) {
  return {.duration = 0, .work = work, .units = units};
}

}  // namespace

TEST_CASE("every kind of work runs, none and many units alike") {
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind) {
    for (const std::int64_t units : {0, 1, 2, 7}) {
      INFO(to_string(static_cast<Work>(kind)) << " x " << units);
      CHECK(run_work(units_of(static_cast<Work>(kind), units), {}).has_value());
    }
  }
}

TEST_CASE("long work pauses between small groups of units, which are counted and not timed") {
  int pauses = 0;
  const auto pause = [&pauses] { ++pauses; };
  CHECK(run_work(units_of(Work::spin, 100'000), pause).has_value());
  CHECK(pauses == 4);
  pauses = 0;
  CHECK(run_work(units_of(Work::qr_code, 3), pause).has_value());
  CHECK(pauses == 2);
  pauses = 0;
  CHECK(run_work(units_of(Work::file_read, 20 << 20), pause).has_value());
  CHECK(pauses > 300);
}

TEST_CASE("a file that cannot be read is an error that names it") {
  Compute compute = units_of(Work::file_read, 10);
  compute.file = "/no/such/file";
  const auto missing = run_work(compute, {});
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().message.find("/no/such/file") != std::string::npos);
  compute.file = "/dev/zero";
  CHECK_FALSE(run_work(compute, {}).has_value());
}

TEST_CASE("only the kinds that routes compute with are calibrated, and once") {
  const std::vector<Route> routes{{"a",
                                   "GET",
                                   "/a",
                                   {{Repeat{2, {{Compute{kMillisecond}}}}}},
                                   {{{{Compute{0, Work::sqrt_sum, 5}}}, false}}}};
  const auto rates = calibrate(routes);
  REQUIRE(rates.has_value());
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind)
    CHECK(((*rates)[kind] > 0) == (kind <= static_cast<std::size_t>(Work::sqrt_sum)));
  CHECK(*calibrate(routes) == *rates);
  CHECK(measure_pace({}, *rates) == 1.0);
  CHECK(measure_pace(routes, *rates) > 0);
}

}  // namespace lab
