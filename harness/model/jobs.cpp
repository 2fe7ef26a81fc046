#include "harness/model/jobs.hpp"

#include <algorithm>
#include <functional>

namespace lab {

JobQueues::JobQueues(Kernel& kernel, const ModelInput& input) : k_(kernel) {
  int unit = 0;
  for (const std::string& name : k_.programs.queue_names) {
    JobQueue queue;
    const auto found = input.arm->queues.find(name);
    if (found != input.arm->queues.end()) queue.settings = found->second;
    queue.settings.workers = std::max(1, queue.settings.workers);
    queue.first_unit = static_cast<std::uint16_t>(unit);
    unit += queue.settings.workers;
    queue.groups.assign(queue.settings.shared ? 1 : k_.workers, queue.idle());
    queues_.push_back(std::move(queue));
  }
}

JobQueues::ServerGroup JobQueues::JobQueue::idle() const {
  ServerGroup group;
  for (int i = settings.workers; i > 0; --i)
    group.free.push_back(static_cast<std::uint16_t>(first_unit + i - 1));
  return group;
}

bool JobQueues::put(std::uint32_t task, const MicroOp& op, bool keeps_task) {
  const auto number = static_cast<std::uint32_t>(op.duration);
  const JobQueue& queue = queues_[number];
  const Kernel::Task& asking = k_.tasks[task];
  const Kernel::Task job{.id = asking.id, .pc = op.index, .load = asking.load, .worker = asking.worker};
  ServerGroup& group = group_of(number, job.worker);
  Kernel::Extra& request = k_.extras[k_.extras[task].root];
  if (group.free.empty() && static_cast<std::int64_t>(group.waiting.size()) >= queue.settings.capacity) {
    request.status = 503;
    return false;
  }
  jobs_.push_back({Kernel::JobState::pending, job.worker, k_.epochs[job.worker], number});
  const auto id = static_cast<std::int64_t>(jobs_.size());
  if (keeps_task) request.value = id;
  k_.emit(EventKind::enqueued, k_.tasks[task], Resource::queue, id);
  const std::uint32_t index = k_.create(job);
  Kernel::Extra& extra = k_.extras[index];
  extra.root = index;
  extra.route = k_.extras[task].route;
  extra.job = id;
  extra.in_shared_queue = queue.settings.shared;
  if (group.free.empty()) {
    extra.place = Kernel::Place::job_queue;
    group.waiting.push_back(index);
  } else {
    start(index, group);
  }
  return true;
}

void JobQueues::start(std::uint32_t task, ServerGroup& group) {
  k_.tasks[task].unit = group.free.back();
  group.free.pop_back();
  k_.extras[task].place = Kernel::Place::none;
  k_.emit(EventKind::acquire, k_.tasks[task], Resource::queue);
  k_.push_ready(task);
}

void JobQueues::end(std::uint32_t task) {
  Job& job = job_of(k_.extras[task].job);
  job.state = Kernel::JobState::done;
  k_.emit(EventKind::release, k_.tasks[task], Resource::queue);
  ServerGroup& group = group_of(job.queue, job.worker);
  const std::uint16_t unit = k_.tasks[task].unit;
  group.free.insert(std::ranges::lower_bound(group.free, unit, std::greater<>()), unit);
  k_.free_task(task);
  if (group.waiting.empty()) return;
  const std::uint32_t next = group.waiting.front();
  group.waiting.pop_front();
  start(next, group);
}

bool JobQueues::fetch(std::uint32_t task, std::uint32_t queue, bool keeps_task) {
  Kernel::Extra& request = k_.extras[k_.extras[task].root];
  const std::int64_t id = request.asked;
  const std::uint32_t worker = k_.tasks[task].worker;
  const bool shared = queues_[queue].settings.shared;
  bool known = id >= 1 && id <= static_cast<std::int64_t>(jobs_.size());
  if (known) {
    const Job& job = job_of(id);
    known = job.queue == queue && (shared || job.worker == worker);
    // What a worker had done is forgotten with it; what it had not is known to be lost.
    if (known && job.state == Kernel::JobState::done && !shared) known = job.epoch == k_.epochs[worker];
    request.reported = job.state;
  }
  if (!known) {
    request.reported = Kernel::JobState::none;
    request.status = 404;
    return false;
  }
  if (keeps_task) request.value = id;
  return true;
}

void JobQueues::reset_worker(std::uint32_t worker) {
  for (JobQueue& queue : queues_) {
    if (!queue.settings.shared) queue.groups[worker] = queue.idle();
  }
}

}  // namespace lab
