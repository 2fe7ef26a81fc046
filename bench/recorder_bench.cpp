// How many requests per second pass through recording, books and the join with the servers' events.

#include <benchmark/benchmark.h>

#include "harness/statistics/statistics.hpp"
#include "harness/trace/event_collector.hpp"

namespace {

using lab::Event;
using lab::EventKind;
using lab::Nanos;

// What a server leaves of each request, overlapping as on a busy loop.
lab::Events events_of(std::uint32_t requests) {
  constexpr EventKind kKinds[] = {EventKind::read,       EventKind::started,  EventKind::acquire,
                                  EventKind::step_begin, EventKind::step_end, EventKind::release,
                                  EventKind::finished,   EventKind::replied};
  lab::Events events;
  events.reserve(requests * std::size(kKinds));
  Nanos at = 1;
  for (std::uint32_t request = 1; request <= requests; ++request) {
    for (const EventKind kind : kKinds) events.push_back({.at = ++at, .request = request, .kind = kind});
  }
  return events;
}

void record_requests(benchmark::State& state) {
  const auto requests = static_cast<std::uint32_t>(state.range(0));
  const lab::Events events = events_of(requests);
  for (auto _ : state) {
    std::vector<lab::RequestRecord> records;
    records.reserve(requests);
    for (std::uint32_t id = 1; id <= requests; ++id) {
      lab::RequestRecord& record = records.emplace_back();
      record.id = id;
      record.intended = record.sent = id;
      record.first_byte = record.received = id + lab::kMillisecond;
      record.status = 200;
      record.outcome = lab::Outcome::ok;
    }
    lab::apply_events(events, records);
    lab::RequestCounts books;
    for (const lab::RequestRecord& record : records) books.add(record);
    benchmark::DoNotOptimize(books.ok);
    benchmark::DoNotOptimize(records.data());
  }
  state.SetItemsProcessed(state.iterations() * requests);
}

void append_and_drain_events(benchmark::State& state) {
  auto rings = lab::EventRings::create(1, 1 << 16).value();
  const lab::Events events = events_of(4096);
  lab::Events drained;
  for (auto _ : state) {
    drained.clear();
    for (const Event& event : events) rings.append(0, event);
    rings.drain(drained);
    benchmark::DoNotOptimize(drained.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events.size()));
}

}  // namespace

BENCHMARK(record_requests)->Arg(10)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(append_and_drain_events)->Unit(benchmark::kMicrosecond);
