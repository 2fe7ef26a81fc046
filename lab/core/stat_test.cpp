#include "lab/core/stat.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

std::string stat_error(std::string_view text) {
  const auto stat = parse_stat(text);
  return stat ? "no error" : stat.error().message;
}

}  // namespace

TEST_CASE("A stat names a route, a quantity and an aggregate") {
  const Stat stat = parse_stat("ping.latency.max").value();
  CHECK(stat.route == "ping");
  CHECK(stat.quantity == Stat::Quantity::latency);
  CHECK(stat.aggregate == Stat::Aggregate::max);
  CHECK_FALSE(stat.status);
  CHECK_FALSE(stat.errors);
}

TEST_CASE("Every stat is spelt back as it was read") {
  for (const char* text :
       {"makespan", "throughput", "slow.makespan", "latency.max", "ping.latency.p99", "lag.min",
        "unread.mean", "runnable.median", "a.service.p90", "reply.p95", "count", "count(error)",
        "result.share(status=404)", "share(error)", "slow.count(status=503)", "slow.throughput"}) {
    const auto stat = parse_stat(text);
    REQUIRE(stat.has_value());
    CHECK(to_string(*stat) == text);
    CHECK(parse_stat(to_string(*stat)).value() == *stat);
  }
}

TEST_CASE("A filter is a status or the failed requests") {
  CHECK(parse_stat("share(status=404)").value().status == 404);
  CHECK(parse_stat("count(error)").value().errors);
  for (const char* text : {"share(status=)", "share(status=99)", "share(status=600)", "share(status=4x4)",
                           "share()", "share(status=-1)", "share(errors)"}) {
    CHECK_THAT(stat_error(text), Catch::Contains("is not a filter; write (status=404) or (error)"));
  }
}

TEST_CASE("An unknown quantity is answered with the nearest one") {
  CHECK_THAT(stat_error("ping.latecy.max"),
             Catch::Contains("unknown quantity 'latecy' (did you mean 'latency'?"));
  CHECK(parse_stat("ping.latecy.max").error().kind == ErrorKind::usage);
}

TEST_CASE("Times of single requests need an aggregate, the rest takes none") {
  CHECK_THAT(stat_error("ping.latency"), Catch::Contains("needs an aggregate: ping.latency.max"));
  CHECK_THAT(stat_error("makespan.max"), Catch::Contains("makespan takes no aggregate"));
  CHECK_THAT(stat_error("throughput.p99"), Catch::Contains("takes no aggregate"));
}

TEST_CASE("Only share and count take a filter, and share needs one") {
  CHECK_THAT(stat_error("makespan(error)"), Catch::Contains("only share and count take a filter"));
  CHECK_THAT(stat_error("share"), Catch::Contains("needs a filter"));
}

TEST_CASE("What is left over or left out is refused") {
  CHECK_THAT(stat_error("a.b.latency.max"), Catch::Contains("too many parts"));
  CHECK_THAT(stat_error("max"), Catch::Contains("names no quantity"));
  CHECK_THAT(stat_error(".latency.max"), Catch::Contains("the route before the '.' is missing"));
  CHECK_THAT(stat_error("share(error"), Catch::Contains("the ')' is missing"));
  CHECK_THAT(stat_error("share(error).max"), Catch::Contains("the ')' is missing"));
  for (const char* text :
       {"", ".", "..", "(", ")", "()", "latency.", "latency.max.", "latency)", "(error)"}) {
    CHECK_FALSE(parse_stat(text).has_value());
  }
}

TEST_CASE("Stats of times are distinguished from plain numbers") {
  for (const char* text : {"makespan", "latency.max", "reply.min"}) CHECK(parse_stat(text).value().is_time());
  for (const char* text : {"throughput", "count", "share(error)"})
    CHECK_FALSE(parse_stat(text).value().is_time());
}
