#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "lab/servers/mode.hpp"
#include "lab/servers/testing/test_client.hpp"

namespace lab::test {

/// One request's reply and events, in order of time; without those of turns and connections.
struct Answer {
  std::string reply;
  Events events;
};

inline ServerSetup setup_for(const Mode& mode, const Plan& plan) {
  ServerSetup setup;
  setup.routes = {{"it", "GET", "/it", plan}};
  setup.arm.id = "arm";
  setup.arm.modes = {mode.traits};
  setup.arm.threads = 4;
  return setup;
}

inline Events in_order(EventRings& rings) {
  Events all;
  rings.drain(all);
  std::stable_sort(all.begin(), all.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
  Events some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some),
               [](const Event& e) { return e.request == 7; });
  return some;
}

inline Answer ask(const ServerSetup& setup) {
  auto rings = EventRings::create(setup.arm.workers, 1 << 14);
  REQUIRE(rings.has_value());
  auto server = Server::start(setup, &*rings);
  if (!server) FAIL(server.error().message);
  RawClient client(server->port());
  client.send("GET /it HTTP/1.1\r\nHost: lab\r\nLab-Request: 7\r\n\r\n");
  Answer answer{client.reply(), {}};
  // The connection's next request comes after what the first one has left for later.
  client.send(get("/"));
  CHECK(status_of(client.reply()) == 200);
  CHECK(server->stop(kPatience));
  answer.events = in_order(*rings);
  return answer;
}

/// `begin 0, end 0, begin 1 …` of the leaves.
inline std::string steps_of(const Events& events) {
  std::string text;
  for (const Event& event : events) {
    if (event.kind == EventKind::step_begin) text += " b" + std::to_string(event.value);
    if (event.kind == EventKind::step_end) text += " e" + std::to_string(event.value);
    if (event.kind == EventKind::finished) text += " finished";
    if (event.kind == EventKind::replied) text += " replied";
    if (event.kind == EventKind::forgotten) text += " forgotten";
  }
  return text.empty() ? text : text.substr(1);
}

inline std::ptrdiff_t count_of(const Events& events, EventKind kind) {
  return std::count_if(events.begin(), events.end(), [&](const Event& e) { return e.kind == kind; });
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline std::vector<const Mode*> modes_where(const std::function<bool(const Traits&)>& condition) {
  std::vector<const Mode*> some;
  for (const Mode* mode : all_modes()) {
    // Whatever a task queue executes comes after its reply.
    if (mode->traits.computing != Resource::queue && condition(mode->traits)) some.push_back(mode);
  }
  return some;
}

inline std::vector<const Mode*> every_mode() {
  return modes_where([](const Traits&) { return true; });
}

inline std::vector<const Mode*> loop_handlers() {
  return modes_where([](const Traits& traits) { return traits.handler == Resource::loop; });
}

constexpr Wait kShort{kMillisecond};

}  // namespace lab::test
