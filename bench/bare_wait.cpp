// The least programs that can wait 100 ms for each request as the arms of blocking-async do. What one of them
// takes above the bound is the machine's: its wake-ups, its timers, its sockets. They check nothing.
//
//   bare_wait loop PORT      one loop that sleeps
//   bare_wait timers PORT    one loop with timers
//   bare_wait pool PORT      a loop, and threads that sleep and answer
//   bare_wait workers PORT   four loops that sleep, dealt their connections in turn
//
// A POST waits, anything else is answered at once. PORT 0: a free one. All end with TERM.
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "bare.hpp"

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kWait = kSecond / 10;
constexpr std::size_t kThreads = 40;
constexpr int kWorkers = 4;
constexpr std::string_view kReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

void sleep_until(std::int64_t at) {
  const timespec time{at / kSecond, at % kSecond};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

void reply(int fd) {
  if (send(fd, kReply.data(), kReply.size(), MSG_NOSIGNAL) < 0) std::perror("send");
}

/// Requests are small and come whole. True: one that is to wait.
bool wants_wait(int fd) {
  std::array<char, 16384> bytes;
  const ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got <= 0) {
    close(fd);
  } else if (bytes[0] == 'P') {
    return true;
  } else {
    reply(fd);
  }
  return false;
}

void sleep_and_reply(int fd) {
  sleep_until(now() + kWait);
  reply(fd);
}

/// A connection to be answered.
struct Due {
  std::int64_t at = 0;
  int fd = -1;
};

/// All wait equally long, so who came first is due first.
class Timers {
 public:
  void add(int fd) { waiting_.push_back({now() + kWait, fd}); }
  void reply_to_due() {
    while (!waiting_.empty() && waiting_.front().at <= now()) {
      reply(waiting_.front().fd);
      waiting_.pop_front();
    }
  }
  int wait(int epoll, std::array<epoll_event, 512>& events) const {
    timespec left{};
    if (!waiting_.empty()) {
      const std::int64_t span = std::max<std::int64_t>(0, waiting_.front().at - now());
      left = {span / kSecond, span % kSecond};
    }
    return epoll_pwait2(epoll, events.data(), events.size(), waiting_.empty() ? nullptr : &left, nullptr);
  }

 private:
  std::deque<Due> waiting_;
};

/// Threads that sleep, each for one request after another.
class Pool {
 public:
  Pool() {
    for (std::size_t i = 0; i < kThreads; ++i) std::thread([this] { work(); }).detach();
  }
  void add(int fd) {
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(fd);
    }
    some_.notify_one();
  }

 private:
  [[noreturn]] void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      some_.wait(lock, [this] { return !asked_.empty(); });
      const int fd = asked_.front();
      asked_.pop_front();
      lock.unlock();
      sleep_and_reply(fd);
    }
  }

  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<int> asked_;
};

/// A loop that gives every request that is to wait to `begin`, and sleeps with `wait`.
template <class Begin, class Wait>
[[noreturn]] void serve(int epoll, int listener, const Begin& begin, const Wait& wait) {
  bare::watch(epoll, listener);
  std::array<epoll_event, 512> events{};
  for (;;) {
    const int ready = wait(events);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        while (bare::accept_one(epoll, listener)) {
        }
      } else if (wants_wait(fd)) {
        begin(fd);
      }
    }
  }
}

/// Whoever has the token accepts the next connection and passes it on.
[[noreturn]] void serve_in_turn(int epoll, int listener, int token, int next) {
  bare::watch(epoll, token);
  std::array<epoll_event, 512> events{};
  for (;;) {
    const int ready = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      char byte = 0;
      if (fd == token) {
        if (read(token, &byte, 1) == 1) bare::watch(epoll, listener);
      } else if (fd == listener) {
        if (!bare::accept_one(epoll, listener)) continue;
        epoll_ctl(epoll, EPOLL_CTL_DEL, listener, nullptr);
        if (write(next, &byte, 1) != 1) bare::fail("write");
      } else if (wants_wait(fd)) {
        sleep_and_reply(fd);
      }
    }
  }
}

[[noreturn]] void serve_with_workers(int listener) {
  std::array<std::array<int, 2>, kWorkers> tokens{};
  for (auto& ends : tokens) {
    if (pipe(ends.data()) != 0) bare::fail("pipe");
  }
  if (write(tokens[0][1], "x", 1) != 1) bare::fail("write");
  for (std::size_t worker = 0; worker < kWorkers; ++worker) {
    if (fork() != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve_in_turn(epoll_create1(0), listener, tokens[worker][0], tokens[(worker + 1) % kWorkers][1]);
  }
  for (;;) pause();
}

}  // namespace

int main(int count, char** words) {
  const std::string_view kind = count == 3 ? words[1] : "";
  if (kind != "loop" && kind != "timers" && kind != "pool" && kind != "workers") {
    std::fputs("usage: bare_wait loop|timers|pool|workers PORT\n", stderr);
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);  // the kernel may otherwise end a sleep 50 us late
  const int listener = bare::listen_at(static_cast<std::uint16_t>(std::atoi(words[2])));
  if (kind == "workers") serve_with_workers(listener);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const auto wait = [epoll](auto& events) {
    return epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
  };
  if (kind == "loop") serve(epoll, listener, sleep_and_reply, wait);
  if (kind == "pool") {
    Pool pool;
    serve(
        epoll, listener, [&pool](int fd) { pool.add(fd); }, wait);
  }
  Timers timers;
  serve(
      epoll, listener, [&timers](int fd) { timers.add(fd); },
      [&](auto& events) {
        const int ready = timers.wait(epoll, events);
        timers.reply_to_due();
        return ready;
      });
}
