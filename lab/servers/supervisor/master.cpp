#include "lab/servers/supervisor/master.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>

#include "lab/core/process.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/task_queue/worker_job_client.hpp"

namespace lab {

namespace {

/// Serves in this process until TERM; gives the exit code.
int run_worker(Worker& worker) {
  const Worker::Wiring& wiring = worker.wiring();
  // Ctrl-C and the end of a terminal reach the whole group; the master turns them into TERM.
  begin_service(fmt::format("lab-worker-{}", wiring.slot), {SIGINT, SIGHUP, SIGPIPE});
  grow_descriptor_table();
  Services& services = worker.services();
  try {
    services.open();
    std::optional<WorkerJobClient> desk;
    if (!wiring.board->queues().empty()) {
      desk.emplace(*wiring.board, wiring.slot, worker.routes(), worker.events(), services);
      services.set_desk(&*desk);
    }
    const Mode* mode = worker.routes().routes().front().mode;
    (mode->serve != nullptr ? mode->serve : serve_with_loop)(worker);
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

}  // namespace

Master::Master(const ServerSetup& setup, EventRings* rings) : setup_(setup), rings_(rings) {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&watched, number);
  sigprocmask(SIG_BLOCK, &watched, &old_mask_);
  signals_ = UniqueFd(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
}

Master::~Master() {
  kill_all();
  sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
}

Result<void> Master::open() {
  if (!signals_.valid()) return system_error("signalfd", "the server's master", errno);
  slots_.resize(static_cast<std::size_t>(setup_.arm.workers));
  LAB_CHECK(listen());
  ready_signal_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ready_signal_.valid()) return system_error("eventfd", "the server's master", errno);

  LAB_TRY(board_, SharedJobQueue::create(setup_));
  queues_ = board_.shared_workers();
  LAB_TRY(status_, SharedMemory<WorkerStatus>::create("the workers' status", slots_.size() + queues_.size()));
  families_.emplace_back(workers(), slots_.size(), status_.get(), ready_signal_.get());
  families_.emplace_back(queue_workers(), queues_.size(), status_.get() + slots_.size(), ready_signal_.get());
  return handoff() ? open_channels() : Result<void>();
}

Result<void> Master::listen() {
  if (setup_.arm.accept != Accept::reuseport) {
    LAB_TRY(listener_, listen_on(setup_.host, setup_.port));
    return {};
  }
  LAB_TRY(std::vector<Listener> group, listen_as_group(setup_.host, setup_.port, slots_.size()));
  listener_.port = group.front().port;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) slots_[slot].listener = std::move(group[slot].fd);
  return {};
}

Result<void> Master::open_channels() {
  std::vector<int> channels;
  for (Slot& slot : slots_) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
      return system_error("socketpair", fmt::format("{} workers (raise ulimit -n)", slots_.size()), errno);
    slot.channel = UniqueFd(pair[0]);
    slot.worker_channel = UniqueFd(pair[1]);
    channels.push_back(pair[0]);
  }
  dealer_.emplace(listener_.fd.get(), std::move(channels), setup_.seed % slots_.size());
  return {};
}

Family::Kind Master::workers() {
  return {.name = "worker {}",
          .source = [this](std::size_t slot) { return source_of(slot); },
          .live = [this](std::size_t slot) { return run_slot(slot); },
          .died =
              [this](std::size_t slot) {
                // What was in the queues of the worker's own went with it.
                for (std::size_t queue = 0; queue < board_.queues().size(); ++queue) {
                  if (board_.queues()[queue].slot == static_cast<int>(slot))
                    report_lost(slot, board_.lose(queue));
                }
              },
          .hopeless =
              [](std::size_t /*slot*/, const std::string& cause) {
                return environment_error("workers keep dying, the last one {}", cause);
              }};
}

/// The processes that execute the jobs of queues that all workers share. Their events are in the workers'
/// rings.
Family::Kind Master::queue_workers() {
  return {.name = "worker {} of a task queue",
          .source = [](std::size_t /*member*/) { return -1; },
          .live =
              [this](std::size_t member) {
                const int ring = static_cast<int>(member % slots_.size());
                return run_queue_worker(setup_, EventLog(rings_, ring), board_, queues_[member], member,
                                        status_[slots_.size() + member], ready_signal_.get());
              },
          .died =
              [this](std::size_t member) {
                report_lost(member % slots_.size(),
                            board_.lose(queues_[member], static_cast<std::uint16_t>(member)));
              },
          .hopeless =
              [this](std::size_t member, const std::string& /*cause*/) {
                return environment_error("workers of queue '{}' keep dying",
                                         board_.queues()[queues_[member]].name);
              }};
}

