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
  /// A server of its own: serves until the worker is told to stop. Null for the modes of the event-loop
  /// server.
  void (*serve)(Worker& worker) = nullptr;

  /// Whether this program can run it; the model knows every mode.
  bool is_built() const { return loop != nullptr || serve != nullptr; }
};

/// Every execution model, in the order of the build's list (generated table).
std::span<const Mode* const> all_modes();

/// Their rows of the table, for the loader and for help.
std::vector<Traits> known_modes();

/// Null where there is none of that name.
const Mode* find_mode(std::string_view name);

}  // namespace lab
