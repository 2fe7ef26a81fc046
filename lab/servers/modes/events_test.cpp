#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <set>

#include "lab/servers/testing/test_client.hpp"

namespace lab {

using test::RawClient;

namespace {

constexpr Nanos kWait = 12 * kMillisecond;

/// What one request leaves in the ring, in order: `+loop` and `-loop` for acquire and release, else the
/// event's name.
using Trace = std::vector<std::string>;

const std::map<std::string_view, Trace> kTraces{
    {"blocking-loop", {"+loop", "read", "started", "step_begin", "step_end", "finished", "replied", "-loop"}},
    {"async-loop",
     {"+loop", "read", "started", "step_begin", "-loop", "+loop", "step_end", "finished", "replied",
      "-loop"}},
    {"thread-pool",
     {"+loop", "read", "-loop", "+pool", "started", "step_begin", "step_end", "finished", "-pool", "+loop",
      "replied", "-loop"}},
    {"offload",
     {"+loop", "read", "started", "-loop", "+pool", "step_begin", "step_end", "-pool", "+loop", "finished",
      "replied", "-loop"}},
    {"thread-per-request",
     {"+thread", "read", "started", "step_begin", "step_end", "finished", "replied", "-thread"}},
};

std::string word(const Event& event) {
  if (event.kind == EventKind::acquire) return "+" + std::string(to_string(event.resource));
  if (event.kind == EventKind::release) return "-" + std::string(to_string(event.resource));
  return std::string(to_string(event.kind));
}

struct Run {
  Events events;
  std::vector<std::uint16_t> ports;
};

ServerSetup slow_route(const Mode& mode, const Step& step, int workers) {
  ServerSetup setup;
  setup.routes = {{"slow", "GET", "/slow", {step}}};
  setup.arm.modes = {mode.traits};
  setup.arm.workers = workers;
  setup.arm.threads = 4;
  return setup;
}

/// Three requests at once, on connections that are open before.
Run run_three(const ServerSetup& setup) {
  auto rings = EventRings::create(setup.arm.workers, 4096);
  REQUIRE(rings.has_value());
  auto server = Server::start(setup, &*rings);
  REQUIRE(server.has_value());
  Run run;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawClient>(server->port()));
    run.ports.push_back(clients.back()->port());
  }
  for (int i = 0; i < 3; ++i)
    clients[static_cast<std::size_t>(i)]->send(
        "GET /slow HTTP/1.1\r\nHost: lab\r\nLab-Request: " + std::to_string(i + 1) + "\r\n\r\n");
  for (const auto& client : clients) CHECK(test::status_of(client->reply()) == 200);
  CHECK(server->stop(test::kPatience));
  rings->drain(run.events);
  CHECK(rings->dropped() == 0);
  std::stable_sort(run.events.begin(), run.events.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
  return run;
}

Run run_three(const Mode& mode, bool blocking_step, int workers) {
  return run_three(slow_route(mode, {Wait{kWait}, blocking_step}, workers));
}

Events of_request(const Events& events, std::uint32_t request) {
  Events some;
  std::copy_if(events.begin(), events.end(), std::back_inserter(some),
               [&](const Event& e) { return e.request == request; });
  return some;
}

Trace trace_of(const Events& events) {
  Trace trace;
  for (const Event& event : events) trace.push_back(word(event));
  return trace;
}

Nanos time_of(const Events& events, EventKind kind) {
  const auto found =
      std::find_if(events.begin(), events.end(), [&](const Event& event) { return event.kind == kind; });
  return found == events.end() ? -1 : found->at;
}

}  // namespace

TEST_CASE("each execution model leaves the trace of its row", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    if (mode->traits.uses(Resource::queue)) continue;  // its jobs run at any time later: task_queue_test.cpp
    for (const int workers : {1, 2}) {
      INFO(mode->traits.name << " x " << workers);
      const Run run = run_three(*mode, false, workers);
      for (std::uint32_t request = 1; request <= 3; ++request) {
        const Events events = of_request(run.events, request);
        CHECK(trace_of(events) == kTraces.at(mode->traits.name));
        CHECK(time_of(events, EventKind::step_end) - time_of(events, EventKind::step_begin) >= kWait);
        CHECK(std::all_of(events.begin(), events.end(),
                          [&](const Event& e) { return e.worker == events[0].worker; }));
      }
    }
  }
}

TEST_CASE("a blocking step keeps what its handler holds", "[sockets]") {
  const Trace held{"+loop", "read", "started", "step_begin", "step_end", "finished", "replied", "-loop"};
  for (const char* name : {"async-loop", "offload"}) {
    const Run run = run_three(*find_mode(name), true, 1);
    for (std::uint32_t request = 1; request <= 3; ++request)
      CHECK(trace_of(of_request(run.events, request)) == held);
  }
}

