#include "lab/servers/supervisor/family.hpp"

#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>

#include "lab/core/testing/eventually.hpp"

namespace lab {

namespace {

constexpr Nanos kStart = 100 * kSecond;
constexpr Nanos kLook = 100 * kMillisecond;

/// A family of one, whose member does this once it has said that it can answer. Time is what a test says.
class OneWorker {
 public:
  explicit OneWorker(std::function<void(WorkerStatus& status)> does)
      : does_(std::move(does)), family_(kind(), 1, status_.get(), ready_.get()) {
    REQUIRE(family_.start().has_value());
    serves();
    now_ = monotonic_now();
  }
  ~OneWorker() { family_.kill(); }

  Family& family() { return family_; }
  /// Looks once, so much later.
  void look(Nanos later = 0) {
    now_ += later;
    REQUIRE(family_.look_after(now_).has_value());
  }
  /// Looks until the worker can answer.
  bool serves() {
    return test::eventually([&] {
      look();
      return family_.ready();
    });
  }
  /// Looks until that was reported.
  bool reports(EventKind what) {
    return test::eventually([&] {
      look();
      return count(what) > 0;
    });
  }
  std::int64_t count(EventKind what) const {
    return std::count_if(reported_.begin(), reported_.end(),
                         [&](const auto& one) { return one.first == what; });
  }
  std::int64_t value(EventKind what) const {
    return std::find_if(reported_.begin(), reported_.end(),
                        [&](const auto& one) { return one.first == what; })
        ->second;
  }
  Progress& progress() { return status_.get()->progress; }

