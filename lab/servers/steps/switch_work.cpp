#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <coroutine>
#include <exception>
#include <system_error>
#include <thread>

#include "lab/core/process.hpp"
#include "lab/servers/steps/work.hpp"

namespace lab {

namespace {

constexpr std::int64_t kCoroutineGroup = 2'000;

/// A coroutine that hands over to its partner until nothing is left: the smallest one there can be.
class Player {
 public:
  struct promise_type {  // NOLINT(readability-identifier-naming): the language's name
    std::coroutine_handle<promise_type> get_return_object() {
      return std::coroutine_handle<promise_type>::from_promise(*this);
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  // Implicit: clang 14 would otherwise want to move what get_return_object() gives.
  Player(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;
  ~Player() { handle_.destroy(); }
  std::coroutine_handle<> handle() const { return handle_; }

 private:
  std::coroutine_handle<promise_type> handle_;
};

/// Symmetric transfer: the partner runs in place of this one, no stack grows.
struct HandOver {
  std::coroutine_handle<> partner;
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> /*self*/) const noexcept { return partner; }
  void await_resume() const noexcept {}
};

struct Ball {
  std::int64_t left = 0;
  std::array<std::coroutine_handle<>, 2> players;
};

Player play(Ball& ball, std::size_t partner) {
  for (;;) {
    while (ball.left > 0) {
      --ball.left;
      co_await HandOver{ball.players[partner]};
    }
    co_await std::suspend_always{};
  }
}

bool give(int fd) {
  return TEMP_FAILURE_RETRY(::write(fd, "x", 1)) == 1;
}

bool take(int fd) {
  char byte = 0;
  return TEMP_FAILURE_RETRY(::read(fd, &byte, 1)) == 1;
}

/// One player's ends of two pipes. Threads and processes play over the same ones, so that what differs
/// between them is the switch.
struct Ends {
  UniqueFd reading, writing;
};

bool open_pipe(UniqueFd& reading, UniqueFd& writing) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  reading = UniqueFd(ends[0]);
  writing = UniqueFd(ends[1]);
  return true;
}

bool connect(Ends& one, Ends& other) {
  return open_pipe(one.reading, other.writing) && open_pipe(other.reading, one.writing);
}

/// Keeps this thread, and the player that it starts meanwhile, on the core where it is: what is timed then is
/// the switch, and not how long another core takes to wake, which depends on where the kernel puts the two.
class OneCore {
 public:
  OneCore() {
    cpu_set_t here;
    CPU_ZERO(&here);
    const int core = sched_getcpu();
    if (core < 0 || core >= CPU_SETSIZE || sched_getaffinity(0, sizeof before_, &before_) != 0) return;
    CPU_SET(core, &here);
    pinned_ = sched_setaffinity(0, sizeof here, &here) == 0;
  }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;
  ~OneCore() {
    if (pinned_) sched_setaffinity(0, sizeof before_, &before_);
  }

 private:
  cpu_set_t before_{};
  bool pinned_ = false;
};

/// Two hand-overs a turn. False: the other player is gone.
bool ask_often(const Ends& ends, std::int64_t units) {
  bool there = true;
  for (std::int64_t done = 0; there && done < units; done += 2)
    there = give(ends.writing.get()) && take(ends.reading.get());
  return there;
}

/// Until the other player closes its end, or dies.
void answer_all(const Ends& ends) {
  while (take(ends.reading.get()) && give(ends.writing.get())) {
  }
}

}  // namespace

Result<void> switch_coroutines(std::int64_t units, const Between& between) {
  Ball ball;
  const Player first = play(ball, 1);
  const Player second = play(ball, 0);
  ball.players = {first.handle(), second.handle()};
  for (std::int64_t done = 0; done < units; done += kCoroutineGroup) {
    ball.left = std::min(kCoroutineGroup, units - done);
    first.handle().resume();
    if (between && done + kCoroutineGroup < units) between();
  }
  return {};
}

Result<void> switch_threads(std::int64_t units) {
  Ends ours;
  Ends theirs;
  if (!connect(ours, theirs)) return system_error("pipe2", "two threads that switch", errno);
  const OneCore shared;
  try {
    std::thread partner([&theirs] { answer_all(theirs); });
    ask_often(ours, units);
    ours.writing.reset();
    partner.join();
  } catch (const std::system_error& refused) {
    return environment_error("cannot start a thread to switch to: {}", refused.code().message());
  }
  return {};
}

Result<void> switch_processes(std::int64_t units) {
  Ends ours;
  Ends theirs;
  if (!connect(ours, theirs)) return system_error("pipe2", "two processes that switch", errno);
  const OneCore shared;
  auto partner =
      ChildProcess::start("a process to switch to", {theirs.reading.get(), theirs.writing.get()}, [&theirs] {
        answer_all(theirs);
        return 0;
      });
  if (!partner) return partner.error();
  // With its ends open here its death would not be seen.
  theirs = Ends();
  const bool alive = ask_often(ours, units);
  ours.writing.reset();
  partner->await_end();
  if (!alive) return environment_error("the process to switch to ended early");
  return {};
}

}  // namespace lab
