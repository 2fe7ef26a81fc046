// Workers that take connections for themselves, and workers that die.
#include <algorithm>

#include "harness/model/simulation.hpp"

namespace lab {

void Simulation::deal_opened(const ModelInput& input) {
  dealt_ = false;
  connections_.resize(opened_);
  const int limit = input.arm->accept_limit;
  for (std::uint64_t number = 0; number < opened_; ++number) {
    // One by one in time, so every worker is idle; it keeps one that has not spoken yet.
    const auto worker = static_cast<std::uint32_t>((first_worker_ + number % workers_) % workers_);
    if (arm_.accept == Accept::one && limit > 0 && serving_[worker] >= limit) {
      backlog_.push_back(number);
      continue;
    }
    ++serving_[worker];
    connections_[number].worker = static_cast<std::int32_t>(worker);
  }
}

bool Simulation::connect(std::uint32_t index, std::uint64_t number) {
  const auto settle_on = [&](std::uint32_t worker) {
    tasks_[index].worker = worker;
    extras_[index].epoch = epochs_[worker];
  };
  if (dealt_) {
    if (number < opened_ && epochs_[worker_of(number)] > 0) number = next_fresh_++;
    settle_on(worker_of(number));
    return true;
  }
  if (connections_.size() <= number) connections_.resize(number + 1);
  Connection& connection = connections_[number];
  const bool waits = number < opened_ && connection.worker < 0;
  if (number < opened_ && !waits &&
      epochs_[static_cast<std::uint32_t>(connection.worker)] == connection.epoch) {
    settle_on(static_cast<std::uint32_t>(connection.worker));
    return true;
  }
  connection = {-1, index, 0};
  extras_[index].place = Place::backlog;
  if (!waits) backlog_.push_back(number);
  accept_due_ = true;
  return false;
}

bool Simulation::may_accept(std::uint32_t worker) {
  const bool full =
      arm_.accept == Accept::one && arm_.accept_limit > 0 && serving_[worker] >= arm_.accept_limit;
  if (full) return false;
  const bool has_loop = arm_.modes.empty() || arm_.modes.front().handler != Resource::thread;
  return !has_loop || slot(worker, Resource::loop).free > 0 || worker_turns_[worker].ended;
}

void Simulation::accept_waiting() {
  accept_due_ = false;
  while (!backlog_.empty()) {
    std::uint32_t tried = 0;
    while (tried < workers_ && !may_accept(next_acceptor_)) {
      next_acceptor_ = (next_acceptor_ + 1) % workers_;
      ++tried;
    }
    if (tried == workers_) break;
    const std::uint32_t worker = next_acceptor_;
    next_acceptor_ = (next_acceptor_ + 1) % workers_;
    worker_turns_[worker].ended = false;
    const std::size_t many = arm_.accept == Accept::greedy ? backlog_.size() : 1;
    for (std::size_t i = 0; i < many; ++i) accept_one(worker);
    settle();
  }
  for (Turn& turn : worker_turns_) turn.ended = false;
}

void Simulation::accept_one(std::uint32_t worker) {
  const std::uint64_t number = backlog_.front();
  backlog_.pop_front();
  ++serving_[worker];
  Connection& connection = connections_[number];
  connection.worker = static_cast<std::int32_t>(worker);
  connection.epoch = epochs_[worker];
  const std::uint32_t task = connection.task;
  if (task == kNone) return;  // nothing has been sent on it yet
  connection.task = kNone;
  tasks_[task].worker = worker;
  extras_[task].epoch = epochs_[worker];
  extras_[task].place = Place::none;
  stamps_[task].accepted = now_;
  emit(EventKind::accepted, tasks_[task], Resource::nothing, static_cast<std::int64_t>(number + 1));
  ++splits_[worker];
  run_task(task);
}

void Simulation::kill(std::uint32_t worker) {
  ++epochs_[worker];
  std::vector<std::uint32_t> orphans;  // loads whose clients have lost their connection
  for (std::uint32_t task = 0; task < tasks_.size(); ++task) {
    const Extra& extra = extras_[task];
    const bool here = extra.root != kNone && tasks_[task].worker == worker && !extra.in_shared_queue;
    if (here && extra.place != Place::backlog && extra.place != Place::pause) stop(task, orphans);
  }
  reset_worker(worker);
  lose_jobs(worker);
  counters_[worker] = 0;
  serving_[worker] = 0;
  accept_due_ = !dealt_;
  for (const std::uint32_t load : orphans) spawn_next(load);
}

void Simulation::stop(std::uint32_t index, std::vector<std::uint32_t>& orphans) {
  for (std::size_t i = kResources; i-- > 0;) {
    if ((extras_[index].held >> i & 1) != 0) {
      emit(EventKind::release, tasks_[index], static_cast<Resource>(i));
    }
  }
  const Extra& extra = extras_[index];
  const Place place = extra.place;
  if (extra.job != 0) {
    if (place != Place::job_queue) emit(EventKind::release, tasks_[index], Resource::queue);
    jobs_[static_cast<std::size_t>(extra.job - 1)].state = JobState::lost;
    emit(EventKind::lost, tasks_[index], Resource::nothing, extra.job);
  } else if (extra.root == index) {
    const bool reconnects = loads_[tasks_[index].load].reconnects;
    if (!extra.gone && (!extra.answered || !reconnects)) orphans.push_back(tasks_[index].load);
    if (!extra.answered)
      deliver(index, extra.gone ? Outcome::hung_up : Outcome::reset, extra.gone ? extra.gone_at : now_);
  }
  if (place == Place::core) cores_.remove(index, now_);
  if (place == Place::timer) {
    extras_[index] = Extra{};
    extras_[index].place = Place::dead;  // its timer frees it
  } else {
    free_task(index);
  }
}

}  // namespace lab
