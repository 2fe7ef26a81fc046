#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <deque>
#include <exception>
#include <memory>

#include "lab/core/process.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/supervisor/backend.hpp"
#include "lab/servers/supervisor/family.hpp"
#include "lab/servers/supervisor/server.hpp"
#include "lab/servers/task_queue/shared_job_queue.hpp"

namespace lab {

namespace {

/// Serves in this process until TERM; gives the exit code.
int run_worker(Worker& worker) {
  const Worker::Wiring& wiring = worker.wiring();
  // Ctrl-C, Ctrl-\\ and the end of a terminal reach the whole group; the master turns them into TERM.
  begin_service(fmt::format("lab-worker-{}", wiring.slot), {SIGINT, SIGQUIT, SIGHUP, SIGPIPE});
  grow_descriptor_table();
  Services& services = worker.services();
  try {
    services.open();
    std::unique_ptr<JobClient> jobs;
    if (!wiring.job_queues->queues().empty()) jobs = start_job_client(worker);
    services.set_jobs(jobs.get());
    const Mode* mode = worker.routes().routes().front().mode;
    (mode->serve != nullptr ? mode->serve : serve_with_loop)(worker);
    return 0;
  } catch (const std::exception& fault) {
    const std::string_view words = fault.what();
    const std::size_t size = std::min(words.size(), sizeof(WorkerStatus::last_words) - 1);
    std::copy_n(words.data(), size, wiring.status->last_words);
    return 1;
  }
}

/// A controlling terminal that is still there.
bool has_terminal() {
  return UniqueFd(open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)).valid();
}

Nanos longest_step(const ServerSetup& setup) {
  Nanos longest = 0;
  const auto look = [&longest](const Step& step) { longest = std::max(longest, longest_step(Plan{step})); };
  for (const Route& route : setup.routes) for_each_step(route, look);
  return longest;
}

/// Supervises the processes of one server: binds, forks them, restarts those that die, hands out connections
/// where there are several workers, and ends them. One thread, no Asio: it forks. Blocks TERM, INT, QUIT, HUP
/// and CHLD in its thread while it lives.
class Master {
 public:
  Master(const ServerSetup& setup, EventRings* rings)
      : setup_(setup),
        rings_(rings),
        signals_(watch_signals({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD}, &old_mask_)) {}
  ~Master() {
    kill_all();
    sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
  }

  /// Binds. Errors: see listen_on; no descriptors or memory for the channels.
  Result<void> open() {
    if (!signals_.valid()) return system_error("signalfd", "the server's master", errno);
    slots_.resize(static_cast<std::size_t>(setup_.arm.workers));
    LAB_CHECK(listen());
    ready_signal_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!ready_signal_.valid()) return system_error("eventfd", "the server's master", errno);

    LAB_TRY(job_queues_, SharedJobQueue::create(setup_));
    queues_ = job_queues_.shared_workers();
    LAB_TRY(status_,
            SharedMemory<WorkerStatus>::create("the workers' status", 2 * (slots_.size() + queues_.size())));
    families_.emplace_back(workers(), slots_.size(), status_.get(), ready_signal_.get());
    families_.emplace_back(queue_workers(), queues_.size(), status_.get() + 2 * slots_.size(),
                           ready_signal_.get());
    return handoff() ? open_channels() : Result<void>();
  }

