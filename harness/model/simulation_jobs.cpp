// Task queues: jobs are tasks that some worker of the queue runs, or that wait for one.
#include <algorithm>
#include <functional>

#include "harness/model/simulation.hpp"

namespace lab {

void Simulation::make_queues(const ModelInput& input) {
  std::uint16_t unit = 0;
  for (const std::string& name : queue_names_) {
    JobQueue queue;
    const auto found = input.arm->queues.find(name);
    if (found != input.arm->queues.end()) queue.settings = found->second;
    queue.first_unit = unit;
    const auto members = static_cast<std::uint16_t>(std::max(1, queue.settings.workers));
    unit = static_cast<std::uint16_t>(unit + members);
    JobBench bench;
    for (std::uint16_t i = members; i > 0; --i) {
      bench.free.push_back(static_cast<std::uint16_t>(queue.first_unit + i - 1));
    }
    queue.benches.assign(queue.settings.shared ? 1 : workers_, bench);
    queues_.push_back(std::move(queue));
  }
}

Simulation::JobBench& Simulation::bench_of(std::uint32_t queue, std::uint32_t worker) {
  return queues_[queue].benches[queues_[queue].settings.shared ? 0 : worker];
}

bool Simulation::put_job(std::uint32_t task, const MicroOp& op) {
  const auto number = static_cast<std::uint32_t>(op.duration);
  const JobQueue& queue = queues_[number];
  const std::uint32_t worker = tasks_[task].worker;
  JobBench& bench = bench_of(number, worker);
  const std::uint32_t root = extras_[task].root;
  if (bench.free.empty() && static_cast<std::int64_t>(bench.waiting.size()) >= queue.settings.capacity) {
    extras_[root].status = 503;
    return false;
  }
  jobs_.push_back({JobState::pending, worker, epochs_[worker], number});
  const auto id = static_cast<std::int64_t>(jobs_.size());
  if (loads_[tasks_[task].load].keeps_task) extras_[root].value = id;
  emit(EventKind::enqueued, tasks_[task], Resource::queue, id);
  const std::uint32_t index = allocate();
  Task job;
  job.id = tasks_[task].id;
  job.load = tasks_[task].load;
  job.worker = worker;
  job.pc = op.index;
  tasks_[index] = job;
  Extra& extra = extras_[index];
  extra.root = index;
  extra.route = extras_[task].route;
  extra.job = id;
  extra.in_shared_queue = queue.settings.shared;
  if (bench.free.empty()) {
    extra.place = Place::job_queue;
    bench.waiting.push_back(index);
  } else {
    start_job(index, bench);
  }
  return true;
}

void Simulation::start_job(std::uint32_t index, JobBench& bench) {
  tasks_[index].unit = bench.free.back();
  bench.free.pop_back();
  extras_[index].place = Place::none;
  emit(EventKind::acquire, tasks_[index], Resource::queue);
  push(ready_, index);
}

void Simulation::end_job(std::uint32_t index) {
  Job& job = jobs_[static_cast<std::size_t>(extras_[index].job - 1)];
  job.state = JobState::done;
  emit(EventKind::release, tasks_[index], Resource::queue);
  JobBench& bench = bench_of(job.queue, job.worker);
  const std::uint16_t unit = tasks_[index].unit;
  bench.free.insert(std::lower_bound(bench.free.begin(), bench.free.end(), unit, std::greater<>()), unit);
  free_task(index);
  if (bench.waiting.empty()) return;
  const std::uint32_t next = bench.waiting.front();
  bench.waiting.pop_front();
  start_job(next, bench);
}

bool Simulation::fetch(std::uint32_t task, std::uint32_t queue) {
  const std::uint32_t root = extras_[task].root;
  Extra& extra = extras_[root];
  const std::int64_t id = extra.asked;
  const std::uint32_t worker = tasks_[task].worker;
  bool known = id >= 1 && id <= static_cast<std::int64_t>(jobs_.size());
  if (known) {
    const Job& job = jobs_[static_cast<std::size_t>(id - 1)];
    known = job.queue == queue && (queues_[queue].settings.shared || job.worker == worker);
    // What a worker had done is forgotten with it; what it had not is known to be lost.
    if (known && job.state == JobState::done && !queues_[queue].settings.shared) {
      known = job.epoch == epochs_[worker];
    }
    extra.told = job.state;
  }
  if (!known) {
    extra.told = JobState::none;
    extra.status = 404;
    return false;
  }
  if (loads_[tasks_[task].load].keeps_task) extra.value = id;
  return true;
}

void Simulation::lose_jobs(std::uint32_t worker) {
  for (JobQueue& queue : queues_) {
    if (queue.settings.shared) continue;
    JobBench& bench = queue.benches[worker];
    bench.waiting.clear();
    bench.free.clear();
    for (int i = std::max(1, queue.settings.workers); i > 0; --i) {
      bench.free.push_back(static_cast<std::uint16_t>(queue.first_unit + i - 1));
    }
  }
}

}  // namespace lab
