#include <catch2/catch.hpp>

#include "harness/statistics/statistics.hpp"

namespace lab {
namespace {

const std::vector<Route> kRoutes{{"slow", "GET", "/slow", {}}, {"ping", "GET", "/ping", {}}};

RequestRecord answered(std::uint32_t route, Nanos intended, Nanos received) {
  RequestRecord record;
  record.route = route;
  record.intended = intended;
  record.sent = intended + 1 * kMillisecond;
  record.read = intended + 3 * kMillisecond;
  record.started = intended + 6 * kMillisecond;
  record.finished = intended + 10 * kMillisecond;
  record.received = received;
  record.status = 200;
  record.outcome = Outcome::ok;
  return record;
}

RequestRecord ended(Outcome outcome, std::uint16_t status = 0) {
  RequestRecord record = answered(0, 50 * kSecond, 99 * kSecond);
  record.outcome = outcome;
  record.status = status;
  return record;
}

std::optional<double> value(std::string_view stat, const std::vector<RequestRecord>& records) {
  return evaluate(parse_stat(stat).value(), RepetitionData{records, kRoutes});
}

TEST_CASE("the parts of the latency add up to it") {
  const std::vector<RequestRecord> records{answered(0, kSecond, kSecond + 15 * kMillisecond)};
  CHECK(value("lag.max", records) == Approx(0.001));
  CHECK(value("unread.max", records) == Approx(0.002));
  CHECK(value("runnable.max", records) == Approx(0.003));
  CHECK(value("service.max", records) == Approx(0.004));
  CHECK(value("reply.max", records) == Approx(0.005));
  CHECK(value("latency.max", records) == Approx(0.015));
}

TEST_CASE("makespan runs from the first sent to the last received of the ok replies") {
  const std::vector<RequestRecord> records{answered(0, 2 * kSecond, 4 * kSecond),
                                           answered(1, kSecond, 3 * kSecond), ended(Outcome::timeout),
                                           ended(Outcome::unsent)};
  CHECK(value("makespan", records) == Approx(2.999));
  CHECK(value("slow.makespan", records) == Approx(1.999));
  CHECK(value("throughput", records) == Approx(2 / 2.999));
}

TEST_CASE("a route narrows the stat, and one that nobody asked for has none") {
  const std::vector<RequestRecord> records{answered(0, kSecond, 2 * kSecond),
                                           answered(1, kSecond, 3 * kSecond)};
  CHECK(value("slow.latency.max", records) == Approx(1));
  CHECK(value("ping.latency.min", records) == Approx(2));
  CHECK(value("latency.mean", records) == Approx(1.5));
  CHECK(value("latency.median", records) == Approx(1.5));
  CHECK_FALSE(value("other.latency.max", records).has_value());
}

TEST_CASE("percentiles need the requests that carry them") {
  std::vector<RequestRecord> records;
  for (int i = 1; i <= 28; ++i) records.push_back(answered(0, kSecond, kSecond + i * 20 * kMillisecond));
  CHECK_FALSE(value("latency.p90", records).has_value());
  records.push_back(answered(0, kSecond, kSecond + 29 * 20 * kMillisecond));
  CHECK(value("latency.p90", records) == Approx(27 * 0.020));
}

TEST_CASE("shares and counts are of the requests that were sent") {
  const std::vector<RequestRecord> records{answered(0, kSecond, 2 * kSecond), ended(Outcome::bad_status, 404),
                                           ended(Outcome::reset), ended(Outcome::unfinished),
                                           ended(Outcome::unsent)};
  CHECK(value("share(status=404)", records) == Approx(0.25));
  CHECK(value("share(error)", records) == Approx(0.5));
  CHECK(value("count(error)", records) == Approx(2));
  CHECK(value("count(status=200)", records) == Approx(1));
  CHECK(value("count", records) == Approx(1));
  CHECK(value("ping.count", records) == Approx(0));
  CHECK_FALSE(value("ping.share(error)", records).has_value());
}

TEST_CASE("where nothing was answered no time is made up") {
  const std::vector<RequestRecord> records{ended(Outcome::timeout)};
  CHECK_FALSE(value("makespan", records).has_value());
  CHECK_FALSE(value("throughput", records).has_value());
  CHECK_FALSE(value("latency.max", records).has_value());
}

TEST_CASE("stamps that a foreign server does not give leave their parts out") {
  RequestRecord foreign = answered(0, kSecond, 2 * kSecond);
  foreign.read = foreign.started = foreign.finished = 0;
  CHECK_FALSE(value("unread.max", {foreign}).has_value());
  CHECK_FALSE(value("service.max", {foreign}).has_value());
  CHECK_FALSE(value("reply.max", {foreign}).has_value());
  CHECK(value("latency.max", {foreign}) == Approx(1));
}

TEST_CASE("in virtual time zero is a time") {
  RequestRecord virtual_record;
  virtual_record.finished = virtual_record.received = 100 * kMillisecond;
  virtual_record.outcome = Outcome::ok;
  CHECK(value("unread.max", {virtual_record}) == Approx(0));
  CHECK(value("service.max", {virtual_record}) == Approx(0.1));
  CHECK(value("makespan", {virtual_record}) == Approx(0.1));
}

}  // namespace
}  // namespace lab