  /// Serves until TERM, INT or QUIT, then until what is in flight has finished; a second signal ends that at
  /// once. HUP does the same where it says that the terminal was closed; else the workers are reloaded.
  /// The error: the workers kept dying, with their last words.
  Result<void> run(const ServerReady& ready) {
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

 private:
  /// Where one worker's connections come from.
  struct Slot {
    // A pair outlives its worker, so connections that a dead one had not taken reach its successor.
    UniqueFd channel;         // the master's end
    UniqueFd worker_channel;  // the worker's
    // Of `reuseport`: kept open while no worker is there, so its queue waits for the successor, too.
    UniqueFd listener;
  };

  Result<void> listen() {
    const bool one_each = setup_.arm.accept == Accept::reuseport;
    LAB_TRY(std::vector<Listener> group, listen_on(setup_.host, setup_.port, one_each ? slots_.size() : 1));
    listener_.port = group.front().port;
    for (std::size_t slot = 0; slot < group.size(); ++slot)
      (one_each ? slots_[slot].listener : listener_.fd) = std::move(group[slot].fd);
    return {};
  }

  Result<void> open_channels() {
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

  Family::Kind workers() {
    return {.name = "worker {}",
            .source = [this](std::size_t slot) { return source_of(slot); },
            .live = [this](std::size_t slot, bool second,
                           WorkerStatus& status) { return run_slot(slot, second, status); },
            .died = [this](std::size_t slot, bool second,
                           bool replaced) { lose_own_jobs(slot, second, replaced); },
            .report =
                [this](std::size_t slot, EventKind what, std::int64_t value) {
                  report({.value = value, .worker = static_cast<std::uint16_t>(slot), .kind = what});
                },
            .hopeless =
                [](std::size_t /*slot*/, const std::string& cause) {
                  return environment_error("workers keep dying, the last one {}", cause);
                },
            .longest_step = longest_step(setup_),
            .cores = cores()};
  }

  /// The processes that execute the jobs of queues that all workers share. Their events are in the workers'
  /// rings.
  Family::Kind queue_workers() {
    return {.name = "worker {} of a task queue",
            .source = [](std::size_t /*member*/) { return -1; },
            .live =
                [this](std::size_t member, bool second, WorkerStatus& status) {
                  const int ring = static_cast<int>(member % slots_.size());
                  return run_queue_worker(setup_, EventLog(rings_, ring), job_queues_, queues_[member],
                                          member, second, status, ready_signal_.get());
                },
            .died =
                [this](std::size_t member, bool second, bool /*replaced*/) {
                  const auto holder = static_cast<std::uint16_t>(member | holder_offset(second));
                  report_lost(member % slots_.size(), job_queues_.lose(queues_[member], holder));
                },
            .report =
                [this](std::size_t member, EventKind what, std::int64_t value) {
                  report({.value = value,
                          .worker = static_cast<std::uint16_t>(member % slots_.size()),
                          .unit = static_cast<std::uint16_t>(member),
                          .kind = what,
                          .resource = Resource::queue});
                },
            .hopeless =
                [this](std::size_t member, const std::string& cause) {
                  return environment_error("workers of queue '{}' keep dying, the last one {}",
                                           job_queues_.queues()[queues_[member]].name, cause);
                },
            .longest_step = longest_step(setup_),
            .cores = cores()};
  }

  int cores() const {
    return setup_.arm.cores > 0 ? std::min(setup_.arm.cores, available_cores()) : available_cores();
  }

  /// What was in the queues of the worker's own goes with it, but where another one works on them.
  void lose_own_jobs(std::size_t slot, bool second, bool replaced) {
    std::uint16_t unit = holder_offset(second);
    for (std::size_t queue = 0; queue < job_queues_.queues().size(); ++queue) {
      const NamedQueue& own = job_queues_.queues()[queue];
      if (own.slot != static_cast<int>(slot)) continue;
      if (!replaced) report_lost(slot, job_queues_.lose(queue));
      for (int i = 0; replaced && i < own.settings.workers; ++i, ++unit)
        report_lost(slot, job_queues_.lose(queue, unit));
    }
  }

  int run_slot(std::size_t slot, bool second, WorkerStatus& status) {
    limit_cores(setup_.arm.cores);
    Worker worker(setup_, rings_,
                  {.slot = static_cast<int>(slot),
                   .connections = source_of(slot),
                   .handed = handoff(),
                   .ready_signal = ready_signal_.get(),
                   .status = &status,
                   .second = second,
                   .job_queues = &job_queues_});
    return run_worker(worker);
  }

  void report(Event event) {
    if (rings_ == nullptr) return;
    event.at = monotonic_now();
    rings_->append(event.worker, event);
  }

  void report_lost(std::size_t slot, const std::vector<Job>& lost) {
    const EventLog events(rings_, static_cast<int>(slot));
    for (const Job& job : lost) events.add(EventKind::lost, job.request, monotonic_now(), job.id);
  }

  void wait_for_something() {
    const Nanos now = monotonic_now();
    const bool accepting = dealer_.has_value() && !stopping_;
    std::vector<pollfd> watched{{signals_.get(), POLLIN, 0}, {ready_signal_.get(), POLLIN, 0}};
    if (accepting && now >= accept_again_) watched.push_back({listener_.fd.get(), POLLIN, 0});
    for (std::size_t slot = 0; accepting && slot < slots_.size(); ++slot) {
      if (dealer_->has_waiting(slot)) watched.push_back({slots_[slot].channel.get(), POLLOUT, 0});
    }
    Nanos due = accept_again_ != 0 && !stopping_ ? accept_again_ : kNever;
    for (const Family& family : families_) due = std::min(due, family.next_due(now));
    const Nanos left = std::max<Nanos>(0, due - now);
    const timespec span{left / kSecond, left % kSecond};
    ppoll(watched.data(), watched.size(), &span, nullptr);
  }

  void read_signals() {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGCHLD) continue;
      if (info.ssi_signo == SIGHUP && !stopping_ && has_terminal() == had_terminal_) {
        for (Family& family : families_) family.reload();
      } else if (!stopping_) {
        begin_stop();
      } else if (info.ssi_signo != SIGHUP && monotonic_now() >= stop_began_ + kSecondSignal) {
        kill_all();
      }
    }
  }

