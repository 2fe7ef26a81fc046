// The servers: the execution models as they run. Rooms above each other: http, steps, worker, task_queue,
// event_loop, modes, supervisor.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "lab/core/traits.hpp"

namespace lab {

class Worker;     // what a worker process has: its slot, its connections, its events (worker.hpp)
struct LoopMode;  // how a handler is executed inside the event-loop server (loop.hpp)

/// One execution model: its row of the table, and how it is run.
struct Mode {
  Traits traits;
  /// How the event-loop server executes a handler in this mode; null for a mode with a server of its own.
  const LoopMode* loop = nullptr;
  /// A server of its own: serves until the worker is asked to stop. Null for the modes of the event-loop
  /// server.
  void (*serve)(Worker& worker) = nullptr;

  /// Whether this program can run it; the model knows every mode.
  bool is_built() const { return loop != nullptr || serve != nullptr; }
};

/// How long a thread waits for an idle client before it serves another one (httplib's own default). A loop
/// holds nothing for an idle client and lets it stay.
constexpr Nanos kIdleTimeout = 5 * kSecond;

/// The row of a mode that the model knows even in a program that has no such server.
constexpr Traits kThreadPerRequest{.name = "thread-per-request",
                                   .summary = "a thread for each connection, T of them (cpp-httplib)",
                                   .fastapi = "WSGI: Flask, Django",
                                   .handler = Resource::thread,
                                   .waiting = Resource::thread,
                                   .computing = Resource::thread,
                                   .idle = Resource::thread,
                                   .idle_timeout = kIdleTimeout};

/// The event-loop server: serves with one loop, each route in its own mode, until the worker is asked to
/// stop.
void serve_with_loop(Worker& worker);

/// Every execution model, in the order of the build's list (generated table).
std::span<const Mode* const> all_modes();

/// Their rows of the table, for the loader and for help.
std::vector<Traits> known_modes();

/// Null where there is none of that name.
const Mode* find_mode(std::string_view name);

}  // namespace lab
