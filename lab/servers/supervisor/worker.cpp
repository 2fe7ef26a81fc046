#include "lab/servers/supervisor/worker.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <optional>

#include "lab/servers/event_loop/loop_server.hpp"
#include "lab/servers/supervisor/process.hpp"
#include "lab/servers/task_queue/task_desk.hpp"

namespace lab {

namespace {

/// TERM as something to poll for; blocked in every thread that the worker starts later.
UniqueFd watch_for_term() {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, nullptr);
  return UniqueFd(signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Worker::Worker(const ServerSetup& setup, EventRings* rings, const Wiring& wiring)
    : setup_(setup),
      routes_(setup),
      body_rules_(routes_),
      events_(rings, wiring.slot),
      services_(std::make_unique<Services>(setup)),
      connections_(wiring.connections, wiring.handed),
      stop_fd_(watch_for_term()),
      wiring_(wiring) {}

int Worker::run() {
  // Without this the kernel may end any sleep 50 us late to save a wake-up (prctl(2)); threads inherit it.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  prctl(PR_SET_NAME, fmt::format("lab-worker-{}", wiring_.slot).c_str(), 0UL, 0UL, 0UL);
  // Ctrl-C and the end of a terminal reach the whole group; the master turns them into TERM.
  for (const int number : {SIGINT, SIGHUP}) std::signal(number, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  grow_descriptor_table();
  try {
    services_->open();
    std::optional<TaskDesk> desk;
    if (!wiring_.board->queues().empty()) {
      desk.emplace(*wiring_.board, wiring_.slot, routes_, events_, *services_);
      services_->set_desk(&*desk);
    }
    const Mode* mode = routes_.routes().front().mode;
    if (mode->serve != nullptr) {
      mode->serve(*this);
    } else {
      serve_with_loop(*this);
    }
    desk.reset();
    services_->close();
    return 0;
  } catch (const std::exception& fault) {
    const std::string_view words = fault.what();
    const std::size_t size = std::min(words.size(), sizeof(WorkerStatus::last_words) - 1);
    std::copy_n(words.data(), size, wiring_.status->last_words);
    return 1;
  }
}

void Worker::ready() {
  wiring_.status->ready.store(true, std::memory_order_release);
  eventfd_write(wiring_.ready_signal, 1);
}

std::uint32_t Worker::log_number(const Request& request) const {
  if (!setup_.log) return 0;
  return request.id != 0 ? request.id : logged_.fetch_add(1, std::memory_order_relaxed) + 1;
}

void Worker::note_first_reply() {
  replied_.store(true, std::memory_order_relaxed);
  wiring_.status->replied.store(true, std::memory_order_relaxed);
}

}  // namespace lab