  void announce_if_ready(const ServerReady& ready) {
    eventfd_t count = 0;
    eventfd_read(ready_signal_.get(), &count);
    const auto is_ready = [](const Family& family) { return family.ready(); };
    if (announced_ || !std::ranges::all_of(families_, is_ready)) return;
    announced_ = true;
    ready(listener_.port, families_.front().pids());
  }

  void begin_stop() {
    stopping_ = true;
    stop_began_ = monotonic_now();
    // Those who have connected already may have asked already; then nobody else gets in. Workers that listen
    // themselves empty the queue through descriptors of their own.
    if (dealer_) dealer_->deal();
    listener_.fd.reset();
    for (Slot& slot : slots_) slot.listener.reset();
    for (Family& family : families_) family.stop();
    for (const std::size_t queue : queues_) job_queues_.wake(queue);
  }

  void kill_all() {
    for (Family& family : families_) family.kill();
  }

  bool all_gone() const {
    return std::ranges::all_of(families_, [](const Family& family) { return family.all_gone(); });
  }

  bool handoff() const { return setup_.arm.accept == Accept::handoff && slots_.size() > 1; }
  /// Where a slot's worker takes its connections from.
  int source_of(std::size_t slot) const {
    if (handoff()) return slots_[slot].worker_channel.get();
    return slots_[slot].listener.valid() ? slots_[slot].listener.get() : listener_.fd.get();
  }

  const ServerSetup& setup_;
  EventRings* rings_;
  const bool had_terminal_ = has_terminal();
  Listener listener_;  // no descriptor where every slot has its own
  sigset_t old_mask_{};
  UniqueFd signals_;
  UniqueFd ready_signal_;
  SharedMemory<WorkerStatus> status_;  // two a slot, then two a queue worker
  SharedJobQueue job_queues_;
  std::vector<std::size_t> queues_;  // of each queue worker
  std::vector<Slot> slots_;
  std::deque<Family> families_;  // the workers, then those of the queues
  std::optional<Dealer> dealer_;
  Nanos accept_again_ = 0;  // 0: at once
  Nanos stop_began_ = 0;
  bool announced_ = false;
  bool stopping_ = false;
};

}  // namespace

int serve_as_master(const ServerSetup& setup, EventRings* rings, UniqueFd report) {
  // A process group of its own: Ctrl-C is for the harness to act on, and the family can be killed as one.
  setpgid(0, 0);
  std::signal(SIGTTOU, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_NAME, "lab-master", 0, 0, 0);
  Master master(setup, rings);
  Result<void> outcome = master.open();
  if (outcome) {
    outcome = master.run([&report](std::uint16_t port, const std::vector<pid_t>& workers) {
      send_report(report.get(), {port, workers});
      report.reset();
    });
  }
  if (outcome) return 0;
  if (report.valid()) {
    send_report(report.get(), {.error = outcome.error()});
  } else {
    write_all(STDERR_FILENO, fmt::format("lab: {}\n", outcome.error().message));
  }
  return 1;
}

int serve_here(const ServerSetup& wanted, EventRings* events, const ServerReady& ready) {
  const ServerSetup setup = complete(wanted).value();
  if (setup.arm.backend != Backend::epoll)
    throw Failure(usage_error("serving in this process is done on epoll; backend io_uring is for lab run"));
  fill_standard_descriptors();
  tzset();
  Master master(setup, events);
  master.open().value();
  const auto outcome = master.run(ready);
  if (outcome) return 0;
  write_all(STDERR_FILENO, fmt::format("lab: {}\n", outcome.error().message));
  return 1;
}

}  // namespace lab
