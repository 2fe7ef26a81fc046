#include "harness/model/program.hpp"

#include <catch2/catch.hpp>

#include "harness/model/testing/model_testing.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

/// Of a plan alone, on an arm without further settings.
RouteProgram compile_route(const Plan& plan, const Traits& traits, bool gil) {
  Route route;
  route.plan = plan;
  Arm arm;
  arm.gil = gil;
  QueueNames queues;
  return lab::compile_route(route, traits, arm, queues);
}

// `+loop` acquire, `-loop` release, `wait`, `cpu`, `reply`; stamps are left out.
std::string format_steps(const Plan& plan, const Traits& traits, bool gil = false) {
  std::string text;
  for (const MicroOp& op : compile_route(plan, traits, gil)) {
    const std::string name(to_string(op.resource));
    switch (op.kind) {
      case MicroOpKind::acquire: text += " +" + name; break;
      case MicroOpKind::release: text += " -" + name; break;
      case MicroOpKind::wait: text += " wait"; break;
      case MicroOpKind::cpu: text += " cpu"; break;
      case MicroOpKind::reply: text += " reply"; break;
      case MicroOpKind::close: text += op.resource == Resource::nothing ? "" : " =" + name; break;
      default: break;
    }
  }
  return text.substr(1);
}

}  // namespace

TEST_CASE("A plan is translated by the execution model's row alone") {
  const Plan plan{wait(1), cpu(2)};
  CHECK(format_steps(plan, kBlockingLoop) == "+loop wait cpu reply -loop");
  CHECK(format_steps(plan, kAsyncLoop) == "+loop -loop wait +loop cpu reply -loop");
  CHECK(format_steps(plan, kThreadPool) == "+loop -loop +pool wait cpu -pool +loop reply -loop");
  CHECK(format_steps(plan, kOffload) ==
        "+loop -loop +pool wait -pool +loop -loop +pool cpu -pool +loop reply -loop");
  CHECK(format_steps(plan, kThreads) == "+thread wait cpu reply =thread");
}

TEST_CASE("A blocking step keeps what the handler holds") {
  const Plan plan{blocking(wait(1)), blocking(cpu(2))};
  CHECK(format_steps(plan, kAsyncLoop) == "+loop wait cpu reply -loop");
  CHECK(format_steps(plan, kOffload) == "+loop wait cpu reply -loop");
}

TEST_CASE("The interpreter lock goes with code and is given back for waits") {
  const Plan plan{wait(1), cpu(2)};
  CHECK(format_steps(plan, kBlockingLoop, true) == "+loop +gil -gil wait +gil cpu reply -gil -loop");
  CHECK(format_steps(plan, kAsyncLoop, true) == "+loop +gil -gil -loop wait +loop +gil cpu reply -gil -loop");
  CHECK(format_steps(plan, kThreadPool, true) ==
        "+loop +gil -gil -loop +pool +gil -gil wait +gil cpu -gil -pool +loop +gil reply -gil -loop");
  CHECK(format_steps({cpu(2)}, kOffload, true) ==
        "+loop +gil -gil -loop +pool +gil cpu -gil -pool +loop +gil reply -gil -loop");
  CHECK(format_steps(plan, kThreads, true) == "+thread +gil -gil wait +gil cpu reply -gil =thread");
}

TEST_CASE("Every program releases what it acquires, innermost first") {
  const Plan plans[] = {
      {}, {wait(1)}, {cpu(1)}, {wait(1), blocking(cpu(1)), wait(0)}, {cpu(0), cpu(1), blocking(wait(1))}};
  const Resource all[] = {Resource::nothing, Resource::loop, Resource::pool, Resource::thread};
  for (const Plan& plan : plans) {
    for (const Resource handler : all) {
      for (const Resource waiting : all) {
        for (const Resource computing : all) {
          for (const bool gil : {false, true}) {
            const Traits traits{"any", "", "", handler, waiting, computing, Resource::nothing};
            std::vector<Resource> held;
            for (const MicroOp& op : compile_route(plan, traits, gil)) {
              if (op.kind == MicroOpKind::acquire) {
                REQUIRE(std::find(held.begin(), held.end(), op.resource) == held.end());
                held.push_back(op.resource);
              } else if (op.kind == MicroOpKind::release) {
                REQUIRE_FALSE(held.empty());
                REQUIRE(held.back() == op.resource);
                held.pop_back();
              } else if (op.kind == MicroOpKind::cpu && gil) {
                REQUIRE(held.back() == Resource::gil);
              } else if (op.kind == MicroOpKind::wait) {
                REQUIRE(std::find(held.begin(), held.end(), Resource::gil) == held.end());
              }
            }
            REQUIRE(held.empty());
          }
        }
      }
    }
  }
}

TEST_CASE("A demand says when a resource is needed first, for how long, and what follows") {
  const Demand demand =
      demand_of(compile_route({wait(100), blocking(wait(10)), cpu(5), wait(50)}, kAsyncLoop, false));
  CHECK(demand.length == 165);
  CHECK(demand.cpu);
  CHECK(demand.of(Resource::loop).head == 100);
  CHECK(demand.of(Resource::loop).work == 15);
  CHECK(demand.of(Resource::loop).tail == 50);
  CHECK(demand.of(Resource::loop).pieces == 1);
  CHECK(demand.of(Resource::core).head == 110);
  CHECK(demand.of(Resource::core).work == 5);
  CHECK(demand.of(Resource::pool).pieces == 0);
}
