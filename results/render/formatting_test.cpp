#include "results/render/formatting.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {
std::string spelled(double seconds) {
  return quantity(seconds, time_unit(seconds));
}
}  // namespace

TEST_CASE("Times are spelled with three or four digits in the unit that suits them") {
  CHECK(spelled(0) == "0.000 s");
  CHECK(spelled(1.003) == "1.003 s");
  CHECK(spelled(0.1) == "0.100 s");
  CHECK(spelled(0.0999999) == "0.100 s");
  CHECK(spelled(99.9999) == "100.0 s");
  CHECK(spelled(125) == "125.0 s");
  CHECK(spelled(5000) == "5000 s");
  CHECK(spelled(0.0523) == "52.3 ms");
  CHECK(spelled(0.0053) == "5.30 ms");
  CHECK(spelled(0.00041) == "0.410 ms");
  CHECK(spelled(0.0000081) == "8.1 µs");
}

TEST_CASE("A figure far beyond its row's unit brings its own") {
  CHECK(number(0.004, time_unit(0.0004)) == "4.000");
  CHECK(number(500, time_unit(0.0004)) == "500.0 s");
}

TEST_CASE("Plain numbers keep what they need") {
  CHECK(quantity(100, plain_unit(100)) == "100");
  CHECK(quantity(0.49, plain_unit(0.49)) == "0.490");
  CHECK(quantity(17234.5, plain_unit(17234.5)) == "17234");
}

TEST_CASE("Long predictions are given in minutes, hours, days and years") {
  CHECK(long_time(0.1) == "0.100 s");
  CHECK(long_time(2500) == "41 min 40 s");
  CHECK(long_time(25'000) == "6 h 56 min");
  CHECK(long_time(1e12) == "31688 years");
}

TEST_CASE("Memory is given in megabytes and gigabytes") {
  CHECK(memory(8e9) == "8 GB");
  CHECK(memory(1.25e9) == "1.2 GB");
  CHECK(memory(120e6) == "120 MB");
  CHECK(memory(40e9) == "40 GB");
}

TEST_CASE("A documented figure loses its unit only beside seconds") {
  CHECK(without_unit("~1.1s", time_unit(1)) == "~1.1");
  CHECK(without_unit("~1.1 s", time_unit(1)) == "~1.1");
  CHECK(without_unit("~30ms", time_unit(1)) == "~30ms");
  CHECK(without_unit("~1.1s", time_unit(0.001)) == "~1.1s");
  CHECK(without_unit("several", time_unit(1)) == "several");
}

TEST_CASE("Verdicts are spoken of the measurement") {
  CHECK(verdict_word(Verdict::reproduced) == "agrees");
  CHECK(verdict_word(Verdict::slower) == "ran slower");
  CHECK(verdict_word(Verdict::impossible) == "impossible");
  CHECK(verdict_word(Verdict::instrument_fault) == "instrument fault");
  CHECK(verdict_word(Verdict::none).empty());
}
