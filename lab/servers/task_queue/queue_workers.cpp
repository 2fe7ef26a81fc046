#include "lab/servers/task_queue/queue_workers.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include "lab/core/process.hpp"
#include "lab/servers/steps/services.hpp"
#include "lab/servers/task_queue/worker_job_client.hpp"

namespace lab {

void report_lost(EventRings* rings, int slot, const std::vector<Job>& lost) {
  if (rings == nullptr) return;
  for (const Job& job : lost)
    rings->append(
        slot, Event{.at = monotonic_now(), .value = job.id, .request = job.request, .kind = EventKind::lost});
}

QueueWorkers::QueueWorkers(const ServerSetup& setup, EventRings* rings, SharedJobQueue& board,
                           WorkerStatus* status, int ready_signal)
    : setup_(setup), rings_(rings), board_(board), status_(status), ready_signal_(ready_signal) {
  for (std::size_t queue = 0; queue < board.queues().size(); ++queue) {
    const BoardQueue& shared = board.queues()[queue];
    for (int i = 0; shared.slot < 0 && i < shared.settings.workers; ++i)
      members_.emplace_back().queue = queue;
  }
}

std::size_t QueueWorkers::count(const SharedJobQueue& board) {
  std::size_t sum = 0;
  for (const BoardQueue& queue : board.queues()) {
    if (queue.slot < 0) sum += static_cast<std::size_t>(queue.settings.workers);
  }
  return sum;
}

int QueueWorkers::ring_of(std::size_t index) const {
  return static_cast<int>(index % static_cast<std::size_t>(setup_.arm.workers));
}

Result<void> QueueWorkers::start() {
  for (std::size_t index = 0; index < members_.size(); ++index) {
    if (auto forked = fork_member(index); !forked) return forked;
  }
  return {};
}

Result<void> QueueWorkers::fork_member(std::size_t index) {
  status_[index].ready.store(false, std::memory_order_relaxed);
  status_[index].replied.store(false, std::memory_order_relaxed);
  Member& member = members_[index];
  auto process = ChildProcess::start(fmt::format("worker {} of a task queue", index), {ready_signal_},
                                     [&] { return be_member(index); });
  if (!process) return process.error();
  member.process = std::move(*process);
  member.started = monotonic_now();
  member.restart_at.reset();
  return {};
}

int QueueWorkers::be_member(std::size_t index) {
  // The master closes the queue instead: the job that it is at is to be finished.
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) std::signal(number, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  prctl(PR_SET_NAME, fmt::format("lab-queue-{}", index).c_str(), 0UL, 0UL, 0UL);
  limit_cores(setup_.arm.cores);
  WorkerStatus& status = status_[index];
  try {
    const RouteTable routes(setup_);
    const QueuedPlans plans(routes);
    const EventLog events(rings_, ring_of(index));
    // Members of a pool of processes are the handlers', not a job's.
    ServerSetup own = setup_;
    own.arm.pool_processes = false;
    Services services(own);
    services.open();
    status.ready.store(true, std::memory_order_release);
    eventfd_write(ready_signal_, 1);
    work_on_queue(
        board_, members_[index].queue, static_cast<std::uint16_t>(index), plans, events, services,
        [](void* context) {
          static_cast<WorkerStatus*>(context)->replied.store(true, std::memory_order_relaxed);
        },
        &status);
    return 0;
  } catch (const std::exception& fault) {
    fmt::print(stderr, "lab: a worker of a task queue: {}\n", fault.what());
    return 1;
  }
}

bool QueueWorkers::ready() const {
  for (std::size_t index = 0; index < members_.size(); ++index) {
    if (!members_[index].process.there() || !status_[index].ready.load(std::memory_order_acquire))
      return false;
  }
  return true;
}

Result<void> QueueWorkers::look_after(Nanos now) {
  for (std::size_t index = 0; index < members_.size(); ++index) {
    Member& member = members_[index];
    if (member.process.ended()) {
      report_lost(rings_, ring_of(index), board_.lose(member.queue, static_cast<std::uint16_t>(index)));
      if (stopping_) continue;
      member.restart_at =
          policy_.on_death(now, now - member.started, status_[index].replied.load(std::memory_order_relaxed));
      if (!member.restart_at)
        return environment_error("workers of queue '{}' keep dying", board_.queues()[member.queue].name);
    }
    if (stopping_ || !member.restart_at || now < *member.restart_at) continue;
    if (auto forked = fork_member(index); !forked) return forked;
  }
  return {};
}

std::optional<Nanos> QueueWorkers::next_due() const {
  std::optional<Nanos> due;
  for (const Member& member : members_) {
    if (!stopping_ && member.restart_at) due = std::min(due.value_or(*member.restart_at), *member.restart_at);
  }
  return due;
}

void QueueWorkers::stop() {
  stopping_ = true;
  for (const Member& member : members_) {
    board_.close(member.queue);
    member.process.signal(SIGCONT);  // a stopped process would never see it
  }
}

bool QueueWorkers::all_gone() const {
  return std::none_of(members_.begin(), members_.end(),
                      [](const Member& member) { return member.process.there(); });
}

void QueueWorkers::kill() {
  for (Member& member : members_) member.process.kill();
}

}  // namespace lab
