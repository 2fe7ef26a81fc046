#include "lab/servers/task_queue/shared_job_queue.hpp"

#include <pthread.h>
#include <semaphore.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <set>

#include "lab/servers/steps/services.hpp"

namespace lab {

namespace {

constexpr std::size_t kRemembered = 100'000;
// Who is to stop looks so often: another process may have taken what was to wake it.
constexpr Nanos kLookForStop = 100 * kMillisecond;

std::size_t places(const QueueSettings& settings) {
  return static_cast<std::size_t>(settings.capacity) + static_cast<std::size_t>(settings.workers);
}

}  // namespace

struct SharedJobQueue::Entry {
  Job job;
  std::uint32_t queue = 0;
  std::uint16_t holder = 0;
  JobState state = JobState::unknown;
  bool is_open() const { return state == JobState::queued || state == JobState::running; }
};

struct SharedJobQueue::Shared {
  pthread_mutex_t mutex;
  std::int64_t next_id = 1;
};

struct SharedJobQueue::Line {
  sem_t some;  // at least as often up as jobs wait; who finds none waits again
  std::size_t first = 0, waiting = 0, running = 0;
};

/// The queues' mutex. Every change is a few words whose order leaves them whole, so what a dead owner
/// was at is as good as done.
class SharedJobQueue::Lock {
 public:
  explicit Lock(Shared& shared) : mutex_(&shared.mutex) {
    if (pthread_mutex_lock(mutex_) == EOWNERDEAD) pthread_mutex_consistent(mutex_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { pthread_mutex_unlock(mutex_); }

 private:
  pthread_mutex_t* mutex_;
};

std::vector<NamedQueue> SharedJobQueue::queues_of(const ServerSetup& setup) {
  std::set<std::string> names;
  for (const auto& [name, settings] : setup.arm.queues) names.insert(name);
  if (setup.arm.uses(Resource::queue)) names.emplace(kDefaultQueue);
  const auto look = [&names](const Step& step) {
    if (const auto* put = step.as<Enqueue>()) names.insert(put->queue);
    if (const auto* fetch = step.as<FetchResult>()) names.insert(fetch->queue);
  };
  for (const Route& route : setup.routes) for_each_step(route, look);
  std::vector<NamedQueue> queues;
  for (const std::string& name : names) {
    const auto found = setup.arm.queues.find(name);
    const QueueSettings settings = found == setup.arm.queues.end() ? QueueSettings{} : found->second;
    if (settings.shared) queues.push_back({name, -1, settings});
    for (int slot = 0; !settings.shared && slot < setup.arm.workers; ++slot)
      queues.push_back({name, slot, settings});
  }
  return queues;
}

std::vector<std::size_t> SharedJobQueue::shared_workers() const {
  std::vector<std::size_t> workers;
  for (std::size_t queue = 0; queue < queues_.size(); ++queue) {
    if (queues_[queue].slot < 0)
      workers.insert(workers.end(), static_cast<std::size_t>(queues_[queue].settings.workers), queue);
  }
  return workers;
}

Result<SharedJobQueue> SharedJobQueue::create(const ServerSetup& setup) {
  SharedJobQueue job_queues;
  job_queues.queues_ = queues_of(setup);
  if (job_queues.queues_.empty()) return job_queues;
  std::size_t all_places = 0;
  for (const NamedQueue& queue : job_queues.queues_) {
    job_queues.rings_begin_.push_back(all_places);
    all_places += places(queue.settings);
  }
  job_queues.size_ = kRemembered + all_places;
  LAB_TRY(job_queues.shared_, SharedMemory<Shared>::create("the task queues"));
  LAB_TRY(job_queues.lines_, SharedMemory<Line>::create("the task queues", job_queues.queues_.size()));
  LAB_TRY(job_queues.rings_, SharedMemory<std::int64_t>::create("the task queues", all_places));
  // Fresh pages are zero, which is what the entries begin with: touching them all would cost megabytes.
  LAB_TRY(job_queues.entries_,
          SharedMemory<std::byte>::create("the task queues", job_queues.size_ * sizeof(Entry)));
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&job_queues.shared_->mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  for (std::size_t i = 0; i < job_queues.queues_.size(); ++i) sem_init(&job_queues.lines_[i].some, 1, 0);
  return job_queues;
}

/// Where the job of this id is, or was until another one took its place.
SharedJobQueue::Entry& SharedJobQueue::entry_at(std::int64_t id) const {
  return reinterpret_cast<Entry*>(entries_.get())[static_cast<std::size_t>(id) % size_];
}

SharedJobQueue::Entry* SharedJobQueue::entry(std::size_t queue, std::int64_t id) const {
  if (id <= 0) return nullptr;
  Entry& found = entry_at(id);
  return found.job.id == id && found.queue == queue ? &found : nullptr;
}

std::size_t SharedJobQueue::find(std::string_view name, int slot) const {
  const auto is_it = [&](const NamedQueue& queue) {
    return queue.name == name && (queue.slot == slot || queue.slot < 0);
  };
  return static_cast<std::size_t>(std::ranges::find_if(queues_, is_it) - queues_.begin());
}

std::optional<std::int64_t> SharedJobQueue::put(std::size_t queue, Job job) {
  Line& to = lines_[queue];
  const std::size_t most = places(queues_[queue].settings);
  {
    const Lock lock(*shared_);
    if (to.waiting + to.running >= most) return std::nullopt;
    // Only what is over gives up its entry, and there are more entries than jobs that are not.
    while (entry_at(shared_->next_id).is_open()) ++shared_->next_id;
    job.id = shared_->next_id++;
    entry_at(job.id) = {job, static_cast<std::uint32_t>(queue), 0, JobState::queued};
    rings_[rings_begin_[queue] + (to.first + to.waiting) % most] = job.id;
    ++to.waiting;
  }
  sem_post(&to.some);
  return job.id;
}

std::optional<Job> SharedJobQueue::take(std::size_t queue, std::uint16_t holder,
                                        const std::atomic<bool>& stop) {
  Line& from = lines_[queue];
  const std::size_t most = places(queues_[queue].settings);
  for (;;) {
    const Nanos again = monotonic_now() + kLookForStop;
    const timespec until{again / kSecond, again % kSecond};
    const bool some = sem_clockwait(&from.some, CLOCK_MONOTONIC, &until) == 0;
    if (stop.load(std::memory_order_acquire)) {
      if (some) sem_post(&from.some);  // it may be for a job, and others are there to take that
      return std::nullopt;
    }
    if (!some) continue;
    const Lock lock(*shared_);
    if (from.waiting == 0) continue;
    Entry* const found = entry(queue, rings_[rings_begin_[queue] + from.first]);
    from.first = (from.first + 1) % most;
    --from.waiting;
    if (found == nullptr) continue;
    ++from.running;
    found->holder = holder;
    found->state = JobState::running;
    return found->job;
  }
}

void SharedJobQueue::finish(std::size_t queue, std::int64_t id, bool failed) {
  const Lock lock(*shared_);
  Line& of = lines_[queue];
  if (of.running > 0) --of.running;
  if (Entry* const found = entry(queue, id)) found->state = failed ? JobState::failed : JobState::done;
}

JobState SharedJobQueue::state(std::size_t queue, std::int64_t id) const {
  const Lock lock(*shared_);
  const Entry* const found = entry(queue, id);
  return found == nullptr ? JobState::unknown : found->state;
}

void SharedJobQueue::wake(std::size_t queue) {
  for (int i = 0; i < queues_[queue].settings.workers; ++i) sem_post(&lines_[queue].some);
}

std::vector<Job> SharedJobQueue::lose(std::size_t queue, std::optional<std::uint16_t> holder) {
  std::vector<Job> lost;
  Line& of = lines_[queue];
  {
    const Lock lock(*shared_);
    // Entries are taken in turn, so past the newest id none was used yet.
    const std::int64_t used = std::min(shared_->next_id, static_cast<std::int64_t>(size_));
    for (std::int64_t place = 0; place < used; ++place) {
      Entry& found = entry_at(place);
      if (found.queue != queue || !found.is_open()) continue;
      const bool running = found.state == JobState::running;
      if (holder && !(running && found.holder == *holder)) continue;
      if (running && of.running > 0) --of.running;
      found.state = JobState::lost;
      lost.push_back(found.job);
    }
    if (!holder) of.waiting = of.running = 0;
  }
  std::ranges::sort(lost, {}, &Job::id);
  // It may have died between the semaphore and its job.
  sem_post(&of.some);
  return lost;
}

}  // namespace lab
