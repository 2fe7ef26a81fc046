#pragma once

#include <cstdint>
#include <string>

#include "lab/core/plan.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// A function and its arguments as Python spells them: `time.sleep` and `0.1`.
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

/// What a route's handler does in that model: where whole handlers are jobs, a plan that names no queue is
/// one job of the queue `jobs`.
Plan executed_plan(const Route& route, const Traits& mode);

/// `10_000_000`: how Python writes large numbers.
std::string python_number(std::int64_t number);

/// A step as a statement of a handler in that execution model.
std::string python_statement(const Step& step, const Traits& mode);

/// The statements of a plan on one line.
std::string python_statements(const Plan& plan, const Traits& mode);

}  // namespace lab
