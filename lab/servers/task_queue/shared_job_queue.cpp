#include "lab/servers/task_queue/shared_job_queue.hpp"

#include <pthread.h>
#include <semaphore.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <new>
#include <set>
#include <utility>

#include "lab/servers/steps/services.hpp"

namespace lab {

namespace {

constexpr std::size_t kRemembered = 100'000;
constexpr const char* kDefaultQueue = "jobs";  // of mode `task-queue` where a plan names none

std::size_t aligned(std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  return (bytes + kLine - 1) / kLine * kLine;
}

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
  std::atomic<bool> closed{false};
  std::size_t first = 0, waiting = 0, running = 0;
};

/// The board's mutex. Every change is a few words whose order leaves the board whole, so what a dead owner
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

std::vector<BoardQueue> SharedJobQueue::queues_of(const ServerSetup& setup) {
  std::set<std::string> names;
  for (const auto& [name, settings] : setup.arm.queues) names.insert(name);
  if (setup.arm.uses(Resource::queue)) names.insert(kDefaultQueue);
  for_each_step_of(setup.routes, [&](const Step& step) {
    if (const auto* put = std::get_if<Enqueue>(&step.action)) names.insert(put->queue);
    if (const auto* fetch = std::get_if<FetchResult>(&step.action)) names.insert(fetch->queue);
  });
  std::vector<BoardQueue> queues;
  for (const std::string& name : names) {
    const auto found = setup.arm.queues.find(name);
    const QueueSettings settings = found == setup.arm.queues.end() ? QueueSettings{} : found->second;
    if (settings.shared) queues.push_back({name, -1, settings});
    for (int slot = 0; !settings.shared && slot < setup.arm.workers; ++slot)
      queues.push_back({name, slot, settings});
  }
  return queues;
}

Result<SharedJobQueue> SharedJobQueue::create(const ServerSetup& setup) {
  SharedJobQueue board;
  board.queues_ = queues_of(setup);
  if (board.queues_.empty()) return board;
  board.entries_ = kRemembered;
  for (const BoardQueue& queue : board.queues_) board.entries_ += places(queue.settings);
  std::size_t bytes = aligned(sizeof(Shared)) + aligned(board.entries_ * sizeof(Entry));
  for (const BoardQueue& queue : board.queues_) {
    board.offsets_.push_back(bytes);
    bytes += aligned(sizeof(Line)) + aligned(places(queue.settings) * sizeof(std::int64_t));
  }
  auto memory = SharedMemory<std::byte>::create("the task queues", bytes);
  if (!memory) return memory.error();
  board.memory_ = std::move(*memory);
  // Fresh pages are zero, which is what the entries begin with: touching them all would cost megabytes.
  board.shared().next_id = 1;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&board.shared().mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  for (std::size_t i = 0; i < board.queues_.size(); ++i) sem_init(&(new (&board.line(i)) Line)->some, 1, 0);
  return board;
}

SharedJobQueue::Shared& SharedJobQueue::shared() const {
  return *reinterpret_cast<Shared*>(memory_.get());
}

SharedJobQueue::Line& SharedJobQueue::line(std::size_t queue) const {
  return *reinterpret_cast<Line*>(&memory_[offsets_[queue]]);
}

std::int64_t* SharedJobQueue::ring(std::size_t queue) const {
  return reinterpret_cast<std::int64_t*>(&memory_[offsets_[queue] + aligned(sizeof(Line))]);
}

/// Where the job of this id is, or was until another one took its place.
SharedJobQueue::Entry& SharedJobQueue::entry_at(std::int64_t id) const {
  auto* const entries = reinterpret_cast<Entry*>(&memory_[aligned(sizeof(Shared))]);
  return entries[static_cast<std::size_t>(id) % entries_];
}

SharedJobQueue::Entry* SharedJobQueue::entry(std::size_t queue, std::int64_t id) const {
  if (id <= 0) return nullptr;
  Entry& found = entry_at(id);
  return found.job.id == id && found.queue == queue ? &found : nullptr;
}

std::optional<std::size_t> SharedJobQueue::find(std::string_view name, int slot) const {
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    if (queues_[i].name == name && (queues_[i].slot == slot || queues_[i].slot < 0)) return i;
  }
  return std::nullopt;
}

std::optional<std::int64_t> SharedJobQueue::put(std::size_t queue, Job job) {
  Line& to = line(queue);
  const std::size_t most = places(queues_[queue].settings);
  {
    const Lock lock(shared());
    if (to.waiting + to.running >= most) return std::nullopt;
    // Only what is over gives up its entry, and there are more entries than jobs that are not.
    while (entry_at(shared().next_id).is_open()) ++shared().next_id;
    job.id = shared().next_id++;
    entry_at(job.id) = {job, static_cast<std::uint32_t>(queue), 0, JobState::queued};
    ring(queue)[(to.first + to.waiting) % most] = job.id;
    ++to.waiting;
  }
  sem_post(&to.some);
  return job.id;
}

std::optional<Job> SharedJobQueue::take(std::size_t queue, std::uint16_t holder) {
  Line& from = line(queue);
  const std::size_t most = places(queues_[queue].settings);
  for (;;) {
    while (sem_wait(&from.some) != 0 && errno == EINTR) {
    }
    if (from.closed.load(std::memory_order_acquire)) return std::nullopt;
    const Lock lock(shared());
    if (from.waiting == 0) continue;
    Entry* const found = entry(queue, ring(queue)[from.first]);
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
  const Lock lock(shared());
  Line& of = line(queue);
  if (of.running > 0) --of.running;
  if (Entry* const found = entry(queue, id)) found->state = failed ? JobState::failed : JobState::done;
}

JobState SharedJobQueue::state(std::size_t queue, std::int64_t id) const {
  const Lock lock(shared());
  const Entry* const found = entry(queue, id);
  return found == nullptr ? JobState::unknown : found->state;
}

void SharedJobQueue::close(std::size_t queue) {
  Line& of = line(queue);
  of.closed.store(true, std::memory_order_release);
  for (int i = 0; i < queues_[queue].settings.workers; ++i) sem_post(&of.some);
}

void SharedJobQueue::open(std::size_t queue) {
  line(queue).closed.store(false, std::memory_order_release);
}

std::vector<Job> SharedJobQueue::lose(std::size_t queue, std::optional<std::uint16_t> holder) {
  std::vector<Job> lost;
  Line& of = line(queue);
  {
    const Lock lock(shared());
    // Entries are taken in turn, so past the newest id none was used yet.
    const std::int64_t used = std::min(shared().next_id, static_cast<std::int64_t>(entries_));
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
  std::sort(lost.begin(), lost.end(), [](const Job& a, const Job& b) { return a.id < b.id; });
  // It may have died between the semaphore and its job.
  sem_post(&of.some);
  return lost;
}

}  // namespace lab