TEST_CASE("what computes reports how long by its thread's clock, in a pool's processes too", "[sockets]") {
  for (const char* name : {"async-loop", "blocking-loop", "thread-pool", "offload", "thread-per-request"}) {
    for (const bool processes : {false, true}) {
      ServerSetup setup = slow_route(*find_mode(name), {Compute{2 * kMillisecond}}, 1);
      if (processes && setup.arm.modes.front().name != "offload") continue;
      INFO(name << (processes ? " with processes" : ""));
      setup.arm.pool_processes = processes;
      setup.rates[static_cast<std::size_t>(Work::spin)] = 1e8;
      const Run run = run_three(setup);
      for (std::uint32_t request = 1; request <= 3; ++request) {
        const Events events = of_request(run.events, request);
        const auto reported = std::find_if(events.begin(), events.end(), [](const Event& event) {
          return event.kind == EventKind::computed;
        });
        REQUIRE(reported != events.end());
        CHECK(reported->value > 0);
        CHECK(std::count_if(events.begin(), events.end(),
                            [](const Event& event) { return event.kind == EventKind::computed; }) == 1);
      }
    }
  }
}

TEST_CASE("connections are accepted once each, with the client's port, before they are read", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    for (const int workers : {1, 2}) {
      INFO(mode->traits.name << " x " << workers);
      const Run run = run_three(*mode, false, workers);
      std::multiset<std::int64_t> accepted;
      for (const Event& event : run.events) {
        if (event.kind == EventKind::accepted) accepted.insert(event.value);
      }
      CHECK(accepted == std::multiset<std::int64_t>(run.ports.begin(), run.ports.end()));
      for (std::uint16_t slot = 0; slot < workers; ++slot) {
        Events of_slot;
        std::copy_if(run.events.begin(), run.events.end(), std::back_inserter(of_slot),
                     [&](const Event& e) { return e.worker == slot; });
        CHECK(time_of(of_slot, EventKind::accepted) <= time_of(of_slot, EventKind::read));
      }
    }
  }
}

TEST_CASE("a loop, a pool thread or a thread is held by one request at a time", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    INFO(mode->traits.name);
    const Run run = run_three(*mode, false, 1);
    std::map<std::pair<Resource, std::uint16_t>, std::int64_t> holder;  // -1: nobody
    for (const Event& event : run.events) {
      if (event.kind != EventKind::acquire && event.kind != EventKind::release) continue;
      const auto [held, first] = holder.try_emplace({event.resource, event.unit}, -1);
      if (event.kind == EventKind::acquire) {
        CHECK(held->second == -1);
        held->second = event.request;
      } else {
        CHECK(held->second == event.request);
        held->second = -1;
      }
    }
    for (const auto& [resource, request] : holder) CHECK(request == -1);
  }
}

TEST_CASE("the blocking loop is held for one whole wait after another", "[sockets]") {
  const Run run = run_three(*find_mode("blocking-loop"), false, 1);
  std::map<std::uint32_t, Nanos> since;
  std::set<std::uint32_t> waited_through;
  for (const Event& event : run.events) {
    if (event.resource != Resource::loop) continue;
    if (event.kind == EventKind::acquire) since[event.request] = event.at;
    if (event.kind == EventKind::release && event.at - since[event.request] >= kWait)
      waited_through.insert(event.request);
  }
  CHECK(waited_through == std::set<std::uint32_t>{1, 2, 3});
}

TEST_CASE("turns of the loop count its handlers", "[sockets]") {
  const Run run = run_three(*find_mode("async-loop"), false, 1);
  std::int64_t handlers = 0;
  std::int64_t turns = 0;
  for (const Event& event : run.events) {
    if (event.kind != EventKind::turn) continue;
    CHECK(event.value >= 0);
    handlers += event.value;
    ++turns;
  }
  CHECK(turns >= 2);
  // At least: three connections accepted, three requests read, three timers.
  CHECK(handlers >= 7);
}

TEST_CASE("a thread holds an idle connection as request 0", "[sockets]") {
  const Run run = run_three(*find_mode("thread-per-request"), false, 1);
  const Trace trace = trace_of(of_request(run.events, 0));
  const auto idle = std::count(trace.begin(), trace.end(), "+thread");
  CHECK(idle == std::count(trace.begin(), trace.end(), "-thread"));
  // After each reply; before a request only where the thread had to wait for it.
  CHECK(idle >= 3);
  CHECK(idle <= 6);
}

TEST_CASE("a thread goes from a request that ends its connection straight to the next that waits",
          "[sockets]") {
  ServerSetup setup;
  setup.routes = {{"slow", "GET", "/slow", {{Wait{kWait}}}}};
  setup.arm.modes = {find_mode("thread-per-request")->traits};
  setup.arm.threads = 1;
  auto rings = EventRings::create(1, 4096);
  REQUIRE(rings.has_value());
  auto server = Server::start(setup, &*rings);
  REQUIRE(server.has_value());
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 1; i <= 3; ++i) {
    clients.push_back(std::make_unique<RawClient>(server->port()));
    clients.back()->send("GET /slow HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nLab-Request: " +
                         std::to_string(i) + "\r\n\r\n");
  }
  for (const auto& client : clients) CHECK(client->closed_by_server());
  CHECK(server->stop(test::kPatience));
  Events events;
  rings->drain(events);
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
  Trace holds;
  for (const Event& event : events) {
    if (event.resource == Resource::thread)
      holds.push_back(word(event) + " " + std::to_string(event.request));
  }
  // The thread may have been there before the first client's bytes, not before the others'.
  if (holds.size() > 1 && holds.front() == "+thread 0") holds.erase(holds.begin(), holds.begin() + 2);
  CHECK(holds == Trace{"+thread 1", "-thread 1", "+thread 2", "-thread 2", "+thread 3", "-thread 3"});
}

}  // namespace lab
