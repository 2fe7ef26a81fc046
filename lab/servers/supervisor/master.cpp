#include "lab/servers/supervisor/master.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include "lab/core/process.hpp"
#include "lab/servers/event_loop/loop_server.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/task_queue/worker_job_client.hpp"

namespace lab {

namespace {

/// Serves in this process until TERM; gives the exit code.
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
    std::optional<WorkerJobClient> desk;
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
  if (auto listening = listen(); !listening) return listening;
  ready_signal_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ready_signal_.valid()) return system_error("eventfd", "the server's master", errno);

  auto board = SharedJobQueue::create(setup_);
  if (!board) return board.error();
  board_ = std::move(*board);
  auto status =
      SharedMemory<WorkerStatus>::create("the workers' status", slots_.size() + QueueWorkers::count(board_));
  if (!status) return status.error();
  status_ = std::move(*status);
  queue_workers_.emplace(setup_, rings_, board_, &status_[slots_.size()], ready_signal_.get());
  return handoff() ? open_channels() : Result<void>();
}

Result<void> Master::listen() {
  if (setup_.arm.accept != Accept::reuseport) {
    auto listener = listen_on(setup_.host, setup_.port);
    if (!listener) return listener.error();
    listener_ = std::move(*listener);
    return {};
  }
  auto group = listen_as_group(setup_.host, setup_.port, slots_.size());
  if (!group) return group.error();
  listener_.port = group->front().port;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot)
    slots_[slot].listener = std::move((*group)[slot].fd);
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

/// Where a slot's worker takes its connections from.
int Master::source_of(std::size_t slot) const {
  if (handoff()) return slots_[slot].worker_channel.get();
  return slots_[slot].listener.valid() ? slots_[slot].listener.get() : listener_.fd.get();
}

Result<void> Master::run(const Ready& ready) {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (auto forked = fork_worker(slot); !forked) return forked;
  }
  if (auto started = queue_workers_->start(); !started) return started;
  while (!(stopping_ && all_gone())) {
    wait_for_something();
    read_signals();
    if (auto reaped = reap(); !reaped) return reaped;
    const Nanos now = monotonic_now();
    if (auto restarted = restart_due(now); !restarted) return restarted;
    if (auto kept = queue_workers_->look_after(now); !kept) return kept;
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
  timespec span{};
  const std::optional<Nanos> due = next_due();
  if (due) {
    const Nanos left = std::max<Nanos>(0, *due - now);
    span = {left / kSecond, left % kSecond};
  }
  ppoll(watched.data(), watched.size(), due ? &span : nullptr, nullptr);
}

std::optional<Nanos> Master::next_due() const {
  std::optional<Nanos> due;
  const auto consider = [&due](Nanos at) { due = due ? std::min(*due, at) : at; };
  if (stopping_) return due;
  for (const Slot& slot : slots_) {
    if (slot.restart_at) consider(*slot.restart_at);
  }
  if (accept_again_ != 0) consider(accept_again_);
  if (const auto restart = queue_workers_->next_due()) consider(*restart);
  return due;
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

Result<void> Master::fork_worker(std::size_t slot) {
  WorkerStatus& status = status_[slot];
  status.ready.store(false, std::memory_order_relaxed);
  status.replied.store(false, std::memory_order_relaxed);
  std::memset(status.last_words, 0, sizeof status.last_words);
  auto process = ChildProcess::start(fmt::format("worker {}", slot), {source_of(slot), ready_signal_.get()},
                                     [&] { return run_queue_worker(slot); });
  if (!process) return process.error();
  slots_[slot].process = std::move(*process);
  slots_[slot].started = monotonic_now();
  slots_[slot].restart_at.reset();
  return {};
}

int Master::run_queue_worker(std::size_t slot) {
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

Result<void> Master::reap() {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    const auto status = slots_[slot].process.ended();
    if (!status) continue;
    lose_jobs(slot);
    if (stopping_) continue;
    const Nanos now = monotonic_now();
    const bool replied = status_[slot].replied.load(std::memory_order_relaxed);
    slots_[slot].restart_at = policy_.on_death(now, now - slots_[slot].started, replied);
    if (!slots_[slot].restart_at)
      return environment_error("workers keep dying, the last one {}", cause_of_death(slot, *status));
  }
  return {};
}

/// What was in the queues of the worker's own went with it.
void Master::lose_jobs(std::size_t slot) {
  for (std::size_t queue = 0; queue < board_.queues().size(); ++queue) {
    if (board_.queues()[queue].slot == static_cast<int>(slot))
      report_lost(rings_, static_cast<int>(slot), board_.lose(queue));
  }
}

std::string Master::cause_of_death(std::size_t slot, int status) const {
  const char* words = status_[slot].last_words;
  if (words[0] != '\0') return fmt::format("said: {}", words);
  if (WIFSIGNALED(status))
    return fmt::format("by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("with exit code {}", WEXITSTATUS(status));
}

Result<void> Master::restart_due(Nanos now) {
  for (std::size_t slot = 0; slot < slots_.size() && !stopping_; ++slot) {
    if (!slots_[slot].restart_at || now < *slots_[slot].restart_at) continue;
    if (auto forked = fork_worker(slot); !forked) return forked;
  }
  return {};
}

void Master::announce_if_ready(const Ready& ready) {
  eventfd_t count = 0;
  eventfd_read(ready_signal_.get(), &count);
  if (announced_) return;
  std::vector<pid_t> pids;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (!slots_[slot].process.there() || !status_[slot].ready.load(std::memory_order_acquire)) return;
    pids.push_back(slots_[slot].process.pid());
  }
  if (!queue_workers_->ready()) return;
  announced_ = true;
  ready(listener_.port, pids);
}

void Master::begin_stop() {
  stopping_ = true;
  stop_began_ = monotonic_now();
  // Those who have connected already may have asked already; then nobody else gets in. Workers that listen
  // themselves empty the queue through descriptors of their own.
  if (dealer_) dealer_->deal();
  listener_.fd.reset();
  for (Slot& slot : slots_) slot.listener.reset();
  for (const Slot& slot : slots_) {
    slot.process.signal(SIGTERM);
    slot.process.signal(SIGCONT);  // a stopped process would never see it
  }
  queue_workers_->stop();
}

bool Master::all_gone() const {
  return std::none_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.process.there(); }) &&
         queue_workers_->all_gone();
}

void Master::kill_all() {
  if (queue_workers_) queue_workers_->kill();
  for (Slot& slot : slots_) slot.process.kill();
}

}  // namespace lab
