#include "lab/servers/steps/work.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "lab/servers/steps/leaf.hpp"

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

TEST_CASE(
    "a step runs the units that were asked for, once, and work done twice is not taken for a slow core") {
  for (const Work work : {Work::spin, Work::sqrt_sum, Work::qr_code, Work::inference}) {
    const Step step{Compute{.duration = kMillisecond, .work = work, .units = 7}};
    const LeafEnd end = run_leaf(step, 0, {});
    INFO(to_string(work));
    CHECK(end.fault.none());
    CHECK(end.units == 7);
    CHECK(run_leaf(step, 0, {.between = [] {}}).units == 7);
  }
  CHECK(run_leaf({Wait{0}}, 0, {}).units == 0);
  const Compute asked{.duration = 10 * kMillisecond, .units = 100};
  CHECK(pace_of(asked, {{}, 20 * kMillisecond, 100}) == Approx(2));
  CHECK(pace_of(asked, {{}, 20 * kMillisecond, 200}) == Approx(1));
  CHECK(pace_of(asked, {{}, 20 * kMillisecond, 0}) == 0);
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

TEST_CASE("a QR code is a square with its three corners, dark on white") {
  const std::vector<std::string> rows = qr_code_of("http://192.168.1.20:8080/").value();
  REQUIRE(rows.size() >= 21);
  const std::size_t end = rows.size() - 7;
  for (const std::string& row : rows) {
    CHECK(row.size() == rows.size());
    CHECK(row.find_first_not_of("01") == std::string::npos);
  }
  for (const auto& [top, left] : {std::pair<std::size_t, std::size_t>{0, 0}, {0, end}, {end, 0}}) {
    CHECK(rows[top].substr(left, 7) == "1111111");
    CHECK(rows[top + 1].substr(left, 7) == "1000001");
    CHECK(rows[top + 3].substr(left, 7) == "1011101");
  }
  CHECK_FALSE(qr_code_of(std::string(4'000, 'x')).has_value());
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

TEST_CASE("a pause of the machine in any try of the calibration is not taken for work") {
  constexpr Nanos kOnce = 100 * kMicrosecond;
  constexpr Nanos kUnit = 5 * kMicrosecond;
  std::mt19937 random(1);
  std::uniform_int_distribution<Nanos> late(0, 50 * kMicrosecond);
  for (const Nanos pause : {Nanos{0}, 3 * kMillisecond, 100 * kMillisecond}) {
    for (int paused = 0; paused < 20; ++paused) {
      INFO(pause << " ns in try " << paused);
      int tries = 0;
      const auto rate = units_per_second([&](std::int64_t units) -> Result<Nanos> {
        return kOnce + (units - 1) * kUnit + late(random) + (tries++ == paused ? pause : 0);
      });
      REQUIRE(rate.has_value());
      CHECK(*rate == Approx(1e9 / kUnit).epsilon(0.03));
    }
  }
}

TEST_CASE("a unit that takes longer than a whole calibration wants is measured as well") {
  const auto rate = units_per_second([](std::int64_t units) -> Result<Nanos> { return units * kSecond; });
  REQUIRE(rate.has_value());
  CHECK(*rate == Approx(1));
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
