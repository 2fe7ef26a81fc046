#include "harness/client/load.hpp"

#include <catch2/catch.hpp>

namespace lab {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("a case needs a descriptor for each connection that is open at once") {
  Case load_case;
  load_case.loads = {{.arrivals = Arrivals::burst, .requests = 1000, .at = {}},
                     {.arrivals = Arrivals::closed, .requests = 5000, .clients = 20, .at = {}},
                     {.arrivals = Arrivals::constant, .requests = 500, .every = 1, .at = {}}};
  const DescriptorNeed need = descriptor_need(load_case);
  CHECK(need.least >= 1000 + 20 + 64);
  CHECK(need.least < 1000 + 20 + 64 + 100);
  CHECK(need.wished - need.least == 500 - 64);
}

TEST_CASE("the soft limit is raised as far as is wished and allowed, never lowered") {
  CHECK(choose_limit({100, 200}, 1024, 4096).value() == 1024);
  CHECK(choose_limit({2000, 3000}, 1024, 4096).value() == 3000);
  CHECK(choose_limit({2000, 9000}, 1024, 4096).value() == 4096);
  CHECK(choose_limit({4096, 4096}, 1024, 4096).value() == 4096);
}

TEST_CASE("a hard limit that is too low is reported with need, limit and remedy") {
  const auto chosen = choose_limit({10064, 10064}, 1024, 4096);
  REQUIRE_FALSE(chosen.has_value());
  CHECK(chosen.error().kind == ErrorKind::environment);
  CHECK_THAT(chosen.error().message, Contains("10064") && Contains("4096") && Contains("ulimit -n 10064"));
}

}  // namespace
}  // namespace lab
