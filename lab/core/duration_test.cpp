#include "lab/core/clock.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace lab;

namespace {

std::string error_of(std::string_view text) {
  const auto span = parse_duration(text);
  return span ? "no error" : span.error().message;
}

}  // namespace

TEST_CASE("An estimate has the two digits that it is good for") {
  CHECK(format_estimate(15'610 * kMillisecond) == "16 s");
  CHECK(format_estimate(1'260 * kMillisecond) == "1.3 s");
  CHECK(format_estimate(754 * kSecond) == "12 min 30 s");
  CHECK(format_estimate(0) == "0 s");
}

TEST_CASE("A duration is a number and a unit") {
  CHECK(parse_duration("100ms").value() == 100 * kMillisecond);
  CHECK(parse_duration("1.5s").value() == 1500 * kMillisecond);
  CHECK(parse_duration("200us").value() == 200 * kMicrosecond);
  CHECK(parse_duration("50ns").value() == 50);
  CHECK(parse_duration("2min").value() == 120 * kSecond);
  CHECK(parse_duration("1h").value() == 3600 * kSecond);
  CHECK(parse_duration("0.1s").value() == 100 * kMillisecond);  // no dust from binary fractions
  CHECK(parse_duration("0").value() == 0);
  CHECK(parse_duration("0ms").value() == 0);
}

TEST_CASE("A duration is read with blanks, a decimal comma and either sign for micro") {
  for (const char* text : {"100 ms", " 100ms ", "0.1s", "0.1 s", "0,1s", "0,1 s", "0,100 s", "100000us",
                           "100000 \u00b5s", "100000\u03bcs", "100\tms"}) {
    INFO(text);
    CHECK(parse_duration(text).value() == 100 * kMillisecond);
  }
  CHECK(parse_duration("1,5s").value() == 1500 * kMillisecond);
  CHECK(parse_duration(format_duration(400 * kMicrosecond)).value() == 400 * kMicrosecond);
}

TEST_CASE("A comma that may separate thousands is refused with both readings") {
  CHECK(error_of("1,000 ms") == "'1,000 ms' can be read in two ways; write 1000ms or 1.000ms");
  CHECK(error_of("12,500us") == "'12,500us' can be read in two ways; write 12500us or 12.500us");
}

TEST_CASE("A bare number is refused with the fix") {
  CHECK(error_of("100") == "'100' has no unit; write 100ms or 100s");
  CHECK(error_of("0,1") == "'0,1' has no unit; write 0,1ms or 0,1s");
  CHECK(parse_duration("100").error().kind == ErrorKind::usage);
}

TEST_CASE("Negative, absurd and unreadable durations are refused, each with its reason") {
  CHECK_THAT(error_of("-5ms"), Catch::Contains("is negative"));
  CHECK_THAT(error_of("11000000h"), Catch::Contains("more than ten years"));
  CHECK_THAT(error_of("1e300s"), Catch::Contains("more than ten years"));
  CHECK_THAT(error_of("5msec"), Catch::Contains("unknown unit"));
  CHECK_THAT(error_of("5MS"), Catch::Contains("unknown unit"));
  for (const char* text : {"", "ms", "fast", "nan", "inf", "infs", "nans", "1e999s", "+5ms", "0x10ms",
                           "1 000ms", "2-3s", "1,2,3s"}) {
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("A pasted megabyte does not come back in the message") {
  CHECK(error_of(std::string(1'000'000, 'x')).size() < 200);
  CHECK(error_of(std::string(1'000'000, '1')).size() < 200);
}

TEST_CASE("Seconds become nanoseconds as far as those can be counted") {
  CHECK(to_nanos(0.1) == 100 * kMillisecond);
  CHECK(to_nanos(-1.5) == -1500 * kMillisecond);
  CHECK(to_nanos(1e-9 * 0.6) == 1);
  CHECK(to_nanos(1e6 * 10 * 365 * 86400) == kNever);
  CHECK(to_nanos(-1e300) == -kNever);
  CHECK(to_nanos(std::numeric_limits<double>::infinity()) == kNever);
  CHECK(to_nanos(std::numeric_limits<double>::quiet_NaN()) == 0);
}

TEST_CASE("A span is written as people read it") {
  CHECK(format_duration(0) == "0 s");
  CHECK(format_duration(50) == "50 ns");
  CHECK(format_duration(400 * kMicrosecond) == "400 µs");
  CHECK(format_duration(1500) == "1.5 µs");
  CHECK(format_duration(100 * kMillisecond) == "100 ms");
  CHECK(format_duration(1003 * kMillisecond) == "1.003 s");
  CHECK(format_duration(2500 * kSecond) == "41 min 40 s");
  CHECK(format_duration(100'000 * kSecond) == "27 h 46 min");
  CHECK(format_duration(25'000 * kSecond) == "6 h 56 min");
  CHECK(format_duration(10 * 86'400 * kSecond) == "10 d 0 h");
  CHECK(format_duration(-100 * kMillisecond) == "-100 ms");
}

TEST_CASE("A span just below the next unit is not written with an exponent or as sixty") {
  CHECK(format_duration(999'600) == "1 ms");
  CHECK(format_duration(999'400) == "999 µs");
  CHECK(format_duration(999'600'000) == "0.9996 s");
  CHECK(format_duration(3'599'600 * kMillisecond) == "1 h 0 min");
  CHECK(format_duration(119'700 * kMillisecond) == "2 min 0 s");
}

TEST_CASE("What is spelt for a file is read back exactly") {
  CHECK(format_duration_literal(100 * kMillisecond) == "100ms");
  CHECK(format_duration_literal(1500 * kMicrosecond) == "1500us");
  CHECK(format_duration_literal(5 * kSecond) == "5s");
  CHECK(format_duration_literal(0) == "0ms");
  for (const Nanos span :
       {Nanos{1}, Nanos{999}, Nanos{1000}, Nanos{1'234'567}, 90 * 60 * kSecond, 7 * kMillisecond}) {
    CHECK(parse_duration(format_duration_literal(span)).value() == span);
  }
}
