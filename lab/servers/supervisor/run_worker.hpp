#pragma once

namespace lab {

class Worker;

/// Serves in this process until TERM; gives the exit code.
int run_worker(Worker& worker);

}  // namespace lab
