#include "lab/servers/task_queue/worker_job_client.hpp"

#include <fmt/format.h>

#include <charconv>

#include "lab/servers/steps/blocking_steps.hpp"
#include "lab/servers/steps/services.hpp"

namespace lab {

namespace {

constexpr int kNotFound = 404;
constexpr int kNoPlace = 503;

std::int64_t to_id(std::string_view text) {
  std::int64_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  return problem == std::errc() && end == text.data() + text.size() ? id : 0;
}

std::string_view word_for(JobState state) {
  switch (state) {
    case JobState::done: return "done";
    case JobState::failed: return "failed";
    case JobState::lost: return "lost";
    default: return "pending";
  }
}

}  // namespace

QueuedPlans::QueuedPlans(const RouteTable& routes) {
  for (const ServedRoute& served : routes.routes()) {
    for (const Dependency& dependency : served.route.depends) add(dependency.steps);
    add(served.route.plan);
  }
}

void QueuedPlans::add(const Plan& plan) {
  for_each_step(plan, [this](const Step& step) {
    const auto* job = std::get_if<Enqueue>(&step.action);
    if (job == nullptr) return;
    numbers_[job] = static_cast<std::uint32_t>(steps_.size());
    steps_.push_back(job);
  });
}

void work_on_queue(SharedJobQueue& board, std::size_t queue, std::uint16_t unit, const QueuedPlans& plans,
                   const EventLog& events, Services& services, void (*took)(void* context), void* context) {
  while (const std::optional<Job> job = board.take(queue, unit)) {
    if (took != nullptr) took(context);
    PlanExecution execution(events, services, job->request);
    execution.acquire(Resource::queue, unit);
    run_blocking(execution, plans.step(job->plan).steps, StepPlace{job->position}.at(1));
    execution.release(Resource::queue, unit);
    board.finish(queue, job->id, execution.ended());
  }
}

WorkerJobClient::WorkerJobClient(SharedJobQueue& board, int slot, const RouteTable& routes,
                                 const EventLog& events, Services& services)
    : board_(board), slot_(slot), plans_(routes), events_(events) {
  std::uint16_t unit = 0;
  for (std::size_t queue = 0; queue < board.queues().size(); ++queue) {
    const BoardQueue& own = board.queues()[queue];
    if (own.slot != slot) continue;
    board.open(queue);
    for (int i = 0; i < own.settings.workers; ++i, ++unit) {
      threads_.emplace_back(
          [this, queue, unit, &services] { work_on_queue(board_, queue, unit, plans_, events_, services); });
    }
  }
}

WorkerJobClient::~WorkerJobClient() {
  for (std::size_t queue = 0; queue < board_.queues().size(); ++queue) {
    if (board_.queues()[queue].slot == slot_) board_.close(queue);
  }
  for (std::thread& thread : threads_) thread.join();
}

void WorkerJobClient::enqueue(PlanExecution& execution, const Enqueue& step, StepPlace place) {
  const std::optional<std::size_t> queue = board_.find(step.queue, slot_);
  if (!queue) return execution.fail(kNoPlace, fmt::format("this server has no queue '{}'", step.queue));
  // Before the job can be seen by a worker of the queue, whose events come after.
  const Nanos at = events_.stamp();
  const std::optional<std::int64_t> id = board_.put(*queue, {.request = execution.id(),
                                                             .plan = plans_.number(step),
                                                             .position = place.position,
                                                             .worker = static_cast<std::uint16_t>(slot_)});
  if (!id) {
    const QueueSettings& settings = board_.queues()[*queue].settings;
    return execution.fail(kNoPlace,
                          fmt::format("queue '{}' is full: {} jobs wait", step.queue, settings.capacity));
  }
  events_.add(EventKind::enqueued, execution.id(), at, *id);
  execution.set_reply(200, fmt::format(R"({{"task_id":{},"status":"processing"}})", *id));
}

void WorkerJobClient::fetch(PlanExecution& execution, const FetchResult& step, std::string_view text) {
  const std::optional<std::size_t> queue = board_.find(step.queue, slot_);
  const std::int64_t id = to_id(text);
  const JobState state = queue ? board_.state(*queue, id) : JobState::unknown;
  if (state == JobState::unknown) return execution.fail(kNotFound, "no such task in this worker's queue");
  const std::string_view prediction = state == JobState::done ? R"(,"prediction":0.5)" : "";
  execution.set_reply(200,
                      fmt::format(R"({{"task_id":{},"status":"{}"{}}})", id, word_for(state), prediction));
}

}  // namespace lab