 private:
  Family::Kind kind() {
    return {.name = "worker {}",
            .source = [](std::size_t /*member*/) { return -1; },
            .live =
                [this](std::size_t /*member*/, bool /*second*/, WorkerStatus& status) {
                  does_(status);
                  status.ready.store(true);
                  eventfd_write(ready_.get(), 1);
                  for (;;) pause();
                  return 0;
                },
            .died = [](std::size_t /*member*/, bool /*second*/, bool /*replaced*/) {},
            .report = [this](std::size_t /*member*/, EventKind what,
                             std::int64_t value) { reported_.emplace_back(what, value); },
            .hopeless = [](std::size_t /*member*/,
                           const std::string& cause) { return environment_error("{}", cause); },
            .longest_step = kSecond,
            .cores = 1'000};
  }

  std::function<void(WorkerStatus& status)> does_;
  UniqueFd ready_{eventfd(0, EFD_CLOEXEC)};
  SharedMemory<WorkerStatus> status_ = SharedMemory<WorkerStatus>::create("test", 2).value();
  std::vector<std::pair<EventKind, std::int64_t>> reported_;
  Nanos now_ = monotonic_now();
  Family family_;
};

}  // namespace

TEST_CASE("a worker hangs a second and its longest step after its last sign, looked at twice") {
  HangPolicy policy;
  CHECK_FALSE(policy.hangs(kStart + 3 * kSecond - 1, kStart, 2 * kSecond, 1));
  CHECK_FALSE(policy.hangs(kStart + 3 * kSecond, kStart, 2 * kSecond, 1));
  CHECK_FALSE(policy.hangs(kStart + 3 * kSecond + kLook - 1, kStart, 2 * kSecond, 1));
  CHECK(policy.hangs(kStart + 3 * kSecond + kLook, kStart, 2 * kSecond, 1));
}

TEST_CASE("where cores are shared by more threads, a step may take as much longer") {
  HangPolicy policy;
  for (const Nanos after : {Nanos{0}, kLook})
    CHECK_FALSE(policy.hangs(kStart + 6 * kSecond + after, kStart, 2 * kSecond, 4));
  CHECK_FALSE(policy.hangs(kStart + 9 * kSecond, kStart, 2 * kSecond, 4));
  CHECK(policy.hangs(kStart + 9 * kSecond + kLook, kStart, 2 * kSecond, 4));
}

TEST_CASE("who has nothing to do does not hang, and a sign ends the suspicion") {
  HangPolicy policy;
  CHECK_FALSE(policy.hangs(kStart, std::nullopt, 0, 1));
  CHECK_FALSE(policy.hangs(kStart + 2 * kSecond, kStart, 0, 1));
  CHECK_FALSE(policy.hangs(kStart + 2 * kSecond + kLook / 2, kStart + 2 * kSecond, 0, 1));
  CHECK_FALSE(policy.hangs(kStart + 2 * kSecond + kLook, kStart, 0, 1));
}

TEST_CASE("nobody is taken for hung where the machine itself stood still") {
  HangPolicy policy;
  for (const Nanos after : {2, 12, 22, 32}) CHECK_FALSE(policy.hangs(kStart + after * kSecond, kStart, 0, 1));
}

TEST_CASE("the next look is when the limit is over, or soon where it is") {
  const HangPolicy policy;
  CHECK(policy.next_look(kStart, std::nullopt, kSecond) == kStart + 2 * kSecond);
  CHECK(policy.next_look(kStart, kStart - kSecond, kSecond) == kStart + kSecond);
  CHECK(policy.next_look(kStart, kStart - 9 * kSecond, kSecond) == kStart + kLook);
}

TEST_CASE("a worker that spins in a handler is killed and replaced, one that waits for work is not") {
  OneWorker idle([](WorkerStatus& /*status*/) {});
  const pid_t kept = idle.family().pids().front();
  for (int i = 0; i < 100; ++i) idle.look(kLook);
  CHECK(idle.family().pids().front() == kept);
  CHECK(idle.count(EventKind::hung) == 0);

  OneWorker worker([](WorkerStatus& status) {
    status.progress.begin(Resource::loop);
    status.ready.store(true);
    for (volatile bool spins = true; spins;) {
    }
  });
  const pid_t first = worker.family().pids().front();
  worker.look(kSecond);
  CHECK(worker.count(EventKind::hung) == 0);
  worker.look(kSecond + kLook);
  worker.look(kLook);
  CHECK(worker.count(EventKind::hung) == 1);
  CHECK(worker.reports(EventKind::serving));
  CHECK(WTERMSIG(static_cast<int>(worker.value(EventKind::died))) == SIGKILL);
  CHECK(worker.family().pids().front() != first);
}

TEST_CASE("a reload starts the next worker before it ends the last one") {
  OneWorker worker([](WorkerStatus& /*status*/) {});
  const pid_t first = worker.family().pids().front();
  worker.family().reload();
  worker.look();
  // Both are there until the next one has said that it can answer.
  CHECK(kill(first, 0) == 0);
  CHECK(worker.reports(EventKind::serving));
  CHECK(worker.family().pids().front() != first);
  CHECK(test::eventually([&] {
    worker.look();
    return kill(first, 0) != 0;
  }));
  CHECK(worker.count(EventKind::reloading) == 1);
  CHECK(worker.count(EventKind::died) == 0);
}

TEST_CASE("a worker whose successor dies or hangs while it starts stays, and the next reload is tried") {
  for (const bool hangs : {false, true}) {
    bool fails = false;
    OneWorker worker([&fails, hangs](WorkerStatus& /*status*/) {
      if (fails && !hangs) _exit(1);
      while (fails) pause();
    });
    const pid_t first = worker.family().pids().front();
    fails = true;
    worker.family().reload();
    worker.look();
    CHECK(worker.count(EventKind::reloading) == 1);
    worker.look(11 * kSecond);
    CHECK(test::eventually([&] {
      worker.family().reload();
      worker.look();
      return worker.count(EventKind::reloading) == 2;
    }));
    CHECK(worker.count(EventKind::died) == 0);
    CHECK(worker.family().pids().front() == first);
    CHECK(kill(first, 0) == 0);
  }
}

TEST_CASE("a worker that served for a while is restarted at once, however often") {
  RestartPolicy policy;
  for (Nanos now = 0; now < 100 * kMillisecond; now += kMillisecond)
    CHECK(policy.on_death(now, 2 * kSecond, true) == now);
}

TEST_CASE("the sixth young death within ten seconds is the last") {
  RestartPolicy policy;
  Nanos now = 5 * kSecond;
  CHECK(policy.on_death(now, 0, false) == now);
  for (const Nanos delay : {10, 20, 40, 80}) {
    const auto restart = policy.on_death(now, 0, false);
    REQUIRE(restart);
    CHECK(*restart == now + delay * kMillisecond);
    now = *restart;
  }
  CHECK_FALSE(policy.on_death(now, 0, false));
}

TEST_CASE("a death counts as young before the first reply, and within the first second") {
  for (const auto& [lived, replied] : {std::pair(5 * kSecond, false), std::pair(kSecond / 2, true)}) {
    RestartPolicy policy;
    for (int i = 0; i < 5; ++i) CHECK(policy.on_death(0, lived, replied));
    CHECK_FALSE(policy.on_death(0, lived, replied));
  }
}

TEST_CASE("young deaths are forgotten after ten seconds") {
  RestartPolicy policy;
  for (int i = 0; i < 100; ++i) CHECK(policy.on_death(i * 2500 * kMillisecond, 0, false));
}

}  // namespace lab
