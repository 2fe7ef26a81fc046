#include "lab/servers/steps/process_pool.hpp"

#include <catch2/catch.hpp>

#include "lab/servers/steps/wire.hpp"

namespace lab {

TEST_CASE("a step reaches a member of the process pool as it was sent") {
  for (const Step& step : {Step{Wait{5}}, Step{Compute{1, Work::file_read, 9, "/a file"}},
                           Step{CallUpstream{7, false}}, Step{Query{3, "select 'x'"}}, Step{Query{3}}}) {
    const auto order = from_bytes<LeafOrder>(to_bytes(LeafOrder{step, 42}));
    CHECK(order.begun == 42);
    CHECK(describe({order.step}) == describe({step}));
  }
  const std::string order = to_bytes(LeafOrder{{Compute{1, Work::spin, 9, "f"}}, 0});
  const auto compute = std::get<Compute>(from_bytes<LeafOrder>(order).step.action);
  CHECK(compute.units == 9);
  CHECK(compute.file == "f");
}

TEST_CASE("a fault comes back with its reason, cut to what a message holds") {
  const std::string message = write_end({{503, std::string(100'000, 'x')}});
  CHECK(message.size() <= kMaxMessageBytes);
  CHECK(from_bytes<LeafEnd>(message).fault.status == 503);
  CHECK(from_bytes<LeafEnd>(message).fault.reason.size() > kMaxMessageBytes / 2);
}

TEST_CASE("what a member computed comes back with its thread's CPU time and its units") {
  const LeafEnd end = from_bytes<LeafEnd>(write_end({{}, 42, 7}));
  CHECK(end.fault.none());
  CHECK(end.fault.reason.empty());
  CHECK(end.cpu == 42);
  CHECK(end.units == 7);
}

}  // namespace lab
