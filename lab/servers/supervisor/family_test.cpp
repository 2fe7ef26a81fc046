#include "lab/servers/supervisor/family.hpp"

#include <catch2/catch.hpp>

namespace lab {

TEST_CASE("a worker that served for a while is restarted at once, however often") {
  RestartPolicy policy;
  for (Nanos now = 0; now < 100 * kMillisecond; now += kMillisecond)
    CHECK(policy.on_death(now, 2 * kSecond, true) == now);
}

TEST_CASE("the sixth young death within ten seconds is the last") {
  RestartPolicy policy;
  Nanos now = 5 * kSecond;
  CHECK(policy.on_death(now, 0, false) == now);
  for (const Nanos delay : {10, 20, 40, 80}) {
    const auto restart = policy.on_death(now, 0, false);
    REQUIRE(restart);
    CHECK(*restart == now + delay * kMillisecond);
    now = *restart;
  }
  CHECK_FALSE(policy.on_death(now, 0, false));
}

TEST_CASE("a death counts as young before the first reply, and within the first second") {
  for (const auto& [lived, replied] : {std::pair(5 * kSecond, false), std::pair(kSecond / 2, true)}) {
    RestartPolicy policy;
    for (int i = 0; i < 5; ++i) CHECK(policy.on_death(0, lived, replied));
    CHECK_FALSE(policy.on_death(0, lived, replied));
  }
}

TEST_CASE("young deaths are forgotten after ten seconds") {
  RestartPolicy policy;
  for (int i = 0; i < 100; ++i) CHECK(policy.on_death(i * 2500 * kMillisecond, 0, false));
}

}  // namespace lab
