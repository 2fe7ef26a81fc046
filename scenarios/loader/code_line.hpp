#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lab/core/plan.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// A function and its arguments as Python writes them: `time.sleep` and `0.1`.
struct PythonCall {
  std::string function;
  std::string arguments;

  std::string text() const { return function + "(" + arguments + ")"; }
  /// As an argument of another function: `time.sleep, 0.1`.
  std::string as_argument() const { return arguments.empty() ? function : function + ", " + arguments; }
};

/// Whether the step waits or computes.
bool is_python_leaf(const Step& step);

/// The mode of a function in a thread: nothing there is awaited.
const Traits& python_thread();

/// What such a step is in synchronous Python.
PythonCall blocking_call(const Step& step);

/// What a step that waits is where it is awaited, without `await`: `asyncio.sleep(0.1)`.
std::string awaitable(const Step& step);

/// The scenario's word with `_` for what Python's names cannot hold.
std::string python_name(std::string word);

/// `10_000_000`: how Python writes large numbers.
std::string python_number(std::int64_t number);

/// The plan's only step, where it is of that kind; else null.
template <class Kind>
const Kind* only(const Plan& plan) {
  return plan.size() == 1 ? plan.front().as<Kind>() : nullptr;
}

/// `await asyncio.gather(a, b)`; many of the `same` are not spelled out.
std::string gathered(const std::vector<std::string>& arguments, bool same);

/// A step as a statement of a handler in that execution model.
std::string python_statement(const Step& step, const Traits& mode);

/// The statements of a plan on one line.
std::string python_statements(const Plan& plan, const Traits& mode);

/// A route's handler as one line of FastAPI in the given execution model:
/// `async def delay(): await asyncio.sleep(0.1)`. Of statements that do not fit into `longest` columns the
/// last ones are left out, and `…` says so.
/// The arm's pool may be one of processes.
std::string fastapi_line(const Route& route, const Traits& mode, const Arm& arm, std::size_t longest);

/// Where the arm's settings are not the usual ones: `(pool of 100)`, `(8 threads, GIL) × 4 workers`; else
/// empty.
std::string unusual_settings(const Arm& arm);

// A scenario in words.

/// `POST /delay: wait 100 ms`, with what must be done before and what it may be sent.
std::string describe_route(const Route& route);

/// `ping: 49, one every 100 ms, from 50 ms, connections open`, and what the client does besides.
std::string describe_load(const Load& load, const Scenario& scenario);

/// `worker 0 is killed at 355 ms`.
std::string describe_kill(const Kill& kill);

/// What a request in that mode holds: `the loop, while it waits and while it computes`.
std::string describe_holding(const Traits& mode);

}  // namespace lab
