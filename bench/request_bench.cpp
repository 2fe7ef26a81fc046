// The request path without sockets: bytes in, route, reply bytes out; and what writing events adds to it.

#include <benchmark/benchmark.h>

#include "lab/core/event_ring.hpp"
#include "lab/servers/http/reply.hpp"
#include "lab/servers/http/request_reader.hpp"
#include "lab/servers/http/route_table.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/steps/call.hpp"

namespace {

constexpr std::string_view kRequest =
    "GET /ping HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: bench\r\nAccept: */*\r\nLab-Request: "
    "17\r\n\r\n";

lab::ServerSetup ping_server() {
  lab::ServerSetup setup;
  setup.routes = {{"ping", "GET", "/ping", {}}};
  setup.arm.modes = {lab::find_mode("async-loop")->traits};
  return setup;
}

void parse(benchmark::State& state) {
  lab::RequestReader reader;
  for (auto _ : state) {
    std::string_view bytes = kRequest;
    benchmark::DoNotOptimize(reader.parse(bytes));
    reader.next();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse);

void parse_route_and_reply(benchmark::State& state) {
  const lab::RouteTable table(ping_server());
  lab::RequestReader reader;
  std::string out;
  for (auto _ : state) {
    std::string_view bytes = kRequest;
    benchmark::DoNotOptimize(reader.parse(bytes));
    const lab::RouteTable::Match match = table.find(reader.request());
    out.clear();
    lab::append_reply(out, {}, match.route->fixed_body);
    benchmark::DoNotOptimize(out.data());
    reader.next();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_route_and_reply);

void append_event(benchmark::State& state) {
  lab::EventRings rings = lab::EventRings::create(1, 1 << 16).value();
  lab::Events drained;
  std::int64_t appended = 0;
  for (auto _ : state) {
    rings.append(0, {.at = 1, .request = 17, .kind = lab::EventKind::read});
    if ((++appended & 0x7fff) == 0) {
      state.PauseTiming();
      drained.clear();
      rings.drain(drained);
      state.ResumeTiming();
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(append_event);

}  // namespace
