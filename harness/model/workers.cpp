#include "harness/model/workers.hpp"

#include <algorithm>
#include <utility>

#include "harness/model/clients.hpp"
#include "harness/model/jobs.hpp"
#include "lab/core/schedule.hpp"

namespace lab {

Workers::Workers(Kernel& kernel, const ModelInput& input, Clients& clients, JobQueues& jobs)
    : k_(kernel),
      clients_(clients),
      jobs_(jobs),
      seed_(input.seed + kRandomStep * input.lot),
      first_worker_(static_cast<std::uint32_t>(input.seed % k_.workers)),
      serving_(k_.workers),
      next_acceptor_(first_worker_) {
  for (const Kill& kill : k_.load_case.kills) {
    if (kill.worker < 0 || static_cast<std::uint32_t>(kill.worker) >= k_.workers) continue;
    k_.schedule(later(kModelStart, kill.at), Kernel::Due::kill, static_cast<std::uint32_t>(kill.worker), 0);
  }
}

void Workers::open(std::uint64_t connections) {
  opened_ = next_fresh_ = connections;
  if (!k_.workers_accept()) return;
  connections_.resize(opened_);
  for (std::uint64_t number = 0; number < opened_; ++number) {
    // One by one in time, so every worker is idle; it keeps one that has not spoken yet.
    const auto worker = static_cast<std::uint32_t>((first_worker_ + number % k_.workers) % k_.workers);
    if (is_full(worker)) {
      backlog_.push_back(number);
      continue;
    }
    ++serving_[worker];
    connections_[number].worker = static_cast<std::int32_t>(worker);
  }
}

std::uint64_t Workers::number(bool fresh, std::uint64_t count) {
  std::uint64_t& next = fresh ? next_fresh_ : next_opened_;
  next += count;
  return next - count;
}

std::uint32_t Workers::worker_of(std::uint64_t connection) const {
  if (k_.workers_accept() && connection < connections_.size()) {
    return static_cast<std::uint32_t>(std::max(0, connections_[connection].worker));
  }
  if (k_.arm.accept == Accept::reuseport)
    return static_cast<std::uint32_t>(hash64(seed_, connection) % k_.workers);
  return static_cast<std::uint32_t>((first_worker_ + connection % k_.workers) % k_.workers);
}

void Workers::give(std::uint32_t task, std::uint32_t worker) {
  k_.tasks[task].worker = worker;
  if (k_.is_full()) k_.extras[task].epoch = k_.epochs[worker];
}

bool Workers::connect(std::uint32_t task, std::uint64_t number) {
  if (!k_.workers_accept()) {
    if (number < opened_ && k_.epochs[worker_of(number)] > 0) number = next_fresh_++;
    give(task, worker_of(number));
    return true;
  }
  if (connections_.size() <= number) connections_.resize(number + 1);
  Connection& connection = connections_[number];
  const bool waits = number < opened_ && connection.worker < 0;
  if (number < opened_ && !waits && k_.epochs[worker_of(number)] == connection.epoch) {
    give(task, worker_of(number));
    return true;
  }
  connection = {-1, task, 0};
  k_.extras[task].place = Kernel::Place::backlog;
  if (!waits) backlog_.push_back(number);
  k_.accept_due = true;
  return false;
}

void Workers::leave(std::uint32_t worker) {
  if (k_.arm.accept != Accept::one) return;
  --serving_[worker];
  k_.accept_due = true;
}

bool Workers::may_accept(std::uint32_t worker) {
  if (is_full(worker)) return false;
  const bool has_loop = k_.arm.modes.empty() || k_.arm.modes.front().handler != Resource::thread;
  return !has_loop || k_.is_free(worker, Resource::loop) || k_.turn_over[worker] != 0;
}

void Workers::accept_waiting() {
  k_.accept_due = false;
  while (!backlog_.empty()) {
    std::uint32_t tried = 0;
    for (; tried < k_.workers && !may_accept(next_acceptor_); ++tried)
      next_acceptor_ = (next_acceptor_ + 1) % k_.workers;
    if (tried == k_.workers) break;
    const std::uint32_t worker = next_acceptor_;
    next_acceptor_ = (next_acceptor_ + 1) % k_.workers;
    k_.turn_over[worker] = 0;
    const std::size_t many = k_.arm.accept == Accept::greedy ? backlog_.size() : 1;
    for (std::size_t i = 0; i < many; ++i) accept_one(worker);
    k_.settle();
  }
  std::ranges::fill(k_.turn_over, std::uint8_t{0});
}

void Workers::accept_one(std::uint32_t worker) {
  const std::uint64_t number = backlog_.front();
  backlog_.pop_front();
  ++serving_[worker];
  Connection& connection = connections_[number];
  connection.worker = static_cast<std::int32_t>(worker);
  connection.epoch = k_.epochs[worker];
  const std::uint32_t task = std::exchange(connection.task, Kernel::kNone);
  if (task == Kernel::kNone) return;  // nothing has been sent on it yet
  give(task, worker);
  k_.extras[task].place = Kernel::Place::none;
  k_.stamps[task].accepted = k_.now;
  k_.emit(EventKind::accepted, k_.tasks[task], Resource::nothing, static_cast<std::int64_t>(number + 1));
  clients_.count_split(task);
  k_.run_task(task);
}

void Workers::kill(std::uint32_t worker) {
  ++k_.epochs[worker];
  std::vector<std::uint32_t> orphans;  // loads whose clients have lost their connection
  for (std::uint32_t task = 0; task < k_.tasks.size(); ++task) {
    const Kernel::Extra& extra = k_.extras[task];
    const bool here =
        extra.root != Kernel::kNone && k_.tasks[task].worker == worker && !extra.in_shared_queue;
    if (here && extra.place != Kernel::Place::backlog && extra.place != Kernel::Place::pause)
      stop(task, orphans);
  }
  k_.reset_worker(worker);
  jobs_.reset_worker(worker);
  serving_[worker] = 0;
  k_.accept_due = k_.workers_accept();
  for (const std::uint32_t load : orphans) clients_.begin_next(load);
}

void Workers::stop(std::uint32_t task, std::vector<std::uint32_t>& orphans) {
  const Kernel::Extra& extra = k_.extras[task];
  for (std::size_t i = kResources; i-- > 0;) {
    if ((extra.held >> i & 1) != 0) k_.emit(EventKind::release, k_.tasks[task], static_cast<Resource>(i));
  }
  if (extra.job != 0) {
    if (extra.place != Kernel::Place::job_queue) k_.emit(EventKind::release, k_.tasks[task], Resource::queue);
    jobs_.lose(extra.job);
    k_.emit(EventKind::lost, k_.tasks[task], Resource::nothing, extra.job);
  } else if (extra.root == task) {
    if (clients_.has_lost(task)) orphans.push_back(k_.tasks[task].load);
    if (!extra.answered) clients_.fail(task, Outcome::reset);
  }
  if (extra.place == Kernel::Place::core) k_.stop_computing(task);
  k_.drop(task);
}

}  // namespace lab
