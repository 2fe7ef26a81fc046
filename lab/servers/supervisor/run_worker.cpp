#include "lab/servers/supervisor/run_worker.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <optional>

#include "lab/core/process.hpp"
#include "lab/servers/event_loop/loop_server.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/task_queue/task_desk.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

int run_worker(Worker& worker) {
  const Worker::Wiring& wiring = worker.wiring();
  // Without this the kernel may end any sleep 50 us late to save a wake-up (prctl(2)); threads inherit it.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  prctl(PR_SET_NAME, fmt::format("lab-worker-{}", wiring.slot).c_str(), 0UL, 0UL, 0UL);
  // Ctrl-C and the end of a terminal reach the whole group; the master turns them into TERM.
  for (const int number : {SIGINT, SIGHUP}) std::signal(number, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  grow_descriptor_table();
  Services& services = worker.services();
  try {
    services.open();
    std::optional<TaskDesk> desk;
    if (!wiring.board->queues().empty()) {
      desk.emplace(*wiring.board, wiring.slot, worker.routes(), worker.events(), services);
      services.set_desk(&*desk);
    }
    const Mode* mode = worker.routes().routes().front().mode;
    if (mode->serve != nullptr) {
      mode->serve(worker);
    } else {
      serve_with_loop(worker);
    }
    desk.reset();
    services.close();
    return 0;
  } catch (const std::exception& fault) {
    const std::string_view words = fault.what();
    const std::size_t size = std::min(words.size(), sizeof(WorkerStatus::last_words) - 1);
    std::copy_n(words.data(), size, wiring.status->last_words);
    return 1;
  }
}

}  // namespace lab