/// Where a slot's worker takes its connections from.
int Master::source_of(std::size_t slot) const {
  if (handoff()) return slots_[slot].worker_channel.get();
  return slots_[slot].listener.valid() ? slots_[slot].listener.get() : listener_.fd.get();
}

Result<void> Master::run(const ServerReady& ready) {
  for (Family& family : families_) LAB_CHECK(family.start());
  while (!(stopping_ && all_gone())) {
    wait_for_something();
    read_signals();
    const Nanos now = monotonic_now();
    for (Family& family : families_) LAB_CHECK(family.look_after(now));
    announce_if_ready(ready);
    if (!dealer_ || stopping_) continue;
    if (now >= accept_again_) accept_again_ = dealer_->deal() ? 0 : now + kAcceptPause;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) dealer_->flush(slot);
  }
  return {};
}

void Master::wait_for_something() {
  const Nanos now = monotonic_now();
  const bool accepting = dealer_.has_value() && !stopping_;
  std::vector<pollfd> watched{{signals_.get(), POLLIN, 0}, {ready_signal_.get(), POLLIN, 0}};
  if (accepting && now >= accept_again_) watched.push_back({listener_.fd.get(), POLLIN, 0});
  for (std::size_t slot = 0; accepting && slot < slots_.size(); ++slot) {
    if (dealer_->has_waiting(slot)) watched.push_back({slots_[slot].channel.get(), POLLOUT, 0});
  }
  Nanos due = accept_again_ != 0 && !stopping_ ? accept_again_ : kNever;
  for (const Family& family : families_) due = std::min(due, family.next_due().value_or(kNever));
  const Nanos left = std::max<Nanos>(0, due - now);
  const timespec span{left / kSecond, left % kSecond};
  ppoll(watched.data(), watched.size(), &span, nullptr);
}

void Master::read_signals() {
  signalfd_siginfo info{};
  while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGCHLD) continue;
    if (!stopping_) {
      begin_stop();
    } else if (info.ssi_signo != SIGHUP && monotonic_now() >= stop_began_ + kSecondSignal) {
      kill_all();
    }
  }
}

int Master::run_slot(std::size_t slot) {
  limit_cores(setup_.arm.cores);
  Worker worker(setup_, rings_,
                {.slot = static_cast<int>(slot),
                 .connections = source_of(slot),
                 .handed = handoff(),
                 .ready_signal = ready_signal_.get(),
                 .status = &status_[slot],
                 .board = &board_});
  return run_worker(worker);
}

void Master::report_lost(std::size_t slot, const std::vector<Job>& lost) {
  const EventLog events(rings_, static_cast<int>(slot));
  for (const Job& job : lost) events.add(EventKind::lost, job.request, monotonic_now(), job.id);
}

void Master::announce_if_ready(const ServerReady& ready) {
  eventfd_t count = 0;
  eventfd_read(ready_signal_.get(), &count);
  const auto is_ready = [](const Family& family) { return family.ready(); };
  if (announced_ || !std::all_of(families_.begin(), families_.end(), is_ready)) return;
  announced_ = true;
  ready(listener_.port, families_.front().pids());
}

void Master::begin_stop() {
  stopping_ = true;
  stop_began_ = monotonic_now();
  // Those who have connected already may have asked already; then nobody else gets in. Workers that listen
  // themselves empty the queue through descriptors of their own.
  if (dealer_) dealer_->deal();
  listener_.fd.reset();
  for (Slot& slot : slots_) slot.listener.reset();
  // Those of the queues end after the job that they are at.
  for (const std::size_t queue : queues_) board_.close(queue);
  families_.front().signal(SIGTERM);
  for (Family& family : families_) {
    family.stop();
    family.signal(SIGCONT);  // a stopped process would never see it
  }
}

bool Master::all_gone() const {
  return std::all_of(families_.begin(), families_.end(),
                     [](const Family& family) { return family.all_gone(); });
}

void Master::kill_all() {
  for (Family& family : families_) family.kill();
}

}  // namespace lab
