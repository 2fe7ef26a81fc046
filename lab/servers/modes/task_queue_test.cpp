#include <sys/wait.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <set>

#include "lab/core/testing/eventually.hpp"
#include "lab/servers/task_queue/shared_job_queue.hpp"
#include "lab/servers/testing/test_client.hpp"

namespace lab {

using test::get;
using test::kPatience;
using test::RawClient;
using test::status_of;

namespace {

constexpr Nanos kMinute = 60 * kSecond;
const std::atomic<bool> kGoOn{false};

/// POST /predict puts a job that takes `length`; GET /result/{task_id} asks for it.
ServerSetup queue_setup(Nanos length, bool shared, int workers = 1) {
  ServerSetup setup;
  setup.routes = {{"predict", "POST", "/predict", {{Wait{length}}}},
                  {"result", "GET", "/result/{task_id}", {{FetchResult{"jobs"}}}}};
  setup.arm.modes = {find_mode("task-queue")->traits, find_mode("task-queue")->traits};
  setup.arm.workers = workers;
  setup.arm.queues["jobs"] = {.workers = 1, .capacity = 1, .shared = shared};
  return setup;
}

std::string ask(std::uint16_t port, const std::string& request) {
  RawClient client(port);
  client.send(request);
  return client.reply();
}

std::string put(std::uint16_t port) {
  return ask(port, "POST /predict HTTP/1.1\r\nHost: lab\r\nLab-Request: 7\r\nContent-Length: 0\r\n\r\n");
}

std::int64_t id_of(const std::string& reply) {
  const std::size_t at = reply.find("\"task_id\":");
  return at == std::string::npos ? 0 : std::atoll(reply.c_str() + at + 10);
}

bool says(const std::string& reply, std::string_view status) {
  return reply.find("\"status\":\"" + std::string(status) + "\"") != std::string::npos;
}

/// Asks again until the job has that status or the patience ends.
bool becomes(std::uint16_t port, std::int64_t id, std::string_view status) {
  return test::eventually([&] { return says(ask(port, get("/result/" + std::to_string(id))), status); },
                          kPatience);
}

ServerSetup board_setup(std::int64_t capacity) {
  ServerSetup setup = queue_setup(0, true);
  setup.arm.queues["jobs"].capacity = capacity;
  return setup;
}

}  // namespace

TEST_CASE("jobs leave the queue in the order in which they came") {
  auto job_queues = SharedJobQueue::create(board_setup(8));
  REQUIRE(job_queues.has_value());
  const auto first = job_queues->put(0, {.request = 1});
  const auto second = job_queues->put(0, {.request = 2});
  CHECK(job_queues->state(0, *first) == JobState::queued);
  CHECK(job_queues->take(0, 0, kGoOn)->id == *first);
  CHECK(job_queues->take(0, 0, kGoOn)->request == 2);
  CHECK(job_queues->state(0, *second) == JobState::running);
  job_queues->finish(0, *second, false);
  CHECK(job_queues->state(0, *second) == JobState::done);
  CHECK(job_queues->state(0, 99) == JobState::unknown);
}

TEST_CASE("a job finds no place where as many wait as may") {
  auto job_queues = SharedJobQueue::create(board_setup(2));
  REQUIRE(job_queues.has_value());
  // One more than may wait: its worker takes it.
  for (int i = 0; i < 3; ++i) CHECK(job_queues->put(0, {}));
  CHECK_FALSE(job_queues->put(0, {}));
  const auto taken = job_queues->take(0, 0, kGoOn);
  CHECK_FALSE(job_queues->put(0, {}));
  job_queues->finish(0, taken->id, false);
  CHECK(job_queues->put(0, {}));
}

TEST_CASE("what a dead worker of a queue was at is lost, and nothing else") {
  auto job_queues = SharedJobQueue::create(board_setup(8));
  REQUIRE(job_queues.has_value());
  for (std::uint32_t request = 1; request <= 3; ++request) job_queues->put(0, {.request = request});
  const auto first = job_queues->take(0, 0, kGoOn);
  const auto second = job_queues->take(0, 1, kGoOn);
  const std::vector<Job> lost = job_queues->lose(0, std::uint16_t{1});
  REQUIRE(lost.size() == 1);
  CHECK(lost.front().request == 2);
  CHECK(job_queues->state(0, second->id) == JobState::lost);
  CHECK(job_queues->state(0, first->id) == JobState::running);
  CHECK(job_queues->lose(0).size() == 2);
}

TEST_CASE("queues together hold all jobs that each of them may hold") {
  constexpr std::int64_t kEach = 50'000;
  ServerSetup setup = board_setup(kEach);
  setup.arm.queues["mails"] = setup.arm.queues["reports"] = setup.arm.queues["jobs"];
  auto job_queues = SharedJobQueue::create(setup);
  REQUIRE(job_queues.has_value());
  REQUIRE(job_queues->queues().size() == 3);
  for (std::size_t queue = 0; queue < 3; ++queue) {
    for (std::int64_t i = 0; i < kEach; ++i)
      REQUIRE(job_queues->put(queue, {.request = static_cast<std::uint32_t>(i)}).has_value());
  }
  for (std::size_t queue = 0; queue < 3; ++queue) {
    for (std::int64_t i = 0; i < kEach; ++i) {
      const auto job = job_queues->take(queue, 0, kGoOn);
      REQUIRE(job->request == i);
      job_queues->finish(queue, job->id, false);
    }
  }
}

TEST_CASE("a job that waits is kept however many others come and go") {
  ServerSetup setup = board_setup(8);
  setup.arm.queues["mails"] = setup.arm.queues["jobs"];
  auto job_queues = SharedJobQueue::create(setup);
  REQUIRE(job_queues.has_value());
  const auto running = job_queues->put(0, {.request = 1});
  const auto waiting = job_queues->put(0, {.request = 2});
  job_queues->take(0, 0, kGoOn);
  for (int i = 0; i < 250'000; ++i) {
    REQUIRE(job_queues->put(1, {}).has_value());
    job_queues->finish(1, job_queues->take(1, 0, kGoOn)->id, false);
  }
  CHECK(job_queues->state(0, *running) == JobState::running);
  CHECK(job_queues->state(0, *waiting) == JobState::queued);
  const std::vector<Job> lost = job_queues->lose(0);
  REQUIRE(lost.size() == 2);
  CHECK(lost.front().id == *running);
  CHECK(lost.back().id == *waiting);
}

TEST_CASE("a worker of a queue that is to stop leaves what waits to the others") {
  auto job_queues = SharedJobQueue::create(board_setup(8));
  REQUIRE(job_queues.has_value());
  job_queues->put(0, {});
  const std::atomic<bool> stop{true};
  CHECK_FALSE(job_queues->take(0, 0, stop));
  CHECK(job_queues->take(0, 1, kGoOn));
}

TEST_CASE("a job is answered with its id at once, and its result is there later", "[sockets]") {
  for (const bool shared : {false, true}) {
    INFO((shared ? "shared" : "in the process"));
    auto server = Server::start(queue_setup(5 * kMillisecond, shared), nullptr);
    REQUIRE(server.has_value());
    const std::string reply = put(server->port());
    CHECK(status_of(reply) == 200);
    CHECK(says(reply, "processing"));
    REQUIRE(id_of(reply) > 0);
    CHECK(becomes(server->port(), id_of(reply), "done"));
    CHECK(status_of(ask(server->port(), get("/result/4711"))) == 404);
    CHECK(status_of(ask(server->port(), get("/result/x"))) == 404);
    CHECK(server->stop(kPatience));
    CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  }
}

TEST_CASE("a full queue says so", "[sockets]") {
  for (const bool shared : {false, true}) {
    auto server = Server::start(queue_setup(kMinute, shared), nullptr);
    REQUIRE(server.has_value());
    CHECK(status_of(put(server->port())) == 200);
    const std::string waiting = put(server->port());
    CHECK(status_of(waiting) == 200);
    CHECK(says(ask(server->port(), get("/result/" + std::to_string(id_of(waiting)))), "pending"));
    const std::string refused = put(server->port());
    CHECK(status_of(refused) == 503);
    CHECK(refused.find("queue 'jobs' is full") != std::string::npos);
    server->kill();
    CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  }
}

TEST_CASE("a queue in each process is unknown to the others; a shared one is not", "[sockets]") {
  for (const bool shared : {false, true}) {
    auto server = Server::start(queue_setup(0, shared, 2), nullptr);
    REQUIRE(server.has_value());
    // Connections are dealt in turn, so the two questions go to different workers.
    const std::int64_t id = id_of(put(server->port()));
    std::multiset<int> statuses;
    for (int i = 0; i < 2; ++i)
      statuses.insert(status_of(ask(server->port(), get("/result/" + std::to_string(id)))));
    CHECK(statuses == (shared ? std::multiset<int>{200, 200} : std::multiset<int>{200, 404}));
  }
}

TEST_CASE("the jobs of a killed worker are lost, and their requests are reported", "[sockets]") {
  auto rings = EventRings::create(1, 1024);
  REQUIRE(rings.has_value());
  auto server = Server::start(queue_setup(kMinute, false), &*rings);
  REQUIRE(server.has_value());
  const std::int64_t id = id_of(put(server->port()));
  REQUIRE(::kill(server->workers().front(), SIGKILL) == 0);
  CHECK(becomes(server->port(), id, "lost"));
  server->kill();
  Events events;
  rings->drain(events);
  const auto lost = std::find_if(events.begin(), events.end(),
                                 [](const Event& event) { return event.kind == EventKind::lost; });
  REQUIRE(lost != events.end());
  CHECK(lost->value == id);
  CHECK(lost->request == 7);
}

TEST_CASE("a job's steps are reported as its request's, by a worker of the queue", "[sockets]") {
  for (const bool shared : {false, true}) {
    auto rings = EventRings::create(1, 1024);
    REQUIRE(rings.has_value());
    auto server = Server::start(queue_setup(kMillisecond, shared), &*rings);
    REQUIRE(server.has_value());
    CHECK(becomes(server->port(), id_of(put(server->port())), "done"));
    CHECK(server->stop(kPatience));
    Events events;
    rings->drain(events);
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.at < b.at; });
    std::vector<EventKind> kinds;
    for (const Event& event : events) {
      const bool of_queue = event.resource == Resource::queue || event.kind == EventKind::step_begin ||
                            event.kind == EventKind::step_end || event.kind == EventKind::enqueued;
      if (event.request == 7 && of_queue) kinds.push_back(event.kind);
    }
    CHECK(kinds == std::vector<EventKind>{EventKind::enqueued, EventKind::acquire, EventKind::step_begin,
                                          EventKind::step_end, EventKind::release});
  }
}

}  // namespace lab
