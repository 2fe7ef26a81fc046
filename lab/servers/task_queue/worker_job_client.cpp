#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <thread>
#include <vector>

#include "lab/core/process.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/http/reply.hpp"
#include "lab/servers/http/route_table.hpp"
#include "lab/servers/steps/services.hpp"
#include "lab/servers/task_queue/shared_job_queue.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

namespace {

constexpr int kNotFound = 404;
constexpr int kNoPlace = 503;

/// The Enqueue steps of a server's routes, numbered alike in all of its processes. The table must outlive it.
class QueuedPlans {
 public:
  explicit QueuedPlans(const RouteTable& routes) {
    const auto look = [this](const Step& step) {
      if (const auto* job = step.as<Enqueue>()) steps_.push_back(job);
    };
    for (const ServedRoute& served : routes.routes()) for_each_step(served.route, look);
  }
  std::uint32_t number(const Enqueue& step) const {
    return static_cast<std::uint32_t>(std::ranges::find(steps_, &step) - steps_.begin());
  }
  const Enqueue& step(std::uint32_t number) const { return *steps_[number]; }

 private:
  std::vector<const Enqueue*> steps_;
};

/// TERM has come, of a process that executes jobs.
std::atomic<bool> is_to_end{false};

/// Executes jobs in the calling thread until it is to stop. `took` is set at each of them.
void work_on_queue(SharedJobQueue& job_queues, std::size_t queue, std::uint16_t unit, bool second,
                   const std::atomic<bool>& stop, const QueuedPlans& plans, const EventLog& events,
                   Services& services, std::atomic<bool>* took) {
  while (const std::optional<Job> job = job_queues.take(queue, unit | holder_offset(second), stop)) {
    if (took != nullptr) took->store(true, std::memory_order_relaxed);
    PlanExecution execution(events, services, job->request);
    execution.acquire(Resource::queue, unit);
    run_blocking(execution, plans.step(job->plan).steps, StepPlace{job->position}.at(1));
    execution.release(Resource::queue, unit);
    job_queues.finish(queue, job->id, execution.ended());
  }
}

class WorkerJobClient final : public JobClient {
 public:
  explicit WorkerJobClient(const Worker& worker)
      : job_queues_(*worker.wiring().job_queues),
        slot_(worker.wiring().slot),
        plans_(worker.routes()),
        events_(worker.events()) {
    std::uint16_t unit = 0;
    for (std::size_t queue = 0; queue < job_queues_.queues().size(); ++queue) {
      const NamedQueue& own = job_queues_.queues()[queue];
      if (own.slot != slot_) continue;
      for (int i = 0; i < own.settings.workers; ++i, ++unit) {
        threads_.emplace_back([this, queue, unit, second = worker.wiring().second, &worker] {
          work_on_queue(job_queues_, queue, unit, second, stop_, plans_, events_, worker.services(), nullptr);
        });
      }
    }
  }

  ~WorkerJobClient() override {
    stop_.store(true, std::memory_order_release);
    for (std::size_t queue = 0; queue < job_queues_.queues().size(); ++queue) {
      if (job_queues_.queues()[queue].slot == slot_) job_queues_.wake(queue);
    }
    for (std::thread& thread : threads_) thread.join();
  }

  void enqueue(PlanExecution& execution, const Enqueue& step, StepPlace place) override {
    const std::size_t queue = job_queues_.find(step.queue, slot_);
    // Before the job can be seen by a worker of the queue, whose events come after.
    const Nanos at = events_.stamp();
    const std::optional<std::int64_t> id =
        job_queues_.put(queue, {.request = execution.id(),
                                .plan = plans_.number(step),
                                .position = place.position,
                                .worker = static_cast<std::uint16_t>(slot_)});
    if (!id) {
      const QueueSettings& settings = job_queues_.queues()[queue].settings;
      return execution.fail(kNoPlace,
                            fmt::format("queue '{}' is full: {} jobs wait", step.queue, settings.capacity));
    }
    events_.add(EventKind::enqueued, execution.id(), at, *id);
    execution.leave([&](PlanExecution::Outcome& outcome) {
      outcome.reply = fmt::format(R"({{"task_id":{},"status":"processing"}})", *id);
    });
  }

  void fetch(PlanExecution& execution, const FetchResult& step, std::string_view text) override {
    const std::int64_t id = number_in<std::int64_t>(text).value_or(0);
    const JobState state = job_queues_.state(job_queues_.find(step.queue, slot_), id);
    if (state == JobState::unknown) return execution.fail(kNotFound, "no such task in this worker's queue");
    execution.leave([&](PlanExecution::Outcome& outcome) {
      outcome.reply = fmt::format(
          R"({{"task_id":{},"status":"{}"{}{}}})", id, state < JobState::done ? "pending" : to_string(state),
          state == JobState::done ? ",\"prediction\":" : "", state == JobState::done ? kPrediction : "");
    });
  }

 private:
  SharedJobQueue& job_queues_;
  int slot_;
  QueuedPlans plans_;
  const EventLog& events_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<JobClient> start_job_client(const Worker& worker) {
  return std::make_unique<WorkerJobClient>(worker);
}

int run_queue_worker(const ServerSetup& setup, const EventLog& events, SharedJobQueue& job_queues,
                     std::size_t queue, std::size_t unit, bool second, WorkerStatus& status,
                     int ready_signal) {
  begin_service(fmt::format("lab-queue-{}", unit), {SIGINT, SIGQUIT, SIGHUP, SIGPIPE});
  // The job that it is at is to be finished.
  std::signal(SIGTERM, [](int /*number*/) { is_to_end.store(true, std::memory_order_release); });
  limit_cores(setup.arm.cores);
  try {
    const RouteTable routes(setup);
    const QueuedPlans plans(routes);
    // Members of a pool of processes are the handlers', not a job's.
    ServerSetup own = setup;
    own.arm.pool_processes = false;
    Services services(own);
    services.report_to(status.progress);
    services.open();
    status.ready.store(true, std::memory_order_release);
    eventfd_write(ready_signal, 1);
    work_on_queue(job_queues, queue, static_cast<std::uint16_t>(unit), second, is_to_end, plans, events,
                  services, &status.replied);
    return 0;
  } catch (const std::exception& fault) {
    fmt::print(stderr, "lab: a worker of a task queue: {}\n", fault.what());
    return 1;
  }
}

}  // namespace lab
