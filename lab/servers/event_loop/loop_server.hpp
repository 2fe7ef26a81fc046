#pragma once

namespace lab {

class Worker;

/// Serves with one event loop, each route in its own mode, until the worker is told to stop.
void serve_with_loop(Worker& worker);

}  // namespace lab
