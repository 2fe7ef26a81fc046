#include "lab/servers/worker/worker.hpp"

#include <sys/eventfd.h>
#include <sys/signalfd.h>

namespace lab {

UniqueFd watch_signals(std::initializer_list<int> numbers, sigset_t* before) {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : numbers) sigaddset(&watched, number);
  sigprocmask(SIG_BLOCK, &watched, before);
  return UniqueFd(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
}

Worker::Worker(const ServerSetup& setup, EventRings* rings, const Wiring& wiring)
    : setup_(setup),
      routes_(setup),
      events_(rings, wiring.slot),
      services_(std::make_unique<Services>(setup)),
      connections_(wiring.connections, wiring.handed),
      stop_fd_(watch_signals({SIGTERM})),
      wiring_(wiring) {
  services_->report_to(wiring.status->progress);
}

void Worker::ready() {
  wiring_.status->ready.store(true, std::memory_order_release);
  eventfd_write(wiring_.ready_signal, 1);
}

AcceptResult Worker::accept(Accepted& accepted) {
  const AcceptResult result = connections_.take(accepted);
  if (result == AcceptResult::taken)
    events_.add(EventKind::accepted, 0, events_.stamp(), accepted.client_port);
  return result;
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
