#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>

#include "lab/servers/steps/execution.hpp"
#include "lab/servers/steps/leaf.hpp"
#include "lab/servers/supervisor/server.hpp"
#include "lab/servers/testing/step_client.hpp"

namespace lab {

using test::Answer;
using test::ask;
using test::count_of;
using test::every_mode;
using test::has;
using test::kShort;
using test::loop_handlers;
using test::RawClient;
using test::setup_for;
using test::status_of;
using test::steps_of;

TEST_CASE("every execution model does every kind of work", "[sockets]") {
  for (const Mode* mode : every_mode()) {
    Plan plan;
    for (std::size_t kind = 0; kind < kWorkKinds; ++kind)
      plan.push_back({.action = Compute{.work = static_cast<Work>(kind), .units = 3}});
    for (const bool gil : {false, true}) {
      INFO(mode->traits.name << (gil ? " with a GIL" : ""));
      ServerSetup setup = setup_for(*mode, plan);
      setup.arm.gil = gil;
      const Answer answer = ask(setup);
      CHECK(status_of(answer.reply) == 200);
      CHECK(steps_of(answer.events) == "b0 e0 b1 e1 b2 e2 b3 e3 b4 e4 b5 e5 b6 e6 b7 e7 finished replied");
    }
  }
}

TEST_CASE("what a handler leaves for later runs after its reply", "[sockets]") {
  for (const Mode* mode : every_mode()) {
    INFO(mode->traits.name);
    const Answer answer = ask(setup_for(*mode, {{Background{{{kShort}, {kShort, true}}}}, {kShort}}));
    CHECK(status_of(answer.reply) == 200);
    CHECK(steps_of(answer.events) == "b3 e3 finished replied b1 e1 b2 e2");
  }
}

TEST_CASE("dependencies run before the handler, and count as part of it", "[sockets]") {
  for (const Mode* mode : every_mode()) {
    INFO(mode->traits.name);
    ServerSetup setup = setup_for(*mode, {{kShort}});
    setup.routes[0].depends = {{{{kShort}}, false}, {{{kShort}}, true}};
    const Answer answer = ask(setup);
    CHECK(status_of(answer.reply) == 200);
    CHECK(steps_of(answer.events) == "b0 e0 b1 e1 b2 e2 finished replied");
    const auto started = std::find_if(answer.events.begin(), answer.events.end(),
                                      [](const Event& e) { return e.kind == EventKind::started; });
    const auto first_step = std::find_if(answer.events.begin(), answer.events.end(),
                                         [](const Event& e) { return e.kind == EventKind::step_begin; });
    CHECK(started->at <= first_step->at);
    CHECK(count_of(answer.events, EventKind::started) == 1);
  }
}

TEST_CASE("repeated steps keep their place, and very many are reported once", "[sockets]") {
  for (const Mode* mode : every_mode()) {
    INFO(mode->traits.name);
    const Answer some = ask(setup_for(*mode, {{Repeat{2, {{kShort}, {Compute{.units = 1}}}}}}));
    CHECK(steps_of(some.events) == "b1 e1 b2 e2 b1 e1 b2 e2 finished replied");
    const Answer many = ask(setup_for(*mode, {{Repeat{257, {{Compute{.units = 1}}}}}, {kShort}}));
    CHECK(steps_of(many.events) == "b0 e0 b2 e2 finished replied");
  }
}

TEST_CASE("gathered branches run at once where the handler can, each beginning in its turn", "[sockets]") {
  const Plan plan{{Gather{{{{Wait{5 * kMillisecond}}}, {{kShort}}}}}, {kShort}};
  for (const Mode* mode : loop_handlers()) {
    INFO(mode->traits.name);
    const Answer answer = ask(setup_for(*mode, plan));
    CHECK(status_of(answer.reply) == 200);
    const bool blocks = mode->traits.waiting == Resource::loop;
    if (blocks) CHECK(steps_of(answer.events) == "b1 e1 b2 e2 b3 e3 finished replied");
    if (mode->traits.waiting == Resource::nothing)
      CHECK(steps_of(answer.events) == "b1 b2 e2 e1 b3 e3 finished replied");
    CHECK(steps_of(answer.events).ends_with("b3 e3 finished replied"));
  }
}

TEST_CASE("a pooled function runs in one thread from its first step to its last", "[sockets]") {
  for (const Mode* mode : loop_handlers()) {
    INFO(mode->traits.name);
    const Answer answer = ask(setup_for(*mode, {{Pooled{{{kShort}, {Compute{.units = 1}}}}}}));
    CHECK(steps_of(answer.events) == "b1 e1 b2 e2 finished replied");
    CHECK(std::count_if(answer.events.begin(), answer.events.end(), [](const Event& e) {
            return e.kind == EventKind::acquire && e.resource == Resource::pool;
          }) == 1);
  }
}

TEST_CASE("what is forgotten is not done, what is ready suspends nothing, a yield gives the loop back",
          "[sockets]") {
  const auto held = [](const Answer& answer) {
    return std::count_if(answer.events.begin(), answer.events.end(), [](const Event& e) {
      return e.kind == EventKind::acquire && e.resource == Resource::loop;
    });
  };
  for (const Mode* mode : loop_handlers()) {
    INFO(mode->traits.name);
    const Answer forgotten = ask(setup_for(*mode, {{Forget{{{Wait{3600 * kSecond}}}}}}));
    CHECK(status_of(forgotten.reply) == 200);
    CHECK(steps_of(forgotten.events) == "forgotten finished replied");
    CHECK(held(ask(setup_for(*mode, {{Ready{}}, {Ready{}}}))) == 1);
    CHECK(held(ask(setup_for(*mode, {{Yield{}}, {Yield{}}}))) == 3);
  }
}

TEST_CASE("computing with a GIL is never done by two at once", "[sockets]") {
  for (const char* name : {"thread-pool", "offload", "thread-per-request"}) {
    INFO(name);
    ServerSetup setup = setup_for(*find_mode(name), {{Compute{.duration = 12 * kMillisecond}}});
    setup.arm.gil = true;
    auto rings = EventRings::create(1, 1 << 14);
    auto server = Server::start(setup, &*rings);
    REQUIRE(server.has_value());
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 1; i <= 3; ++i) {
      clients.push_back(std::make_unique<RawClient>(server->port()));
      clients.back()->send("GET /it HTTP/1.1\r\nHost: lab\r\nLab-Request: " + std::to_string(i) + "\r\n\r\n");
    }
    for (const auto& client : clients) CHECK(status_of(client->reply()) == 200);
    CHECK(server->stop(test::kPatience));
    Events all;
    rings->drain(all);
    std::stable_sort(all.begin(), all.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
    std::uint32_t holder = 0;
    int changes = 0;
    bool one = true;
    for (const Event& event : all) {
      if (event.resource != Resource::gil) continue;
      one &= event.kind == EventKind::acquire ? holder == 0 : holder == event.request;
      holder = event.kind == EventKind::acquire ? event.request : 0;
      ++changes;
    }
    CHECK(one);
    CHECK(changes >= 6);
  }
}

TEST_CASE("what a mode cannot do, or has nothing to do it with, is bad usage that names the route") {
  const auto fault_of = [](const char* mode, const Plan& plan) {
    const auto fault = find_fault(setup_for(*find_mode(mode), plan));
    return fault ? fault->message : std::string();
  };
  for (const Plan& plan : {Plan{{Gather{}}}, Plan{{Yield{}}}, Plan{{Ready{}}}, Plan{{Forget{}}},
                           Plan{{Pooled{}}}, Plan{{Enqueue{}}}, Plan{{FetchResult{}}}}) {
    CHECK(has(fault_of("thread-pool", plan), "route 'it'"));
    CHECK(has(fault_of("thread-per-request", plan), "use async-loop"));
    CHECK(fault_of("async-loop", plan).empty());
  }
  CHECK(has(fault_of("async-loop", {{Pooled{{{Gather{}}}}}}), "gather"));
  CHECK(has(fault_of("async-loop", {{CallUpstream{}}}), "upstream"));
  CHECK(has(fault_of("async-loop", {{Repeat{3, {{Query{}}}}}}), "--postgres"));
  ServerSetup setup = setup_for(*find_mode("async-loop"), {{Increment{}}});
  setup.arm.shared_counters = true;
  CHECK(find_fault(setup)->kind == ErrorKind::usage);
  setup = setup_for(*find_mode("thread-pool"), {});
  setup.arm.pool_processes = true;
  CHECK(find_fault(setup)->kind == ErrorKind::usage);
  Plan deep{{Wait{}}};
  for (int i = 0; i < 100; ++i) deep = {{Repeat{1, deep}}};
  CHECK(has(fault_of("async-loop", deep), "deep"));
}

TEST_CASE(
    "a step may take its own time, longer where it asks somebody else, and a loop of steps is no step") {
  CHECK(longest_step({}) == 0);
  CHECK(longest_step({{Repeat{100, {{Wait{3}}, {Wait{7}}}}}, {Compute{5}}}) == 7);
  CHECK(longest_step({{CallUpstream{9}}}) == 9 + kUpstreamPatience);
  CHECK(longest_step({{Query{9}}}) > longest_step({{Increment{}}}));
}

TEST_CASE("a worker is busy while a handler holds its loop or a thread, and not while it waits") {
  Progress progress;
  CHECK_FALSE(progress.busy_since());
  {
    const Progress::Hold hold(progress, Resource::loop);
    CHECK(progress.busy_since());
    progress.mark(42);
    CHECK(*progress.busy_since() == 42);
    progress.end(Resource::loop);  // its handler awaits
    CHECK_FALSE(progress.busy_since());
  }
  progress.begin(Resource::pool);
  progress.begin(Resource::thread);
  progress.end(Resource::pool);
  CHECK(progress.busy_since());
  progress.end(Resource::thread);
  CHECK_FALSE(progress.busy_since());
}

}  // namespace lab
