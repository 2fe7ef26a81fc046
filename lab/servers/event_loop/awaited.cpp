#include "lab/servers/event_loop/awaited.hpp"

#include <optional>

#include "lab/servers/event_loop/upstream_pool.hpp"
#include "lab/servers/steps/call.hpp"
#include "lab/servers/steps/services.hpp"

namespace lab {

namespace {

using FaultTask = boost::asio::awaitable<LeafFault, Executor>;

void end_timer(void* timer) {
  static_cast<Timer*>(timer)->cancel();
}

/// The most common step, and thousands may wait at once: its frame has no room for what others need.
Task await_timer(Call& call, Loop& loop, const Wait& wait, StepPlace place) {
  const Nanos begun = call.begin_step(place);
  {
    Timer timer(loop.executor(), asio_time(begun + wait.duration));
    const Call::Interruption interruption(call, end_timer, &timer);
    call.release(Resource::loop);
    co_await timer.async_wait(kAwaitTuple);
  }
  call.acquire(Resource::loop);
  call.end_step(place);
}

FaultTask ask_database(Call& call, Loop& loop, const Query& query, std::optional<std::uint16_t> unit) {
  Database* const kept = call.services().database();
  PgConnection fresh;
  PgConnection& connection = unit && kept != nullptr ? kept->connection(*unit) : fresh;
  LeafFault fault = co_await await_query(call, loop, connection, query);
  co_return fault;
}

/// The waiting itself, once the step has what it needs.
FaultTask await_answer(Call& call, Loop& loop, const Step& step, Nanos begun,
                       std::optional<std::uint16_t> unit) {
  LeafFault fault;
  if (const auto* wait = std::get_if<Wait>(&step.action)) {
    Timer timer(loop.executor(), asio_time(begun + wait->duration));
    const Call::Interruption interruption(call, end_timer, &timer);
    co_await timer.async_wait(kAwaitTuple);
  } else if (const auto* question = std::get_if<CallUpstream>(&step.action)) {
    fault = co_await await_upstream(call, loop, *question);
  } else if (const auto* query = std::get_if<Query>(&step.action)) {
    fault = co_await ask_database(call, loop, *query, unit);
  }
  co_return fault;
}

Task await_outside(Call& call, Loop& loop, const Step& step, StepPlace place) {
  const Nanos begun = call.begin_step(place);
  call.release(Resource::loop);
  const LeafFault fault = co_await await_answer(call, loop, step, begun, std::nullopt);
  call.acquire(Resource::loop);
  call.end_step(place);
  if (!fault.none()) call.fail(fault.status, fault.reason);
}

Task await_on_connection(Call& call, Loop& loop, ConnectionPool& gate, const Step& step, StepPlace place) {
  call.release(Resource::loop);
  const std::uint16_t unit = co_await loop.connection(gate);
  call.acquire(Resource::connection, unit);
  const Nanos begun = call.begin_step(place);
  LeafFault fault;
  // A client that went while its handler stood in the line is not waited for.
  if (!call.ended()) fault = co_await await_answer(call, loop, step, begun, unit);
  call.acquire(Resource::loop);
  call.end_step(place);
  call.release(Resource::connection, unit);
  gate.give(unit);
  if (!fault.none()) call.fail(fault.status, fault.reason);
}

}  // namespace

Task await_step(Call& call, Loop& loop, const Step& step, StepPlace place) {
  ConnectionPool* const gate = needs_connection(step) ? call.services().gate() : nullptr;
  if (gate != nullptr) return await_on_connection(call, loop, *gate, step, place);
  if (const auto* wait = std::get_if<Wait>(&step.action)) return await_timer(call, loop, *wait, place);
  return await_outside(call, loop, step, place);
}

}  // namespace lab
