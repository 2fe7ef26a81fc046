#include "harness/external/postgres.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "lab/servers/testing/step_client.hpp"

namespace lab {

using test::Answer;
using test::ask;
using test::every_mode;
using test::has;
using test::setup_for;
using test::status_of;
using test::steps_of;

TEST_CASE("every execution model asks a private PostgreSQL, on a new connection or one of its pool",
          "[sockets]") {
  if (postgres_programs().empty()) {
    WARN("skipped: postgresql is not installed");
    return;
  }
  const auto postgres = LocalPostgres::start();
  REQUIRE(postgres.has_value());
  for (const int connections : {0, 2}) {
    for (const Mode* mode : every_mode()) {
      INFO(mode->traits.name << ", " << connections << " connections");
      ServerSetup setup =
          setup_for(*mode, {{Query{kMillisecond}}, {Query{0, "select 1"}}, {Query{kMillisecond}, true}});
      setup.postgres = postgres->url();
      setup.arm.connections = connections;
      Answer answer = ask(setup);
      CHECK(status_of(answer.reply) == 200);
      CHECK(steps_of(answer.events) == "b0 e0 b1 e1 b2 e2 finished replied");
      const auto held = std::count_if(answer.events.begin(), answer.events.end(), [](const Event& e) {
        return e.kind == EventKind::acquire && e.resource == Resource::connection;
      });
      CHECK(held == (connections == 0 ? 0 : 3));
      setup.routes[0].plan = {{Query{0, "select no_such_column"}}};
      answer = ask(setup);
      CHECK(status_of(answer.reply) == 503);
      CHECK(has(answer.reply, "no_such_column"));
    }
  }
}

}  // namespace lab
